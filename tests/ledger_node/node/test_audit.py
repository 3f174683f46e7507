"""An exported log proves itself offline, and no other log passes for it."""

import json
import random
import re

import msgspec
import pytest
from msgspec.structs import replace

from energy_ledger import crypto
from energy_ledger.api.problems import ProblemError
from energy_ledger.cli import main
from energy_ledger.keys import PublicKey
from energy_ledger.ledger.events import canonical
from energy_ledger.ledger.membership import ROTATE_TAG, proof_of_keys
from energy_ledger.node.audit_check import NoExportError, WrongExportError, check
from energy_ledger.node.audit_files import sealed
from energy_ledger.node.audit_matching import AuditEvent, mismatch
from energy_ledger.transactions import TRANSACTION_TAG, parse, sign_payload
from tests.ledger_node.node.chains import KEY, waiting
from tests.ledger_node.node.desk import desk
from tests.ledger_node.node.test_proven_rows import electorate_of
from tests.ledger_node.test_proofs import read_answer
from tests.support.client import Street
from tests.support.killing import house
from tests.support.people import as_json


@pytest.fixture
async def street(tmp_path):
    made = desk(tmp_path)
    seller, buyer = made.settle_in("Bo"), made.settle_in("Cy")
    made.trades(seller, buyer)
    made.at(made.now + 1)
    yield made, seller, buyer
    made.close()


@pytest.fixture
async def small(tmp_path):
    """The log of an asset that was registered, and changed once."""
    made = desk(tmp_path)
    bo, home = made.settle_in("Bo")
    made.do(bo, "asset.update", asset=home, name="Bo's home ☀")
    made.at(made.now + 1)
    yield await made.export(home)
    made.close()


def refused(data, **options):
    with pytest.raises((NoExportError, WrongExportError)) as error:
        check(data, **options)
    return str(error.value)


def passes(data):
    try:
        check(data)
    except NoExportError, WrongExportError:
        return False
    return True


async def test_an_exported_log_tells_the_whole_story_and_holds(street):
    made, (_, roof), (_, home) = street
    for asset in (roof, home):
        data = await made.export(asset)
        report = check(data, made.ledger.genesis.network)
        assert (report.asset, report.network) == (asset, made.ledger.genesis.network)
        story = [event["type"] for event in json.loads(data)["events"]]
        wanted = ["asset.registered", "order.placed", "trades.matched", "reading.attested", "trade.settled"]
        assert [one for one in story if one in wanted][:5] == wanted
        assert report.events == len(story)
        assert report.transactions == 3


async def test_another_network_than_the_one_that_is_meant_is_refused(small):
    assert "not of" in refused(small, network="0" * 64)


async def test_any_single_byte_changed_is_refused(small):
    check(small)
    chance = random.Random(5)
    for place, byte in enumerate(small):
        before, after = small[:place], small[place + 1 :]
        others = {byte ^ 1, byte ^ 0x20, chance.randrange(256)} - {byte}
        tries = [before + bytes([other]) + after for other in sorted(others)]
        tries += [
            before + after,
            before + b" " + small[place:],
            before + small[place : place + 1] * 2 + after,
        ]
        assert not any(map(passes, tries)), place


