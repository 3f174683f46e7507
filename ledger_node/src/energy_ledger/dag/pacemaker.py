"""When to make the next own block: as fast as the leaders allow, and not at all with nothing to say."""

from dataclasses import dataclass

from energy_ledger.dag.base_committer import BaseCommitter


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of a home network, all in milliseconds."""

    timeout: int = 1_000
    """Longest wait for a round's leader, and the interval at which a gap is asked for again."""
    least_round: int = 200
    """Shortest time between two own blocks of a committee with peers, in the long run."""
    burst: int = 6
    """How many own blocks may follow each other at once after a rest: ordering a transaction takes five."""
    heartbeat: int = 600_000
    """Longest silence of a validator that can speak."""
    tolerance: int = 2_000
    """How far a block may be ahead of the clock before it is held."""


MAX_CATCH_UP = 2
"""An own round left out is made up for as long as the others are at most this many rounds ahead."""


AWAY_ROUNDS = 4
"""A leader without a block in so many rounds before its own is not waited for."""


def has_passed(since: int, span: int, now: int) -> bool:
    """Tell whether `span` ms are over since then; a clock that was set back does not make anyone wait."""
    return not 0 <= now - since < span


@dataclass(slots=True)
class Pacemaker:
    """The threshold clock and the times of the own voice."""

    base: BaseCommitter
    pace: Pace
    clock: int = 1
    """The highest round that may be entered: a quorum of authors have a block of the round before."""
    entered_at: int = 0
    proposed_at: int = 0
    last_round: int = 0
    """The round of the own newest block."""
    rested_at: int = 0
    """When the whole burst may be used again."""

    def observe(self, round_: int, now: int) -> None:
        """Take note of an accepted block of this round."""
        if round_ < self.clock:
            return
        if len(self.base.dag.authors_at(round_)) >= self.base.committee.quorum:
            self.clock, self.entered_at = round_ + 1, now

    def speak(self, round_: int, at: int) -> None:
        """Take note of the own newest block: its round, and when it was made by the own clock."""
        self.last_round, self.proposed_at = round_, at
        spacing = self._least_round()
        self.rested_at = min(max(self.rested_at, at) + spacing, at + self.pace.burst * spacing)

    def next_round(self, front: int) -> int | None:
        """Return the round of the next own block, or None while the others are awaited.

        Who is a little late makes up for the rounds left out, as those blocks can still vote and certify;
        who is far behind the `front`, the round where an honest other is known to be, joins there.
        """
        following = self.last_round + 1
        if following <= self.clock and max(self.clock, front) - following <= MAX_CATCH_UP:
            return following
        return self.clock if max(following, front) <= self.clock else None

    def is_overtaken(self, round_: int) -> bool:
        """Tell whether a quorum has finished this round."""
        return self.clock > round_

    def is_ready(self, round_: int, now: int) -> bool:
        """Tell whether the round before has given all that is worth waiting for, or the wait is over."""
        if self.is_overtaken(round_):
            return True
        if not self._is_rested(now):
            return False
        return has_passed(self.entered_at, self.pace.timeout, now) or (
            self._leader_is_here(round_ - 1) and self._leader_is_settled(round_ - 2)
        )

    def wait_until(self, round_: int, now: int) -> int:
        """Return the next time at which an unready round may become ready without any news."""
        if not self._is_rested(now):
            return self._rested_enough_at()
        return self.entered_at + self.pace.timeout

    def heartbeat_at(self) -> int:
        """Return when the voice has been silent for long enough to be heard without a reason."""
        return self.proposed_at + self.pace.heartbeat

    def _is_rested(self, now: int) -> bool:
        """Tell whether another own block keeps to the pace; a clock that was set back does not count."""
        return has_passed(self.rested_at - self.pace.burst * self._least_round(), self._least_round(), now)

    def _rested_enough_at(self) -> int:
        return self.rested_at - (self.pace.burst - 1) * self._least_round()

    def _least_round(self) -> int:
        return self.pace.least_round if self.base.committee.size > 1 else 0

    def _leader_is_here(self, round_: int) -> bool:
        return round_ < 1 or bool(self.base.leader_blocks(round_)) or self._leader_is_away(round_)

    def _leader_is_away(self, round_: int) -> bool:
        """Tell whether the leader of a round has been silent; it is waited for again as soon as it speaks."""
        leader, rounds = self.base.committee.leader(round_), range(round_ - AWAY_ROUNDS, round_)
        return rounds.start > 0 and not any(self.base.dag.at_slot(below, leader) for below in rounds)

    def _leader_is_settled(self, round_: int) -> bool:
        return (
            round_ < 1
            or any(self.base.enough_votes(leader) for leader in self.base.leader_blocks(round_))
            or self.base.enough_leader_blame(round_)
        )
