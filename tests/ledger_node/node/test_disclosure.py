"""Registers that a home shows off the ledger are held against what it attested."""

import json

import pytest

from energy_ledger.cli import main
from energy_ledger.ledger.disclosures import commitment_of
from energy_ledger.node.audit_check import read
from energy_ledger.node.audit_files import sealed
from energy_ledger.node.disclosure_check import WrongDisclosureError, check
from tests.ledger_node.node.desk import SLOT_MS, desk

SALT = "07" * 32


def text(asset, slot, wh, early=0, late=0):
    times = slot * SLOT_MS - early, (slot + 1) * SLOT_MS + late
    start, end = (
        {"at": at, "imported_wh": 1_000 + more, "exported_wh": 5}
        for at, more in zip(times, (0, wh), strict=True)
    )
    return json.dumps({"asset": asset, "slot": slot, "start": start, "end": end}, separators=(",", ":"))


@pytest.fixture
async def shown(tmp_path):
    """A home in a `net` network that attested what its meter showed, its log, and what it shows."""
    made = desk(tmp_path, readings="net")
    bo, home = made.settle_in("Bo")
    slot = made.now // SLOT_MS
    made.passes((slot + 1) * SLOT_MS)
    registers = text(home, slot, 9)
    reading = {
        "imported_wh": 9,
        "exported_wh": 0,
        "commitment": commitment_of(bytes.fromhex(SALT), registers),
    }
    made.do(bo, "reading.attest", asset=home, slot=slot, **reading)
    made.at(made.now + 1)
    log = tmp_path / "log.json"
    log.write_bytes(await made.export(home))
    made.close()
    return {"asset": home, "slot": slot, "registers": registers, "salt": SALT}, log


@pytest.fixture
def told(tmp_path, capsys):
    """Run the command on something that was shown; return its status and what it says."""

    def tell(disclosure, *words):
        file = tmp_path / "shown.json"
        file.write_text(json.dumps(disclosure))
        status = main(["verify-disclosure", str(file), *words])
        return status, capsys.readouterr().out

    return tell