def reworded(data):
    """Yield files that say the same in other bytes, or nearly: what a lenient reader would take for equal."""
    text = data.decode()
    yield "byte order mark", b"\xef\xbb\xbf" + data
    yield "UTF-16", text.encode("utf-16")
    for tail in (b"\n", b" ", b"\r\n", b"\0", b"{}", b","):
        yield f"followed by {tail!r}", data + tail
    for place, letter in enumerate(text):
        before, after = text[:place], text[place + 1 :]
        if letter in "{}[],:":
            for space in (" ", "\n", "\t", "\r"):
                yield f"space before {place}", (before + space + letter + after).encode()
                yield f"space after {place}", (before + letter + space + after).encode()
        if letter in ",]}":
            yield f"comma more at {place}", (before + "," + letter + after).encode()
        if letter.isdigit() and after[:1] in ",}]":
            for other in (".0", "e0", "E+0", ".", "_0"):
                yield f"number {place} as {other}", (before + letter + other + after).encode()
        if letter in "{," and after[:1] == '"':
            key = after[1:].partition('"')[0]
            yield f"key {key} twice", (before + letter + f'"{key}":null,' + after).encode()
        if before[-1:] not in ("\\", "") and (letter.isalnum() or letter in "/☀"):
            yield f"escape at {place}", (before + f"\\u{ord(letter):04x}" + after).encode()
        if letter in "abcdef":
            yield f"capital at {place}", (before + letter.upper() + after).encode()


async def test_the_same_said_in_other_bytes_is_refused(small):
    others = dict(reworded(small))
    assert [how for how, other in others.items() if passes(other)] == []
    assert len(others) > 5_000


def spelled_otherwise(tree):
    """Yield logs with one hex text in capitals or spread out, as a lenient reader would take it."""
    original = json.dumps(tree)
    for path in parts(tree):
        value = at(tree, path)
        if (
            path[0] != "checksum"
            and isinstance(value, str)
            and _HEX.fullmatch(value)
            and _LETTER.search(value)
        ):
            for other in (value.upper(), f"{value[:2]} {value[2:]}", f" {value}", f"{value}\n", f"0x{value}"):
                changed = json.loads(original)
                at(changed, path[:-1])[path[-1]] = other
                yield path, other, changed


_HEX, _LETTER = re.compile("[0-9a-f]{32,}"), re.compile("[a-f]")


async def test_hex_spelled_otherwise_is_refused_under_a_new_checksum_too(street):
    made, _, (_, home) = street
    others = list(spelled_otherwise(json.loads(await made.export(home))))
    assert [(path, other) for path, other, tree in others if passes(sealed(tree))] == []
    assert len(others) > 100


async def test_what_is_no_export_is_told_apart(small):
    for data in (b"", b"{", b"[]", b"{}", b"\xff", b'{"network":"x"}'):
        with pytest.raises(NoExportError):
            check(data)
    with pytest.raises(WrongExportError, match="canonical"):
        check(json.dumps(json.loads(small)).encode())


