"""The journal: nothing kept gets lost, nothing is attested twice, and no more is told than is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger.commitment import commit, registers_text
from custom_components.energy_marketplace.meter.journal import FileStorage, Journal, Traded
from custom_components.energy_marketplace.meter.readings import Registers, SlotReading

POINT = "ab" * 32


def reading(slot: int, imported: int = 300, exported: int = 40) -> SlotReading:
    start = Registers(slot * 900_000, 1000, 2000)
    return SlotReading(slot, start, Registers((slot + 1) * 900_000, 1000 + imported, 2000 + exported))


async def test_what_was_kept_is_there_after_a_restart(tmp_path):
    storage = FileStorage(tmp_path / "deep" / "point.jsonl")
    journal = await Journal.open(POINT, storage)
    await journal.add(reading(3))
    await journal.add(reading(4))
    await journal.attested(3, "tx")
    again = await Journal.open(POINT, FileStorage(tmp_path / "deep" / "point.jsonl"))
    assert again.entries == journal.entries
    assert [entry.transaction for entry in again.entries.values()] == ["tx", None]


async def test_a_reading_that_the_ledger_lost_is_due_again_also_after_a_restart(tmp_path):
    journal = await Journal.open(POINT, FileStorage(tmp_path / "j"))
    await journal.add(reading(3))
    await journal.attested(3, "tx")
    assert journal.due({3: Traded(bought_wh=9)}, "traded") == []
    await journal.unattested(3)
    again = await Journal.open(POINT, FileStorage(tmp_path / "j"))
    assert [one.slot for one in again.due({3: Traded(bought_wh=9)}, "traded")] == [3]


async def test_a_slot_keeps_its_first_reading_and_salt(tmp_path):
    journal = await Journal.open(POINT, FileStorage(tmp_path / "j"))
    first = await journal.add(reading(3))
    assert await journal.add(reading(3, imported=999)) == first
    assert len(first.salt) == 32
    assert (await journal.add(reading(4))).salt != first.salt


async def test_a_line_that_a_crash_cut_short_is_dropped_and_the_next_one_is_whole(tmp_path):
    path = tmp_path / "j"
    journal = await Journal.open(POINT, FileStorage(path))
    await journal.add(reading(3))
    whole = path.read_bytes()
    await journal.add(reading(4))
    path.write_bytes(path.read_bytes()[: len(whole) + 20])
    again = await Journal.open(POINT, FileStorage(path))
    assert list(again.entries) == [3]
    await again.add(reading(5))
    assert list((await Journal.open(POINT, FileStorage(path))).entries) == [3, 5]


async def test_old_slots_can_be_forgotten_for_good(tmp_path):
    path = tmp_path / "j"
    journal = await Journal.open(POINT, FileStorage(path))
    for slot in range(6):
        await journal.add(reading(slot))
    await journal.attested(5, "tx")
    size = path.stat().st_size
    await journal.forget_before(4)
    assert path.stat().st_size < size
    again = await Journal.open(POINT, FileStorage(path))
    assert again.entries == journal.entries
    assert {slot: entry.transaction for slot, entry in again.entries.items()} == {4: None, 5: "tx"}


async def test_a_note_about_a_slot_that_was_forgotten_does_no_harm(tmp_path):
    journal = await Journal.open(POINT, FileStorage(tmp_path / "j"))
    await journal.attested(1, "tx")
    assert (await Journal.open(POINT, FileStorage(tmp_path / "j"))).entries == {}


class Memory:
    """Records in memory."""

    def __init__(self):
        self.records = []

    async def load(self):
        return list(self.records)

    async def append(self, record):
        self.records.append(record)

    async def replace(self, records):
        self.records = records


@pytest.fixture
async def journal() -> Journal:
    journal = await Journal.open(POINT, Memory())
    for slot in (5, 3, 4):
        await journal.add(reading(slot))
    return journal


async def test_only_what_was_traded_is_told_and_no_more_than_that(journal):
    due = journal.due({3: Traded(bought_wh=200), 4: Traded(sold_wh=900), 9: Traded(sold_wh=1)}, "traded")
    assert [(one.slot, one.imported_wh, one.exported_wh) for one in due] == [(3, 200, 0), (4, 0, 40)]
    assert {one.asset for one in due} == {POINT}


async def test_a_net_network_gets_every_slot_in_full(journal):
    due = journal.due({}, "net")
    assert [(one.slot, one.imported_wh, one.exported_wh) for one in due] == [
        (3, 300, 40),
        (4, 300, 40),
        (5, 300, 40),
    ]


async def test_what_is_attested_is_not_due_again(journal):
    await journal.attested(4, "tx")
    assert [one.slot for one in journal.due({}, "net")] == [3, 5]


async def test_a_commitment_can_be_opened_with_what_stays_at_home(journal):
    [due, *_] = journal.due({}, "net")
    entry = journal.entries[due.slot]
    text = registers_text(POINT, 3, entry.reading.start.as_tuple(), entry.reading.end.as_tuple())
    assert journal.registers_text(3) == text
    assert commit(entry.salt, text) == due.commitment == journal.commitment(3)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
async def test_an_attestation_never_exceeds_the_meter_nor_the_trade(imported, exported, bought, sold):
    journal = await Journal.open(POINT, Memory())
    await journal.add(reading(3, imported, exported))
    [due] = journal.due({3: Traded(sold_wh=sold, bought_wh=bought)}, "traded")
    assert due.imported_wh == min(imported, bought)
    assert due.exported_wh == min(exported, sold)
