"""The slot meter against a simulated meter whose true registers are known at every millisecond."""

import itertools
import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.energy_marketplace.meter.readings import Gap, Registers, Sample, SlotReading
from custom_components.energy_marketplace.meter.slots import SlotMeter

SLOT_S = 60
SLOT_MS = SLOT_S * 1000
START = 1_700_000_040_000 // SLOT_MS * SLOT_MS
RATED_W = 36_000
"""10 Wh a second, 600 Wh a slot."""


def meter(**options) -> SlotMeter:
    return SlotMeter(slot_s=SLOT_S, rated_w=RATED_W, **options)


def sample(seconds: float, imported: int, exported: int = 0) -> Sample:
    return Sample(START + int(seconds * 1000), imported, exported)


def feed(slot_meter: SlotMeter, *samples: Sample) -> list[SlotReading | Gap]:
    return [item for one in samples for item in slot_meter.feed(one)]


# No walk moves as much as this, so registers so far apart cannot follow from each other.
FAR = 10**6


@dataclass(frozen=True)
class Walk:
    """Samples of a meter that was never disturbed, in order."""

    samples: list[Sample]


@st.composite
def walks(draw, least_imported: int = 0) -> Walk:
    """Draw any sampling pattern: dense, sparse, silent for slots, with load in both directions or none."""
    at, imported, exported = draw(st.integers(0, SLOT_MS)), draw(st.integers(least_imported, 10**9)), 0
    samples = []
    for _ in range(draw(st.integers(1, 40))):
        samples.append(Sample(START + at, imported, exported))
        step = draw(st.one_of(st.integers(1, 2_000), st.integers(1, 30_000), st.integers(1, 10 * SLOT_MS)))
        at += step
        at = draw(st.sampled_from([at, at, -(-at // SLOT_MS) * SLOT_MS]))
        movable = RATED_W * (at - (samples[-1].at - START)) // 3_600_000
        imported += draw(st.one_of(st.just(0), st.integers(0, movable)))
        exported += draw(st.one_of(st.just(0), st.integers(0, movable)))
    return Walk(samples)


@settings(max_examples=200)
@given(walks())
def test_every_slot_is_given_out_exactly_once_and_nothing_is_lost(walk):
    slot_meter = meter()
    outcome = feed(slot_meter, *walk.samples)
    covered = [
        slot
        for item in outcome
        for slot in (range(item.first, item.end) if isinstance(item, Gap) else [item.slot])
    ]
    first = walk.samples[0].at // SLOT_MS
    assert covered == list(range(first, first + len(covered)))
    assert all(item.imported_wh >= 0 and item.exported_wh >= 0 for item in outcome)
    assert all(item.complete for item in outcome if isinstance(item, Gap))
    if outcome:
        last = outcome[-1]
        end_ms = (last.end if isinstance(last, Gap) else last.slot + 1) * SLOT_MS
        lower = [one for one in walk.samples if one.at <= end_ms][-1]
        upper = next(one for one in walk.samples if one.at >= end_ms)
        for direction in ("imported_wh", "exported_wh"):
            total = sum(getattr(item, direction) for item in outcome)
            since = getattr(walk.samples[0], direction)
            assert getattr(lower, direction) - since <= total <= getattr(upper, direction) - since


@settings(max_examples=200)
@given(walks())
def test_neighbouring_readings_share_the_registers_of_their_common_end(walk):
    readings = [item for item in feed(meter(), *walk.samples) if isinstance(item, SlotReading)]
    for reading in readings:
        assert reading.start.at == reading.slot * SLOT_MS
        assert reading.end.at == reading.start.at + SLOT_MS
    for before, after in itertools.pairwise(readings):
        if before.slot + 1 == after.slot:
            assert before.end == after.start


@settings(max_examples=200)
@given(walks())
def test_a_reading_lies_within_what_the_samples_around_its_ends_allow(walk):
    slot_meter = meter()
    for reading in feed(slot_meter, *walk.samples):
        if isinstance(reading, SlotReading):
            for end in (reading.start, reading.end):
                lower = [one for one in walk.samples if one.at <= end.at][-1]
                upper = next(one for one in walk.samples if one.at >= end.at)
                assert lower.imported_wh <= end.imported_wh <= upper.imported_wh
                near = upper.at - lower.at <= slot_meter.max_gap_ms
                assert near or lower.registers.as_tuple()[1:] == upper.registers.as_tuple()[1:]


@settings(max_examples=200)
@given(walks(least_imported=2 * FAR), st.sets(st.integers(0, 40), max_size=4), st.integers(0, 40))
def test_a_restart_at_any_moment_changes_nothing(walk, cuts, reset):
    """Also while a suspect look waits for the next one to decide."""
    straight, restarted = meter(), meter()
    samples = [
        one if place < reset else Sample(one.at, one.imported_wh - FAR, one.exported_wh)
        for place, one in enumerate(walk.samples)
    ]
    for place, one in enumerate(samples):
        if place in cuts:
            restarted = meter(state=json.loads(json.dumps(restarted.as_dict())))
        assert straight.feed(one) == restarted.feed(one)


@settings(max_examples=150)
@given(walks(), st.data())
def test_one_disturbed_look_changes_no_reading(walk, data):
    """Zeros while the meter boots, a mad value from a bad line: the looks around it tell the truth."""
    place = data.draw(st.integers(1, max(1, len(walk.samples) - 1)))
    if place >= len(walk.samples):
        return
    before, after = walk.samples[place - 1], walk.samples[place]
    if after.at - before.at < 2 or before.imported_wh == 0:
        return
    at = data.draw(st.integers(before.at + 1, after.at - 1))
    mad = data.draw(st.sampled_from([0, before.imported_wh // 2, before.imported_wh + 10**7, 2**40]))
    if mad == after.imported_wh:
        return
    disturbed = [*walk.samples[:place], Sample(at, mad, before.exported_wh), *walk.samples[place:]]
    assert feed(meter(), *disturbed) == feed(meter(), *walk.samples)


@settings(max_examples=150)
@given(walks(least_imported=2 * FAR), st.integers(1, 39), st.integers(0, FAR // 2), st.booleans())
def test_after_a_reset_no_reading_mixes_old_and_new_registers(walk, place, fresh, forward):
    """From some sample on another meter counts; readings are still those of an undisturbed one."""
    if place >= len(walk.samples):
        return
    old, new = walk.samples[:place], walk.samples[place:]
    offset = fresh + (old[-1].imported_wh + FAR if forward else 0) - new[0].imported_wh
    moved = [Sample(one.at, one.imported_wh + offset, one.exported_wh) for one in new]
    truth = {item.slot: item for item in feed(meter(), *walk.samples) if isinstance(item, SlotReading)}
    for item in feed(meter(), *old, *moved):
        if isinstance(item, SlotReading):
            spans_the_reset = item.start.at < new[0].at and item.end.at > old[-1].at
            assert not spans_the_reset
            assert item.imported_wh == truth[item.slot].imported_wh
            assert item.exported_wh == truth[item.slot].exported_wh


def test_an_end_between_two_looks_is_interpolated():
    [first, second] = feed(
        meter(), sample(0, 1000), sample(55, 1550), sample(65, 1650), sample(115, 2150), sample(120, 2200)
    )
    assert first == SlotReading(
        START // SLOT_MS, Registers(START, 1000, 0), Registers(START + SLOT_MS, 1600, 0)
    )
    assert (first.imported_wh, second.imported_wh) == (600, 600)


def test_a_silent_meter_leaves_a_gap_with_the_whole_energy():
    slot_meter = meter()
    assert feed(slot_meter, sample(0, 0), sample(50, 500)) == []
    assert slot_meter.is_silent(START + 111_000)
    assert not slot_meter.is_silent(START + 109_000)
    first = START // SLOT_MS
    assert feed(slot_meter, sample(230, 1900), sample(240, 2000)) == [
        Gap(first, first + 4, 2000, 0, ("silent",), complete=True)
    ]


def test_a_silence_within_a_slot_does_no_harm():
    [reading] = feed(meter(), sample(0, 0), sample(1, 10), sample(59, 590), sample(60, 600))
    assert reading.imported_wh == 600


def test_registers_that_stand_still_are_known_through_a_silence():
    outcome = feed(meter(), sample(0, 700), sample(10, 700), sample(200, 700))
    assert [item.imported_wh for item in outcome] == [0, 0, 0]


def test_registers_that_stand_still_for_days_are_a_silent_meter_after_all():
    [gap] = feed(meter(), sample(0, 700), sample(10, 700), sample(3 * 86_400, 700))
    assert (gap.reasons, gap.end - gap.first, gap.imported_wh) == (("silent",), 3 * 24 * 60, 0)


def test_metering_that_begins_in_the_middle_of_a_slot_says_so():
    [gap, reading] = feed(meter(), sample(30, 300), sample(60, 600), sample(120, 700))
    assert (gap.reasons, gap.imported_wh, gap.complete) == (("started",), 300, True)
    assert reading.imported_wh == 100


@pytest.mark.parametrize(
    ("after", "reason"), [(0, "restarted"), (40_000, "jumped_back"), (90_000, "implausible")]
)
def test_a_reset_is_named_and_costs_its_slot(after, reason):
    gap, reading = feed(
        meter(),
        *(sample(second, 50_000 + 10 * second) for second in range(0, 31, 10)),
        *(sample(second, after + 10 * (second - 40)) for second in range(40, 121, 10)),
    )
    assert (gap.reasons, gap.complete) == ((reason,), False)
    assert gap.imported_wh == 300 + 200  # what was seen before and after; not what fell in between
    assert reading.imported_wh == 600


def test_a_reset_that_shows_right_at_a_slots_end_costs_no_second_slot():
    gap, reading = feed(
        meter(), sample(0, 5000), sample(30, 5300), sample(60, 7), sample(90, 300), sample(120, 607)
    )
    assert (gap.reasons, gap.imported_wh, gap.end) == (("restarted",), 300, reading.slot)
    assert reading.imported_wh == 600


def test_a_clock_that_is_set_back_costs_the_slot_in_which_time_resumes():
    outcome = feed(
        meter(),
        *(sample(second, 10 * second) for second in range(0, 131, 10)),
        *(sample(second, 1_300 + 10 * (second - 50)) for second in range(60, 241, 10)),
    )
    assert [item.imported_wh for item in outcome if isinstance(item, SlotReading)] == [600, 600, 600]
    [gap] = [item for item in outcome if isinstance(item, Gap)]
    assert (gap.first, gap.reasons) == (START // SLOT_MS + 2, ("clock",))


def test_a_clock_that_is_set_back_while_a_look_is_in_doubt_costs_its_slot_too():
    """The look in doubt was the first at another meter; the next one claims to be of a slot's very start."""
    before = [sample(0, FAR), sample(30, FAR + 10), sample(55, FAR + 20)]
    doubt, back = sample(70, 2 * FAR), sample(60, 2 * FAR + 200)
    outcome = feed(meter(), *before, doubt, back, sample(115, 2 * FAR + 250), sample(120, 2 * FAR + 300))
    assert [(type(one), one.reasons, one.complete) for one in outcome] == [(Gap, ("clock",), False)]
    assert outcome[0].end == outcome[0].first + 2


def test_looks_that_overtake_each_other_are_no_moved_clock():
    outcome = feed(meter(), sample(0, 0), sample(30, 300), sample(29.5, 295), sample(60, 600))
    assert [item.imported_wh for item in outcome] == [600]


def test_what_was_kept_for_other_slots_is_not_used():
    slot_meter = meter()
    feed(slot_meter, sample(0, 0))
    assert SlotMeter(slot_s=900, rated_w=RATED_W, state=slot_meter.as_dict()).last is None
    assert meter(state={}).last is None
    assert meter(state=slot_meter.as_dict()).last == Registers(START, 0, 0)


def watched(*samples, slot_s=20):
    """Feed (ms, Wh) and return what is proven of the slots that have no reading."""
    meter = SlotMeter(slot_s=slot_s, rated_w=100_000)
    closed = [item for at, wh in samples for item in meter.feed(Sample(at, wh, 0))]
    return {part.slot: part.imported_wh for item in closed if isinstance(item, Gap) for part in item.proven}


def test_a_restart_over_a_slots_end_leaves_proven_what_was_watched_on_both_sides():
    proven = watched((20_000, 0), (30_000, 50), (35_000, 80), (45_000, 170), (50_000, 200), (60_000, 260))
    assert proven == {1: 80, 2: 90}


def test_a_start_in_the_middle_of_a_slot_proves_the_rest_of_it():
    assert watched((25_000, 10), (30_000, 40), (40_000, 100)) == {1: 90}


def test_what_is_proven_survives_a_restart():
    first = SlotMeter(slot_s=20, rated_w=100_000)
    for at, wh in ((20_000, 0), (35_000, 80), (45_000, 170)):
        first.feed(Sample(at, wh, 0))
    second = SlotMeter(slot_s=20, rated_w=100_000, state=json.loads(json.dumps(first.as_dict())))
    [gap] = second.feed(Sample(50_000, 200, 0)) + second.feed(Sample(60_000, 260, 0))
    assert [(part.slot, part.imported_wh) for part in gap.proven] == [(1, 80), (2, 90)]


def test_a_clock_that_was_set_back_proves_nothing():
    meter = SlotMeter(slot_s=20, rated_w=100_000)
    closed = [
        item
        for at, wh in ((20_000, 0), (35_000, 80), (22_000, 90), (38_000, 120), (40_000, 130))
        for item in meter.feed(Sample(at, wh, 0))
    ]
    [gap] = closed
    assert sum(part.imported_wh for part in gap.proven) <= 10


@settings(max_examples=200)
@given(walks())
def test_what_is_proven_was_measured_within_its_slot(walk):
    """No more than the samples inside the slot differ by, and only of slots without a reading."""
    for gap in feed(meter(), *walk.samples):
        for part in getattr(gap, "proven", ()):
            assert gap.first <= part.slot < gap.end
            assert part.slot * SLOT_MS <= part.start.at < part.end.at <= (part.slot + 1) * SLOT_MS
            before = [one for one in walk.samples if one.at <= part.start.at][-1]
            after = next(one for one in walk.samples if one.at >= part.end.at)
            assert 0 <= part.imported_wh <= after.imported_wh - before.imported_wh


# --- registers that roll over, meters that are exchanged ----------------------------------------------------

SPAN = 100_000


def counted(seconds: float, imported: int, exported: int = 0) -> Sample:
    """Return what a meter shows whose registers begin again after `SPAN` Wh."""
    return Sample(START + int(seconds * 1000), imported % SPAN, exported % SPAN, spans_wh=(SPAN, SPAN))


def test_a_register_that_rolls_over_is_counted_on():
    slots = meter()
    closed = feed(slots, counted(0, 99_900), counted(30, 99_990), counted(60, 100_100), counted(120, 100_300))
    assert [(one.imported_wh, one.exported_wh) for one in closed] == [(200, 0), (200, 0)]
    assert slots.last == Registers(START + 120_000, 100_300, 0)


def test_what_was_counted_on_survives_a_restart():
    slots = meter()
    feed(slots, counted(0, 99_900), counted(30, 100_010))
    slots = meter(state=json.loads(json.dumps(slots.as_dict())))
    (closed,) = feed(slots, counted(60, 100_100))
    assert closed.imported_wh == 200


def test_a_register_that_falls_back_far_from_its_end_is_a_reset_and_no_rollover():
    slots = meter()
    closed = feed(
        slots, counted(0, 50_000), counted(30, 3), counted(45, 5), counted(60, 10), counted(120, 20)
    )
    assert isinstance(closed[0], Gap)
    assert closed[0].reasons == ("restarted",)
    assert closed[1].imported_wh == 10


def test_a_register_of_unknown_width_never_rolls_over():
    slots = meter()
    closed = feed(slots, sample(0, 99_900), sample(30, 10), sample(45, 20), sample(60, 30))
    assert isinstance(closed[0], Gap)


@settings(max_examples=100)
@given(walks(), st.integers(0, SPAN))
def test_rolling_over_changes_no_reading(walk, start):
    """Whatever is sampled: a meter of few digits gives the readings of one that has digits enough."""
    endless = [
        Sample(one.at, one.imported_wh - walk.samples[0].imported_wh + start, one.exported_wh)
        for one in walk.samples
    ]
    rolling = [
        Sample(one.at, one.imported_wh % SPAN, one.exported_wh % SPAN, spans_wh=(SPAN, SPAN))
        for one in endless
    ]
    energies = [
        [(one.slot, one.imported_wh, one.exported_wh) for one in feed(meter(), *samples)
         if isinstance(one, SlotReading)]
        for samples in (endless, rolling)
    ]  # fmt: skip
    assert energies[0] == energies[1]


def test_a_meter_exchange_with_both_figures_loses_nothing():
    slots = meter()
    feed(slots, sample(0, 5_000, 700))
    slots.exchange(begins_wh=(3, 1), ended_wh=(5_040, 700))
    (closed,) = feed(slots, sample(10, 13, 1), sample(60, 103, 6))
    assert (closed.imported_wh, closed.exported_wh) == (140, 5)


def test_an_exchange_of_which_nobody_knows_how_the_old_meter_ended_makes_a_gap_and_no_energy_of_its_own():
    slots = meter()
    feed(slots, sample(0, 5_000))
    slots.exchange(begins_wh=(900_000, 0))
    gap, following = feed(slots, sample(10, 900_010), sample(60, 900_100), sample(120, 900_150))
    assert (gap.reasons, gap.complete, gap.imported_wh) == (("exchanged",), False, 100)
    assert following.imported_wh == 50


def test_an_old_meter_cannot_have_ended_below_what_it_showed():
    slots = meter()
    slots.exchange(begins_wh=(0, 0), ended_wh=(1, 1))
    feed(slots, sample(0, 5_000))
    with pytest.raises(ValueError, match="showed more"):
        slots.exchange(begins_wh=(0, 0), ended_wh=(4_999, 0))


def test_a_wrong_figure_of_an_exchange_never_becomes_energy():
    slots = meter()
    feed(slots, sample(0, 5_000))
    slots.exchange(begins_wh=(0, 0), ended_wh=(9_000_000, 0))
    closed = feed(slots, sample(30, 100), sample(60, 200), sample(120, 300))
    assert isinstance(closed[0], Gap)
    assert sum(one.imported_wh for one in closed) <= 300


def test_nothing_was_watched_before_the_first_look():
    assert meter().watched() == ()


@given(walks())
def test_what_was_watched_of_an_open_slot_is_never_more_than_its_reading(walk):
    slot_meter, watched = meter(), {}
    for one in walk.samples:
        for item in slot_meter.feed(one):
            if isinstance(item, SlotReading):
                for part in watched.get(item.slot, ()):
                    assert part.imported_wh <= item.imported_wh
                    assert part.exported_wh <= item.exported_wh
        for part in slot_meter.watched():
            assert part.slot * SLOT_MS <= part.start.at < part.end.at <= (part.slot + 1) * SLOT_MS
            watched.setdefault(part.slot, []).append(part)
