"""Walks the leader slots from the newest down and gives each its decision."""

from dataclasses import dataclass, field

from energy_ledger.dag.base_committer import WAVE, BaseCommitter, History, LeaderStatus, Verdict
from energy_ledger.dag.blocks import BlockRef


@dataclass(slots=True)
class UniversalCommitter:
    """The whole commit rule: direct decisions first, the undecided ones by their anchors.

    A decision, once made, stands: more blocks never change it while at most f validators equivocate.
    So decided slots are kept and only the undecided are looked at again.
    """

    base: BaseCommitter
    _decided: dict[int, LeaderStatus] = field(default_factory=dict)
    _next_round: int = 1

    def statuses(self) -> list[LeaderStatus]:
        """Return the status of each round from the first not yet taken up to the highest known one."""
        found: list[LeaderStatus] = []
        anchors = _Anchors(self.base)
        for round_ in range(self.base.dag.highest_round, self._next_round - 1, -1):
            anchor = anchors.of(round_)
            status = self._decided.get(round_) or self._decide(round_, anchor)
            if status.verdict is not Verdict.UNDECIDED:
                self._decided[round_] = status
            anchors.put(status)
            found.append(status)
        found.reverse()
        return found

    def take_decided(self) -> list[LeaderStatus]:
        """Return the newly decided prefix, in order of rounds; each slot is handed out once."""
        taken: list[LeaderStatus] = []
        for status in self.statuses():
            if status.verdict is Verdict.UNDECIDED:
                break
            taken.append(status)
        self.resume_after(self._next_round - 1 + len(taken))
        return taken

    def resume_after(self, round_: int) -> None:
        """Take every slot up to this round as handed out."""
        for past in range(self._next_round, round_ + 1):
            self._decided.pop(past, None)
        self._next_round = round_ + 1

    def _decide(self, round_: int, anchor: History | None) -> LeaderStatus:
        status = self.base.try_direct_decide(round_)
        if status.verdict is Verdict.UNDECIDED and anchor is not None:
            return self.base.decide_leader_from_anchor(anchor, round_)
        return status


@dataclass(slots=True)
class _Anchors:
    """Finds each slot's anchor on the way down: the first slot three rounds up or higher that is not skipped.

    Consecutive slots often share an anchor, and its history is walked once for all of them.
    """

    base: BaseCommitter
    _above: dict[int, LeaderStatus] = field(default_factory=dict)
    _block: BlockRef | None = None
    _history: History | None = None

    def put(self, status: LeaderStatus) -> None:
        """Note the status of the slot just below the one noted before."""
        self._above[status.round] = status

    def of(self, round_: int) -> History | None:
        """Return the history of the anchor, or None while the anchor is undecided or not there."""
        candidate = self._above.pop(round_ + WAVE, None)
        if candidate is not None and candidate.verdict is not Verdict.SKIP:
            self._block = candidate.block
            self._history = None
        if self._block is not None and self._history is None:
            self._history = History(self.base.dag, self._block)
        return self._history