def parts(tree, path=()):
    """Yield the path to every entry of every list and object in a tree."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from parts(value, (*path, key))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def variants(data):
    """Yield copies of a log with something dropped, swapped or changed, each sealed with a fresh checksum."""
    original = json.loads(data)
    for path in parts(original):
        if path[0] == "checksum":
            continue
        dropped = json.loads(data)
        del at(dropped, path[:-1])[path[-1]]
        yield path, "dropped", dropped
        if isinstance(path[-1], int) and path[-1] > 0:
            swapped = json.loads(data)
            entries = at(swapped, path[:-1])
            entries[path[-1] - 1 : path[-1] + 1] = entries[path[-1] - 1 : path[-1] + 1][::-1]
            if swapped != original:
                yield path, "swapped", swapped
        doubled = json.loads(data)
        if isinstance(entries := at(doubled, path[:-1]), list):
            entries.insert(path[-1], entries[path[-1]])
            yield path, "doubled", doubled
        widened = json.loads(data)
        if isinstance(entries := at(widened, path), dict):
            entries["zzz"] = 1
            yield path, "widened", widened
        changed = json.loads(data)
        value = at(changed, path)
        if not isinstance(value, dict | list) and path[-1] != "block":
            at(changed, path[:-1])[path[-1]] = _other(value)
            yield path, "changed", changed


def _other(value):
    match value:
        case bool() | None:
            return 1
        case int():
            return value + 1
        case str():
            return value[:-1] + ("0" if value[-1:] != "0" else "1")


async def test_dropping_moving_doubling_or_changing_any_entry_is_refused_under_a_new_checksum_too(
    street,
):
    made, _, (_, home) = street
    data = await made.export(home)
    assert sealed({k: v for k, v in json.loads(data).items() if k != "checksum"}) == data
    others = list(variants(data))
    assert [(path, how) for path, how, tree in others if passes(sealed(tree))] == []
    assert len(others) > 500


async def test_a_block_is_only_named_and_the_checksum_is_all_that_covers_its_name(small):
    tree = json.loads(small)
    next(iter(tree["transactions"].values()))["block"] = "0" * 64
    assert "checksum" in refused(canonical(tree))
    check(sealed(tree))


async def test_what_cannot_even_be_read_is_refused_too(street):
    made, (bo, _), (cy, home) = street
    data = await made.export(home)

    def bent(bend):
        tree = json.loads(data)
        bend(tree)
        return refused(sealed(tree))

    def swap_contents(tree):
        first, second, *_ = tree["transactions"]
        both = tree["transactions"]
        both[first]["envelope"], both[second]["envelope"] = both[second]["envelope"], both[first]["envelope"]

    def name_another(tree):
        (joined,) = tree["accounts"].pop(cy.address)
        tree["accounts"][bo.address] = [joined]

    def say_too_much(tree):
        tree["accounts"][made.ada.address] = []

    def leave_out(tree):
        tree["transactions"].popitem()

    assert "cannot be read" in bent(lambda tree: tree["proof"].update(root="x" * 64))
    assert "cannot be read" in bent(lambda tree: tree["proof"].update(commit=-1))
    assert "did not sign" in bent(lambda tree: tree["row"].update(count="3"))
    assert "another one" in bent(swap_contents)
    assert "prove the keys" in bent(name_another)
    assert "signed nothing" in bent(say_too_much)
    assert "not those that its events name" in bent(leave_out)


async def test_an_event_that_says_otherwise_than_its_transaction_is_found(street):
    """Only a dishonest quorum could have such a thing certified."""
    made, (bo, roof), _ = street
    made.do(bo, "asset.update", asset=roof, feeder="")
    made.at(made.now + 1)
    log = json.loads(await made.export(roof))
    tried = set()
    for told in log["events"]:
        if told["transaction"] is None:
            continue
        event = msgspec.convert(told, AuditEvent)
        envelope = log["transactions"][told["transaction"]]["envelope"]
        transaction = parse(json.dumps(envelope).encode())
        assert mismatch(event, transaction) is None
        for name in {"id", "account", "name", "order", "imported_wh", "commitment", "feeder"} & set(
            event.data
        ):
            other = replace(event, data=event.data | {name: "another"})
            tried |= {(event.type, name)} if mismatch(other, transaction) else set()
        wrong = {"reading.attested": "order.placed"}.get(event.type, "reading.attested")
        assert "that is a" in mismatch(replace(event, type=wrong), transaction)
    assert ("asset.updated", "feeder") in tried
    assert {
        ("asset.registered", "name"),
        ("order.placed", "order"),
        ("reading.attested", "commitment"),
    } <= tried
    assert {("asset.registered", "id"), ("order.placed", "account")} <= tried


async def test_an_asset_that_moved_with_its_connection_point_is_proven(tmp_path):
    feeders = [{"id": "north"}, {"id": "south"}]
    made = desk(tmp_path, feeders=feeders)
    bo = made.joins("Bo")
    point = made.do(bo, "asset.register", **house("Bo") | {"feeder": "north"})
    behind = made.do(bo, "asset.register", **house("boiler") | {"feeder": "north", "behind": point})
    made.do(bo, "asset.update", asset=point, feeder="south", name="moved")
    made.at(made.now + 1)
    for asset in (point, behind):
        data = await made.export(asset)
        assert check(data).events == 2
        assert json.loads(data)["events"][-1]["data"]["feeder"] == "south"
    made.close()


@pytest.mark.parametrize("gone", ["events", "transactions"])
async def test_a_node_that_forgot_part_of_a_log_says_so(street, gone, monkeypatch):
    made, _, (_, home) = street
    if gone == "events":
        monkeypatch.setattr(made.reader, "events_of", lambda *_: [])
    else:
        monkeypatch.setattr(made.reader, "transaction", lambda *_: None)
    with pytest.raises(ProblemError, match="no longer keeps"):
        await made.export(home)


async def test_a_log_that_is_too_long_is_not_exported(street, monkeypatch):
    made, _, (_, home) = street
    monkeypatch.setattr("energy_ledger.node.audit_export._MOST_EVENTS", 2)
    with pytest.raises(ProblemError, match="more than 2"):
        await made.export(home)


async def test_nothing_is_exported_before_it_is_certified(tmp_path):
    made = desk(tmp_path)
    _, home = made.settle_in("Bo")
    shown = made.shown("audit", home)
    assert shown.proof is not None
    bare = type(shown)(shown.row, None)
    with pytest.raises(Exception, match="certified"):
        await made.queries.export_audit(bare)
    made.close()


async def test_a_log_from_after_a_change_of_committee_proves_that_change_too(street):
    made, _, (cy, home) = street
    public = PublicKey("ed25519", KEY.public.hex())
    made.node_sequence += 1
    vote = {
        "network": made.ledger.genesis.network,
        "account": made.ledger.genesis.address([public]),
        "sequence": made.node_sequence,
        "expires": made.now + 9_000,
        "kind": "committee.vote",
        "epoch": 1,
        "committee": [public.public],
    }
    made.at(made.now, waiting(as_json(sign_payload(vote, KEY.seed))))
    made.do(cy, "asset.update", asset=home, name="after the change")
    made.at(made.now + 1)
    data = await made.export(home)
    assert check(data).epoch == 1
    assert [one["epoch"] for one in json.loads(data)["committees"]] == [1]
    for path, how, tree in variants(data):
        if path[0] == "committees":
            assert refused(sealed(tree)), (path, how)


async def test_what_was_signed_with_old_and_with_new_keys_is_proven_by_the_change_of_keys(street):
    made, _, (cy, home) = street
    old = cy.seed
    for number in range(2):
        seed = bytes([number]) * 32
        key = PublicKey("ed25519", crypto.public_key(seed).hex())
        message = proof_of_keys(cy.account, cy.sequence + 1, (key,))
        proof = crypto.sign(seed, ROTATE_TAG, message).hex()
        made.do(cy, "key.rotate", keys=[{"type": key.type, "public": key.public}], proofs=[proof])
        cy.seed = seed
        made.do(cy, "asset.update", asset=home, name=f"with key {number}")
    made.do(cy, "asset.retire", asset=home)
    made.at(made.now + 1)
    data = await made.export(home)
    assert check(data).transactions == 6
    assert len(json.loads(data)["accounts"][cy.address]) == 3
    for path, how, tree in variants(data):
        if path[0] == "accounts":
            assert refused(sealed(tree)), (path, how)
    cy.seed = old
    tree = json.loads(data)
    last = json.loads(data)["events"][-1]["transaction"]
    envelope = tree["transactions"][last]["envelope"]
    envelope["signatures"] = [crypto.sign(old, TRANSACTION_TAG, envelope["payload"].encode()).hex()]
    assert "not signed" in refused(sealed(tree))


@pytest.fixture
async def registered(node, client):
    """A real node with an asset that was registered and changed."""
    street = await Street.found(node, client)
    bo = await street.joins("Bo")
    home = await street.client.must(bo.sign("asset.register", **house("Bo")))
    for number in range(3):
        await street.client.must(bo.sign("asset.update", asset=home, name=f"home {number}"))
    return street.client, home


async def test_the_api_gives_pages_with_the_proof_of_the_whole(registered):
    client, home = registered
    network = await client.get("/v1/network")
    whole = await client.get(f"/v1/assets/{home}/audit", proof=1)
    assert read_answer(whole).holds(electorate_of(network))
    assert whole["proof"]["key"] == f"audit/{home}"
    assert [len(whole["items"]), whole["next"]] == [whole["row"]["count"], None] == [4, None]
    items, cursor = [], "0"
    while cursor is not None:
        page = await client.get(f"/v1/assets/{home}/audit", proof=1, limit=2, cursor=cursor)
        items += page["items"]
        cursor = page["next"]
    assert items == whole["items"] == (await client.get(f"/v1/assets/{home}/audit"))["items"]
    for item in items:
        transaction = await client.get(f"/v1/transactions/{item['transaction']}")
        assert (transaction["block"], transaction["commit"]) == (item["block"], item["commit"])
    for query in ({"proof": 1}, {"export": 1}):
        status, problem = await client.call("GET", f"/v1/assets/{'0' * 64}/audit", **query)
        assert (status, problem["code"]) == (404, "unknown_asset")


def told(capsys, *words):
    """Run the command; return its exit status and what it says."""
    status = main(["verify-audit", *words])
    said = capsys.readouterr()
    return status, said.out + said.err


async def test_the_command_checks_what_the_api_exports(registered, tmp_path, capsys):
    client, home = registered
    async with client.session.get(
        f"{client.url}/v1/assets/{home}/audit", params={"export": "1"}, headers=client.headers
    ) as response:
        data = await response.read()
        assert response.content_type == "application/json"
        assert "audit-" in response.headers["Content-Disposition"]
    file = tmp_path / "audit.json"
    file.write_bytes(data)
    status, text = told(capsys, str(file), "--network", json.loads(data)["network"])
    assert (status, "All is good: these 4 events" in text) == (0, True), text
    report = json.loads(told(capsys, str(file), "--json")[1])
    assert (report["valid"], report["events"], report["asset"]) == (True, 4, home)
    file.write_bytes(data.replace(b"home 1", b"home 7"))
    status, text = told(capsys, str(file))
    assert (status, "checksum" in text) == (1, True)
    status, text = told(capsys, str(file), "--json")
    assert (status, json.loads(text)["valid"]) == (1, False)
    file.write_text("hello")
    status, text = told(capsys, str(file))
    assert (status, "not an exported log" in text) == (2, True)


async def test_claims_and_certificates_stand_in_the_log_and_are_proven(tmp_path):
    made = desk(tmp_path, readings="net", claim_window_s=60)
    (bo, roof), (cy, home) = made.settle_in("Bo"), made.settle_in("Cy")
    slot = made.trades((bo, roof), (cy, home), read=9)
    claim = {"asset": roof, "slot": slot, "imported_wh": 0, "exported_wh": 3, "reason": "the meter ran wild"}
    made.passes(made.now + 30_000)
    opened = made.do(cy, "claim.open", **claim)
    made.do(made.ada, "claim.decide", claim=opened, upheld=False, note="it did not")
    made.passes(made.now + 90_000)
    made.do(bo, "transfer", to=cy.address, amount=1)
    held = [one for one in made.ledger._state.certificates.values() if one.holder == bo.address]
    assert held
    for part in held:
        made.do(bo, "certificate.transfer", certificate=part.id, wh=1, to=made.ada.address)
    made.at(made.now + 1)
    for asset in (roof, home):
        data = await made.export(asset)
        check(data)
        story = {event["type"] for event in json.loads(data)["events"]}
        assert "trade.disputed" in story
    log = json.loads(await made.export(roof))
    story = {event["type"] for event in log["events"]}
    assert {"claim.opened", "claim.decided", "certificate.issued", "certificate.transferred"} <= story
    for path, how, tree in variants(canonical(log)):
        if path[0] in ("events", "transactions"):
            assert refused(sealed(tree)), (path, how)
    made.close()
