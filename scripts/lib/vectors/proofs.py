"""What binds an asset's log and a state: digests, trees, and rows proven under a committee's votes."""

from typing import Any

import msgspec

from energy_ledger import crypto
from energy_ledger.ledger.audits import empty
from energy_ledger.ledger.events import canonical, digest_of_line
from energy_ledger.ledger.merkle import MerkleTree
from energy_ledger.node import views
from energy_ledger.proofs import Certificate, Electorate, LedgerState, Proof, StateVote, leaf_digest
from energy_ledger.quorum import quorum_of
from scripts.lib.vectors.founding import NETWORK
from scripts.lib.vectors.people import ADA, BO, CY, HOUR, NOW, Wallet
from scripts.lib.vectors.transactions import ROOF


def audit() -> Any:
    """An asset's log of three events in two commits, one of them with letters beyond ASCII."""
    told = [
        (4, 17, "asset.registered", "Dach Süd ☀"),
        (4, 19, "asset.updated", 'the "roof"'),
        (9, 31, "asset.updated", "roof"),
    ]
    events = [
        {
            "accounts": [BO.address], "assets": [ROOF], "commit": commit, "cursor": cursor, "data": {"id": ROOF, "name": name},
            "time": NOW + commit, "transaction": ROOF, "type": kind,
        }
        for commit, cursor, kind, name in told
    ]  # fmt: skip
    log = empty(ROOF)
    for commit in (4, 9):
        lines = [canonical(event) for event in events if event["commit"] == commit]
        log = log.extended(commit, [digest_of_line(line) for line in lines])
    return {"asset": ROOF, "events": events, "row": log.row()}


def merkle() -> Any:
    leaves = [(f"account/{name}", f'{{"balance":{number}}}') for number, name in enumerate("fbdaceg")]
    trees = []
    for size in range(1, len(leaves) + 1):
        tree = MerkleTree()
        for key, value in leaves[:size]:
            tree.set(key.encode(), value.encode())
        trees.append({"leaves": size, "root": tree.root().hex()})
    return {
        "leaves": [
            {"key": key, "value": value, "digest": leaf_digest(key.encode(), value.encode()).hex()}
            for key, value in leaves
        ],
        "trees": trees,
    }


def proofs() -> Any:
    """A committee of four proves three rows, one with letters beyond ASCII; and answers that prove nothing."""
    seeds = [bytes([number]) * 32 for number in range(1, 5)]
    electorate = Electorate(bytes.fromhex(NETWORK), 0, tuple(map(crypto.public_key, seeds)), quorum_of(4))
    leaves = _leaves()
    tree = MerkleTree()
    for leaf in leaves:
        tree.set(*leaf)
    state = LedgerState(77, NOW + HOUR, tree.root(), bytes(range(32, 64)))
    votes = [(number, electorate.sign(seeds[number], state)) for number in (0, 2, 3)]
    certificate = Certificate(0, state, tuple(votes))
    answers = [
        msgspec.to_builtins(views.proven("account", Proof(key, value, tree.path(key) or (), certificate)))
        for key, value in leaves[:-1]
    ]
    return {
        "network": NETWORK,
        "epoch": 0,
        "committee": [key.hex() for key in electorate.keys],
        "seeds": [seed.hex() for seed in seeds],
        "quorum": electorate.quorum,
        "state": _state_fields(state),
        "signed": (crypto.tag("state") + electorate.network + bytes(8) + state.encode()).hex(),
        "vote": StateVote(state, votes[0][1]).encode().hex(),
        "leaves": [{"key": key.decode(), "value": value.hex()} for key, value in leaves],
        "answers": answers,
        "invalid": [{"why": why, "answer": answer} for why, answer in _false_answers(answers[1])],
    }


def _leaves() -> list[tuple[bytes, bytes]]:
    """Return three accounts' rows under their keys, and last the history's."""
    people = ((ADA, "Ada", 0), (BO, "Bo Öztürk ☀", 7), (CY, "Cy", 40))
    rows = [_account_row(wallet, name, balance) for wallet, name, balance in people]
    leaves = [(f"account/{row['account']}".encode(), canonical(row)) for row in rows]
    return [*leaves, (b"history", bytes(range(32)))]


def _state_fields(state: LedgerState) -> dict[str, Any]:
    return {
        "commit": state.commit,
        "time": state.time,
        "root": state.root.hex(),
        "leader": state.leader.hex(),
    }


def _account_row(wallet: Wallet, name: str, balance: int) -> dict[str, Any]:
    return {
        "account": wallet.address, "name": name, "status": "active", "roles": [], "keys": wallet.fields,
        "balance": balance, "held": 0, "credit": 0, "available": balance, "sequence": 1, "commit": 5, "time": NOW,
    }  # fmt: skip


def _false_answers(answer: Any) -> list[tuple[str, Any]]:
    """Return lies that a node might tell with a proof that was good."""
    proof, row = answer["proof"], answer["row"]
    votes, path = proof["votes"], proof["path"]
    turned = [{**path[0], "side": "left" if path[0]["side"] == "right" else "right"}, *path[1:]]
    return [
        ("another balance", {"row": row | {"balance": 8}, "proof": proof}),
        ("a field more", {"row": row | {"rich": 1}, "proof": proof}),
        ("another key", {"row": row, "proof": proof | {"key": f"account/{CY.address}"}}),
        ("a step of the path turned", {"row": row, "proof": proof | {"path": turned}}),
        ("a step of the path left out", {"row": row, "proof": proof | {"path": path[1:]}}),
        ("another commit", {"row": row, "proof": proof | {"commit": 78}}),
        ("a later time", {"row": row, "proof": proof | {"time": NOW + 2 * HOUR}}),
        ("another leader", {"row": row, "proof": proof | {"leader": "00" * 32}}),
        ("another epoch", {"row": row, "proof": proof | {"epoch": 1}}),
        ("too few votes", {"row": row, "proof": proof | {"votes": votes[:2]}}),
        ("one validator's vote twice", {"row": row, "proof": proof | {"votes": [*votes[:2], votes[0]]}}),
        (
            "a vote in another's name",
            {"row": row, "proof": proof | {"votes": [*votes[:2], votes[2] | {"validator": 1}]}},
        ),
        (
            "a validator that is none",
            {"row": row, "proof": proof | {"votes": [*votes[:2], votes[2] | {"validator": 4}]}},
        ),
        (
            "a number below the first validator",
            {"row": row, "proof": proof | {"votes": [*votes[:2], votes[2] | {"validator": -1}]}},
        ),
    ]
