"""When things happen: slots, rounds, gates and graces in ledger time (ms since the Unix epoch)."""

from dataclasses import dataclass
from typing import Self

from energy_ledger.genesis import Rules
from energy_ledger.units import MS_PER_S


@dataclass(frozen=True, slots=True)
class Timing:
    """The network's times, in ms; `horizon` is a number of slots, `life_ms` that of a certificate."""

    slot_ms: int
    round_ms: int
    window_ms: int
    gate_ms: int
    grace_ms: int
    claim_ms: int
    life_ms: int
    horizon: int

    @classmethod
    def of(cls, rules: Rules) -> Self:
        """Take the times from the genesis."""
        return cls(
            slot_ms=rules.slot_s * MS_PER_S,
            round_ms=rules.round_s * MS_PER_S,
            window_ms=rules.proposal_window_s * MS_PER_S,
            gate_ms=rules.gate_s * MS_PER_S,
            grace_ms=rules.grace_slots * rules.slot_s * MS_PER_S,
            claim_ms=rules.claim_window_s * MS_PER_S,
            life_ms=rules.certificate_life_s * MS_PER_S,
            horizon=rules.horizon_slots,
        )

    def start(self, slot: int) -> int:
        """Return when a slot starts."""
        return slot * self.slot_ms

    def end(self, slot: int) -> int:
        """Return when a slot ends; its readings are taken from then on."""
        return (slot + 1) * self.slot_ms

    def grace_over(self, slot: int) -> int:
        """Return when a slot's readings are no longer taken."""
        return self.end(slot) + self.grace_ms

    def final(self, slot: int) -> int:
        """Return when claims about a slot are no longer taken, and what it came to stays."""
        return self.grace_over(slot) + self.claim_ms

    def next_step(self, slot: int, time: int) -> int:
        """Return the first of a slot's start, end and end of grace that comes after `time`."""
        for step in (self.start(slot), self.end(slot)):
            if step > time:
                return step
        return self.grace_over(slot)

    def round_at(self, time: int) -> int:
        """Return the latest round that has closed at `time`."""
        return time // self.round_ms

    def close(self, number: int) -> int:
        """Return when a round closes."""
        return number * self.round_ms

    def decided_by(self, number: int) -> int:
        """Return the time from which proposals for a round come too late."""
        return self.close(number) + self.window_ms

    def first_slot(self, number: int) -> int:
        """Return the first slot a round trades: the first that starts a gate or more after its close."""
        return -(-(self.close(number) + self.gate_ms) // self.slot_ms)

    def first_open_slot(self, time: int) -> int:
        """Return the first slot that a round still to close after `time` will trade."""
        return self.first_slot(self.round_at(time) + 1)

    def last_close(self, slot: int) -> int:
        """Return the close of the last round that trades a slot."""
        return (self.start(slot) - self.gate_ms) // self.round_ms * self.round_ms