async def test_registers_are_what_the_reading_committed_to(shown, told):
    disclosure, log = shown
    status, said = told(disclosure, "--audit", str(log))
    assert (status, "took 9 Wh" in said, "committed to" in said) == (0, True, True)
    status, said = told(disclosure, "--json")
    found = json.loads(said)
    assert (status, found["imported_wh"], found["exported_wh"], found["attested"]) == (0, 9, 0, None)
    assert found["commitment"] in told(disclosure)[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"salt": "08" * 32},
        {"slot": 1},
        {"asset": "0" * 64},
        {"registers": "{}"},
        {"more": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_anything_else_is_not_proven(shown, told, changes):
    disclosure, log = shown
    status, said = told(disclosure | changes, "--audit", str(log))
    assert (status, said.startswith("This is not proven")) == (1, True)
    assert json.loads(told(disclosure | changes, "--audit", str(log), "--json")[1])["valid"] is False


async def test_more_than_the_registers_show_was_attested_wrongly(shown, told, tmp_path):
    disclosure, log = shown
    other = text(disclosure["asset"], disclosure["slot"], 8)
    assert told(disclosure | {"registers": other}, "--audit", str(log))[0] == 1


@pytest.mark.parametrize(
    ("readings", "attested", "good"),
    [("net", 8, False), ("net", 10, False), ("traded", 8, True), ("traded", 10, False)],
)
async def test_what_was_attested_must_fit_the_registers(shown, readings, attested, good):
    """In a `traded` network less than the registers show may be attested, and never more."""
    disclosure, log = shown
    file = read(log.read_bytes())
    file.events[-1]["data"]["imported_wh"] = attested
    data = json.dumps(disclosure).encode()
    if good:
        assert check(data, file, readings).attested
    else:
        with pytest.raises(WrongDisclosureError, match="registers show 9 Wh"):
            check(data, file, readings)
    file.events[-1]["data"]["slot"] += 1
    with pytest.raises(WrongDisclosureError, match="no reading"):
        check(data, file, readings)


async def test_a_log_that_does_not_hold_proves_nothing(shown, told):
    disclosure, log = shown
    tree = json.loads(log.read_bytes())
    tree["row"]["count"] += 1
    log.write_bytes(sealed(tree))
    assert told(disclosure, "--audit", str(log))[0] == 1
    log.write_text("{}")
    assert told(disclosure, "--audit", str(log))[0] == 1


@pytest.mark.parametrize("off", [{"early": 1}, {"late": 1}, {"early": SLOT_MS, "late": SLOT_MS}])
async def test_registers_of_a_longer_time_than_the_slot_prove_nothing(shown, told, off):
    """True registers of two slots would show more than flowed in one."""
    disclosure, log = shown
    stretched = text(disclosure["asset"], disclosure["slot"], 9, **off)
    commitment = commitment_of(bytes.fromhex(SALT), stretched)
    file = read(log.read_bytes())
    file.events[-1]["data"]["commitment"] = commitment
    data = json.dumps(disclosure | {"registers": stretched}).encode()
    with pytest.raises(WrongDisclosureError, match="another time"):
        check(data, file, "net")


@pytest.mark.parametrize("field", ["at", "imported_wh", "exported_wh"])
async def test_registers_that_run_backwards_prove_nothing_even_alone(shown, told, field):
    disclosure, _ = shown
    registers = json.loads(disclosure["registers"])
    registers["end"][field] = registers["start"][field] - 1
    status, said = told(disclosure | {"registers": json.dumps(registers)})
    assert (status, "backwards" in said) == (1, True)


def opened(asset, slot, begins_wh, ends_wh, exported_wh=5):
    ends = [
        {"at": (slot + place) * SLOT_MS, "imported_wh": wh, "exported_wh": exported_wh}
        for place, wh in enumerate((begins_wh, ends_wh))
    ]
    registers = json.dumps({"asset": asset, "slot": slot, "start": ends[0], "end": ends[1]})
    return {"asset": asset, "slot": slot, "registers": registers, "salt": SALT}


HOME, OTHER = "a1" * 32, "b2" * 32
GOES_ON = [opened(HOME, 8, 15, 20), opened(HOME, 7, 10, 15), opened(HOME, 10, 26, 30), opened(OTHER, 8, 1, 2)]


@pytest.fixture
def together(tmp_path, capsys):
    """Run the command on several disclosures at once."""

    def tell(disclosures, *words):
        files = [tmp_path / f"{number}.json" for number in range(len(disclosures))]
        for file, one in zip(files, disclosures, strict=True):
            file.write_text(json.dumps(one))
        status = main(["verify-disclosure", *map(str, files), *words])
        return status, capsys.readouterr().out

    return tell


def test_registers_of_several_slots_go_on_from_slot_to_slot(together):
    status, said = together(GOES_ON, "--json")
    assert status == 0
    assert [(one["slot"], one["imported_wh"]) for one in json.loads(said)["slots"]] == [
        (8, 5), (7, 5), (10, 4), (8, 1),
    ]  # fmt: skip
    assert together(GOES_ON)[1].count("the meter took") == 4


@pytest.mark.parametrize(
    "wrong",
    [opened(HOME, 9, 19, 26), opened(HOME, 9, 21, 26), opened(HOME, 9, 20, 27), opened(HOME, 9, 20, 26, 6)],
)
def test_registers_that_were_shown_too_high_in_one_slot_do_not_fit_the_next(together, wrong):
    status, said = together([*GOES_ON, wrong])
    assert (status, "do not go on" in said) == (1, True)


def test_a_slot_is_shown_once(together):
    status, said = together([GOES_ON[0], opened(HOME, 8, 15, 19)])
    assert (status, "twice" in said) == (1, True)
