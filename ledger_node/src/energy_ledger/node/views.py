"""What the node knows in memory, in the form of the API."""

from typing import Any, Final

import msgspec
from msgspec import UNSET

from energy_ledger.api import types
from energy_ledger.api.ports import Kind
from energy_ledger.genesis import Feeder, Genesis, Rules
from energy_ledger.ledger.governing_rows import Policy
from energy_ledger.node.chain import Standing
from energy_ledger.node.company import Neighbour
from energy_ledger.node.intake import Taken, Turned
from energy_ledger.node.neighbours import Neighbours
from energy_ledger.node.problem import Problem
from energy_ledger.policies import Hybrid
from energy_ledger.proofs import Proof
from energy_ledger.storage.reader import Begin
from energy_ledger.tariffs import Tariff, TariffStep
from energy_ledger.transactions import Envelope, read_envelope
from energy_ledger.units import MS_PER_S


def envelope(signed: Envelope) -> types.Envelope:
    """Show an envelope."""
    return types.Envelope(signed.payload, list(signed.signatures))


def network(
    genesis: Genesis, standing: Standing, problem: Problem | None, *, may_fail: int, start: Begin, size: int
) -> types.Network:
    """Show the network, where its ledger stands, and how far back it goes in a database of this size."""
    rules, money = genesis.rules, standing.money
    return types.Network(
        network=genesis.network,
        name=rules.name,
        currency=rules.currency,
        test=rules.test,
        genesis=envelope(genesis.envelope),
        parameters=_parameters(rules, standing.policy),
        tariff=tariff(standing.tariffs.tariff_at(standing.time // (rules.slot_s * MS_PER_S))),
        tariffs=[types.TariffFrom(slot, tariff(one)) for slot, one in standing.tariffs.entries],
        feeders=[_feeder(feeder) for feeder in rules.feeders],
        committee=list(standing.committee),
        epoch=standing.epoch,
        may_fail=may_fail,
        commit=standing.commit,
        time=standing.time,
        state_root=standing.root.hex(),
        members=standing.members,
        money=types.Money(money.issued, money.balances, money.held, money.community),
        round=standing.last_round,
        known_from=types.KnownFrom(start.commit, start.time, start.cursor),
        database_bytes=size,
        in_sync=problem is None,
        problem=problem and problem.text,
        problem_code=problem and problem.code,
    )


def _parameters(rules: Rules, policy: Policy) -> types.Parameters:
    return types.Parameters(
        slot_s=rules.slot_s,
        horizon_slots=rules.horizon_slots,
        round_s=rules.round_s,
        proposal_window_s=rules.proposal_window_s,
        gate_s=rules.gate_s,
        grace_slots=rules.grace_slots,
        readings=rules.readings,
        approval=policy.approval,
        quota=types.Quota(policy.quota.work_per_s, policy.quota.burst),
        hybrid=_hybrid(policy.hybrid),
        claim_window_s=rules.claim_window_s,
        certificate_life_s=rules.certificate_life_s,
    )


def _hybrid(hybrid: Hybrid | None) -> types.Hybrid | None:
    return types.Hybrid(list(hybrid.kinds), hybrid.transfer_above) if hybrid else None


def tariff(tariff: Tariff) -> types.Tariff:
    """Show a tariff as the genesis has it."""
    return types.Tariff(_week(tariff.price_floor), _week(tariff.price_cap), _week(tariff.grid_fee))


def _week(schedule: int | tuple[TariffStep, ...]) -> int | list[types.TariffStep]:
    if isinstance(schedule, int):
        return schedule
    return [types.TariffStep(step.minute, step.value) for step in schedule]


def _feeder(feeder: Feeder) -> types.Feeder:
    return types.Feeder(feeder.id, feeder.parent, feeder.up_limit_wh, feeder.down_limit_wh)


_PROVABLE: Final[dict[Kind, msgspec.json.Decoder[Any]]] = {
    "account": msgspec.json.Decoder(types.Account),
    "asset": msgspec.json.Decoder(types.Asset),
    "audit": msgspec.json.Decoder(types.AuditRow),
}


def proven(kind: Kind, proof: Proof) -> types.Proven[Any]:
    """Show a row and what proves it."""
    state = proof.certificate.state
    return types.Proven(
        _PROVABLE[kind].decode(proof.value),
        types.Proof(
            key=proof.key.decode(),
            path=[types.PathStep(step.side, step.digest.hex()) for step in proof.path],
            epoch=proof.certificate.epoch,
            commit=state.commit,
            time=state.time,
            root=state.root.hex(),
            leader=state.leader.hex(),
            votes=[types.StateVote(one, vote.hex()) for one, vote in proof.certificate.votes],
        ),
    )


def peers(standing: Standing, own: bytes, neighbours: Neighbours | None) -> list[types.Peer]:
    """Show the nodes that are linked, and the validators that are not; validators first, in their order."""
    near = {one.link.key: one for one in neighbours.company.all} if neighbours else {}
    validators = [key for key in map(bytes.fromhex, standing.committee) if key != own]
    keys = [*validators, *(key for key in near if key not in validators)]
    return [_peer(key, standing, near.get(key), neighbours) for key in keys]


def _peer(
    key: bytes, standing: Standing, near: Neighbour | None, neighbours: Neighbours | None
) -> types.Peer:
    public = key.hex()
    return types.Peer(
        node_key=public,
        address=near.link.place if near else "",
        validator=standing.committee.index(public) + 1 if public in standing.committee else None,
        linked=near is not None,
        dialled=near.link.dialled if near else None,
        epoch=near.standing.epoch if near else None,
        commit=near.standing.commit if near else None,
        clock_ahead_ms=near.clock_ahead if near else None,
        problem=neighbours.links.trouble(key) or None if neighbours and not near else None,
    )


def submitted(admission: Turned | Taken) -> types.Submitted:
    """Show what became of a submitted transaction so far."""
    if isinstance(admission, Turned):
        refused = admission.refused
        return types.Submitted(
            accepted=False,
            id=admission.id or UNSET,
            code=refused.code,
            field=refused.field,
            message=refused.message,
        )
    placed = admission.placed
    result = placed.result if placed else None
    return types.Submitted(
        accepted=True,
        id=admission.id,
        state=result.state if result else "pending",
        commit=placed.commit if placed else None,
        code=result.code if result else None,
        field=result.field if result else None,
        message=result.message if result else None,
    )


def pending(taken: Taken) -> types.Transaction:
    """Show a transaction that is not ordered yet."""
    return types.Transaction(
        id=taken.id,
        state="pending",
        code=None,
        field=None,
        message=None,
        commit=None,
        time=None,
        block=None,
        envelope=envelope(read_envelope(taken.waiting.data)),
    )
