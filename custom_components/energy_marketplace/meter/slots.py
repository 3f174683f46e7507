"""Cutting cumulative registers into slots, without ever giving a wrong reading.

A sample is a look at the meter's registers at some time; a slot's reading is the difference of the
registers at its two ends. The value at an end is

- the sample's, where one was taken in that very millisecond,
- the same as before and after, where the registers did not move (for at most a day),
- interpolated on a straight line between the samples around it (rounded down), if these lie at most
  `max_gap_ms` apart; the error is at most what the load's change within that gap amounts to,
- unknown otherwise.

Both slots that meet at an end use the same value, so readings never overlap, and the sum of all readings
and gaps is the difference of the registers: nothing is lost and nothing counted twice. Slots with an
unknown end come out as one `Gap` as soon as the next known end is there, with the energy that they carried
together.

A sample that cannot follow from the one before (registers lower than before, or more energy than the rating
moves in the time) is kept aside as a suspect. If the next sample continues from the good one, the suspect
was a disturbance and is forgotten, at no loss. If the next continues from the suspect, the meter was reset
or exchanged: the slot in which that happened becomes a gap, and counting goes on from the suspect. (An
exchange that looks exactly like consumption within the rating cannot be noticed by anybody.)

A register that reached its end and began at zero again is counted on, where the sample says how many Wh it
holds and what it moved is plausible. So is a meter that was exchanged, if somebody says with which figures
the old one ended and the new one began (`exchange`). Registers in readings are then those of a meter that
never rolled over and was never exchanged.

Samples older than the last one mean that the clock was set back: they are not used, and the slot in which
time resumes becomes a gap. A clock that is wrong from the first look after a pause on cannot be noticed here:
until it is set, energy may lie in another slot than it flowed in, though none is lost or counted twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .readings import Gap, Registers, Sample, SlotReading

_MARGIN_PERCENT = 125
"""Meters and ratings are not exact: this much of the rated power still counts as plausible."""

_CLOCK_TOLERANCE_MS = 1_000
"""Two looks may overtake each other by this much without the clock having been set."""

_LONGEST_REST_MS = 86_400_000
"""Registers that stand still for longer are a silent meter: nobody waits a day for a reading."""

_STATE_VERSION = 2


@dataclass(frozen=True, slots=True)
class _State:
    """What a slot meter remembers: since `anchor`, the sums `carried` and the last good sample."""

    first: int
    """The first slot that was not given out yet."""
    anchor: Registers
    """From here the energy is counted: the start of `first` if there are no reasons against."""
    last: Registers
    """The newest good registers."""
    carried_imported_wh: int = 0
    carried_exported_wh: int = 0
    reasons: tuple[str, ...] = ()
    """Why the present slot cannot have a reading."""
    complete: bool = True
    """Whether no energy got lost since the anchor."""
    suspect: Registers | None = None
    clock_moved: bool = False
    since: Registers | None = None
    """From here the present slot was watched without a break; None: from its anchor."""
    proven: tuple[SlotReading, ...] = ()
    """Watched parts of the slots since the anchor."""

    def because(self, reason: str) -> _State:
        """Return the state with one more reason."""
        return self if reason in self.reasons else replace(self, reasons=(*self.reasons, reason))

    def watched_until(self, end: Registers, slot: int) -> tuple[SlotReading, ...]:
        """Return the watched parts, the one that ends here in `slot` included."""
        start = self.since or self.anchor
        return (*self.proven, SlotReading(slot, start, end)) if start.at < end.at else self.proven


type _Step = tuple[_State, list[SlotReading | Gap]]


class SlotMeter:
    """Closes the slots of one meter.

    Feed it every sample; it answers with the readings and gaps that the sample closed, oldest first, each
    slot exactly once from the first sample's slot on. Sampling right at the slot ends (besides in between)
    makes the readings exact.

    Args: slot_s: length of a slot in seconds. rated_w: the greatest power (W) that the meter can see in
    either direction. max_gap_ms: how far apart the samples around a slot's end may lie; default a quarter
    slot, at most a minute. resolution_wh: the step in which the registers count; a jump of that much is
    never implausible. state: what `as_dict` gave before a restart; ignored if it belongs to slots of
    another length.

    """

    def __init__(
        self,
        *,
        slot_s: int,
        rated_w: int,
        max_gap_ms: int | None = None,
        resolution_wh: int = 10,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.slot_ms = slot_s * 1000
        self.rated_w = rated_w
        self.max_gap_ms = min(self.slot_ms // 4, 60_000) if max_gap_ms is None else max_gap_ms
        self.resolution_wh = resolution_wh
        self._state = _load(state, self.slot_ms)
        self._ahead = _ahead(state) if self._state else (0, 0)

    @property
    def last(self) -> Registers | None:
        """The newest registers that made sense."""
        return self._state.last if self._state else None

    def is_silent(self, now: int, *, after_ms: int | None = None) -> bool:
        """Return whether nothing sensible was heard for long (default: a whole slot)."""
        limit = self.slot_ms if after_ms is None else after_ms
        return self._state is None or now - self._state.last.at > limit

    def watched(self) -> tuple[SlotReading, ...]:
        """Return what was watched of slots that are not given out yet: so much flowed at least.

        A meter that falls silent leaves its slot open until it speaks again; what it said before is proven.
        """
        if (state := self._state) is None:
            return ()
        parts = state.watched_until(state.last, state.last.at // self.slot_ms)
        return tuple(part for part in parts if self._inside(part))

    def feed(self, sample: Sample) -> list[SlotReading | Gap]:
        """Take a sample; return the readings and gaps that it closes."""
        if self._state is None:
            self._state = self._begin(sample.registers)
            return []
        self._state, outcome = self._judge(self._state, self._counted_on(self._state.last, sample))
        return outcome

    def exchange(self, begins_wh: tuple[int, int], ended_wh: tuple[int, int] | None = None) -> None:
        """Go on with another meter, whose registers (imported, exported) show `begins_wh` before it counts.

        Args: begins_wh: what the new meter showed when it was put in. ended_wh: what the old one showed last;
        if nobody knows, what it counted since it was looked at last is lost, and the slot becomes a gap.

        Raises:
            ValueError: the old meter showed more than that already.

        """
        state = self._state
        if state is None:
            return
        last = (state.last.imported_wh, state.last.exported_wh)
        ended = last if ended_wh is None else _plus(ended_wh, self._ahead)
        if ended[0] < last[0] or ended[1] < last[1]:
            raise ValueError("the old meter showed more than that already")
        self._ahead = ended[0] - begins_wh[0], ended[1] - begins_wh[1]
        if ended_wh is None:
            state = replace(state.because("exchanged"), complete=False)
        self._state = replace(state, suspect=None)

    def as_dict(self) -> dict[str, Any]:
        """Return what must be kept so that a restart in the middle of a slot changes nothing."""
        state = self._state
        if state is None:
            return {}
        return {
            "version": _STATE_VERSION,
            "slot_ms": self.slot_ms,
            "first": state.first,
            "anchor": list(state.anchor.as_tuple()),
            "last": list(state.last.as_tuple()),
            "carried": [state.carried_imported_wh, state.carried_exported_wh],
            "reasons": list(state.reasons),
            "complete": state.complete,
            "suspect": None if state.suspect is None else list(state.suspect.as_tuple()),
            "clock_moved": state.clock_moved,
            "since": None if state.since is None else list(state.since.as_tuple()),
            "proven": [part.as_dict() for part in state.proven],
            "ahead": list(self._ahead),
        }

    def _counted_on(self, last: Registers, sample: Sample) -> Registers:
        """Return registers as if they had never rolled over and the meter had never been exchanged."""
        shown = _shifted(sample.registers, self._ahead)
        if self._follows(last, shown):
            return shown
        rolled = (
            _rolled(last.imported_wh, shown.imported_wh, sample.spans_wh[0]),
            _rolled(last.exported_wh, shown.exported_wh, sample.spans_wh[1]),
        )
        counted = _shifted(shown, rolled)
        if not self._follows(last, counted):
            return shown
        self._ahead = _plus(self._ahead, rolled)
        return counted

    def _begin(self, new: Registers) -> _State:
        state = _State(first=new.at // self.slot_ms, anchor=new, last=new)
        return state if new.at % self.slot_ms == 0 else state.because("started")

    def _judge(self, state: _State, new: Registers) -> _Step:
        """Decide whether a sample continues the good one, the suspect, or nothing; go on accordingly."""
        if new.at <= state.last.at:
            moved = state.last.at - new.at > _CLOCK_TOLERANCE_MS
            return replace(state, clock_moved=state.clock_moved or moved), []
        if state.suspect is not None and state.suspect.at - new.at > _CLOCK_TOLERANCE_MS:
            return replace(state, clock_moved=True, suspect=None), []
        if state.clock_moved:
            return self._resume(state, new, "clock")
        if self._follows(state.last, new):
            return self._advance(state, new)
        if state.suspect is None or not self._follows(state.suspect, new):
            return replace(state, suspect=new), []
        resumed, outcome = self._resume(state, state.suspect, _reason(state.last, state.suspect))
        advanced, more = self._advance(resumed, new)
        return advanced, outcome + more

    def _follows(self, before: Registers, after: Registers) -> bool:
        """Return whether the later registers can come from the earlier ones."""
        elapsed = after.at - before.at
        if elapsed <= 0:
            return False
        movable = self.rated_w * elapsed * _MARGIN_PERCENT // (100 * 3_600_000) + self.resolution_wh
        imported = after.imported_wh - before.imported_wh
        exported = after.exported_wh - before.exported_wh
        return 0 <= imported <= movable and 0 <= exported <= movable

    def _advance(self, state: _State, new: Registers) -> _Step:
        """Go from the last good registers to new ones that follow from them."""
        before = state.last
        ends = range((before.at // self.slot_ms + 1) * self.slot_ms, new.at + 1, self.slot_ms)
        if ends and not self._near(before, new):
            if ends[0] != new.at:
                watched = state.watched_until(before, before.at // self.slot_ms)
                state = replace(state.because("silent"), since=new, proven=watched)
            ends = ends[-1:] if ends[-1] == new.at else ends[:0]
        outcome: list[SlotReading | Gap] = []
        for end in ends:
            registers = _between(before, new, end)
            outcome.append(self._close(state, registers))
            state = _State(first=end // self.slot_ms, anchor=registers, last=registers)
        return replace(state, last=new, suspect=None), outcome

    def _resume(self, state: _State, new: Registers, reason: str) -> _Step:
        """Go on from new registers that do not continue the old ones: what lies between is not known."""
        trusted = reason != "clock"  # a clock that was set makes it doubtful which slot was watched
        resumed = replace(
            state.because(reason),
            since=new,
            proven=state.watched_until(state.last, state.last.at // self.slot_ms) if trusted else (),
            carried_imported_wh=state.carried_imported_wh + state.last.imported_wh - state.anchor.imported_wh,
            carried_exported_wh=state.carried_exported_wh + state.last.exported_wh - state.anchor.exported_wh,
            anchor=new,
            last=new,
            complete=False,
            suspect=None,
            clock_moved=False,
        )
        if new.at % self.slot_ms:
            return resumed, []
        closed = self._close(resumed, new)
        return _State(first=new.at // self.slot_ms, anchor=new, last=new), [closed]

    def _near(self, before: Registers, after: Registers) -> bool:
        """Return whether the registers at any time between two samples can be told."""
        moved = (before.imported_wh, before.exported_wh) != (after.imported_wh, after.exported_wh)
        return after.at - before.at <= (self.max_gap_ms if moved else _LONGEST_REST_MS)

    def _close(self, state: _State, end: Registers) -> SlotReading | Gap:
        """Return what lies between the anchor and a slot's end whose registers are known."""
        if not state.reasons:
            return SlotReading(state.first, state.anchor, end)
        return Gap(
            state.first,
            end.at // self.slot_ms,
            state.carried_imported_wh + end.imported_wh - state.anchor.imported_wh,
            state.carried_exported_wh + end.exported_wh - state.anchor.exported_wh,
            state.reasons,
            state.complete,
            tuple(
                part for part in state.watched_until(end, end.at // self.slot_ms - 1) if self._inside(part)
            ),
        )

    def _inside(self, part: SlotReading) -> bool:
        """Return whether a watched part lies within its slot."""
        return part.slot == part.start.at // self.slot_ms and part.end.at <= (part.slot + 1) * self.slot_ms


def _between(before: Registers, after: Registers, at: int) -> Registers:
    """Return the registers at a time between two samples, on a straight line, rounded down."""
    part, whole = at - before.at, after.at - before.at
    return Registers(
        at,
        before.imported_wh + (after.imported_wh - before.imported_wh) * part // whole,
        before.exported_wh + (after.exported_wh - before.exported_wh) * part // whole,
    )


def _plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _shifted(registers: Registers, by: tuple[int, int]) -> Registers:
    return Registers(registers.at, registers.imported_wh + by[0], registers.exported_wh + by[1])


def _rolled(before: int, after: int, span: int | None) -> int:
    """Return what a register that fell back has to be counted on by, if it rolled over."""
    return span if span is not None and after < before else 0


def _ahead(data: Mapping[str, Any] | None) -> tuple[int, int]:
    imported, exported = (data or {}).get("ahead", (0, 0))
    return imported, exported


def _reason(before: Registers, after: Registers) -> str:
    """Return why registers do not follow from those before."""
    if after.imported_wh >= before.imported_wh and after.exported_wh >= before.exported_wh:
        return "implausible"
    near_zero = (
        after.imported_wh * 100 <= before.imported_wh and after.exported_wh * 100 <= before.exported_wh
    )
    return "restarted" if near_zero else "jumped_back"


def _load(data: Mapping[str, Any] | None, slot_ms: int) -> _State | None:
    if not data or data.get("version") != _STATE_VERSION or data.get("slot_ms") != slot_ms:
        return None
    imported_wh, exported_wh = data["carried"]
    return _State(
        first=data["first"],
        anchor=Registers(*data["anchor"]),
        last=Registers(*data["last"]),
        carried_imported_wh=imported_wh,
        carried_exported_wh=exported_wh,
        reasons=tuple(data["reasons"]),
        complete=data["complete"],
        suspect=None if data["suspect"] is None else Registers(*data["suspect"]),
        clock_moved=data["clock_moved"],
        since=None if data["since"] is None else Registers(*data["since"]),
        proven=tuple(SlotReading.from_dict(part) for part in data["proven"]),
    )
