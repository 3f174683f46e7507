"""From what the ledger came to, here and elsewhere, to certificates of a quorum.

A validator votes for every commit that it applied since its last block, in the next block it makes anyway. A
commit that changed the state is a reason to make one: after a burst one closing block of each validator
completes the certificate. A commit that changed nothing is voted for when there is a block, and is no
reason for one, so votes alone never keep a street awake.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from energy_ledger.dag.blocks import Block
from energy_ledger.dag.settings import Voice
from energy_ledger.proofs import Certificate, Electorate, LedgerState, StateVote, read_vote

MOST_VOTES: Final = 8
"""Most votes in one own block; of more commits than that the newest count."""
REMEMBERED: Final = 256
"""Uncertified states that are kept, and votes of one validator."""


class Certifier:
    """Casts one validator's votes (an observer's none) and counts everybody's, in one epoch."""

    def __init__(
        self, electorate: Electorate, voice: Voice | None, certificate: Certificate | None = None
    ) -> None:
        """Go on after the newest known certificate."""
        self.electorate = electorate
        self._voice = voice
        self._newest = certificate
        self._fresh: list[Certificate] = []
        self._said_root = certificate.state.root if certificate else b""
        self._unsaid: deque[LedgerState] = deque(maxlen=MOST_VOTES)
        self._states: dict[int, LedgerState] = {}
        self._heard: list[dict[int, StateVote]] = [{} for _ in electorate.keys]

    @property
    def newest(self) -> Certificate | None:
        """The newest certificate."""
        return self._newest

    @property
    def states(self) -> tuple[LedgerState, ...]:
        """The states here that no certificate has reached, oldest first."""
        return tuple(self._states.values())

    @property
    def is_due(self) -> bool:
        """Whether an own vote is a reason to make a block."""
        return bool(self._unsaid) and self._unsaid[-1].root != self._said_root

    def speak(self) -> tuple[bytes, ...]:
        """Return the votes for the next own block, and count them as said."""
        if self._voice is None or not self._unsaid:
            return ()
        seed = self._voice.seed
        votes = [StateVote(state, self.electorate.sign(seed, state)) for state in self._unsaid]
        self._said_root = self._unsaid[-1].root
        self._unsaid.clear()
        return tuple(vote.encode() for vote in votes)

    def note(self, state: LedgerState) -> None:
        """Take note of what the ledger came to here."""
        self._states[state.commit] = state
        if len(self._states) > REMEMBERED:
            del self._states[min(self._states)]
        if self._voice is not None:
            self._unsaid.append(state)
        self._count(state.commit)

    def hear(self, block: Block) -> None:
        """Take the votes out of an accepted block."""
        for vote in filter(None, map(read_vote, block.votes)):
            if self._voice is not None and block.author == self._voice.author:
                self._said_root = vote.state.root
            if vote.state.commit > self._last:
                self._remember(block.author, vote)
                self._count(vote.state.commit)

    def _remember(self, author: int, vote: StateVote) -> None:
        """Keep a vote; every certificate makes the votes that are kept anew."""
        heard = self._heard[author]
        heard[vote.state.commit] = vote
        if len(heard) > REMEMBERED:
            del heard[min(heard)]

    def take(self) -> Certificate | None:
        """Return the newest certificate, if it is new since the last call."""
        return next(reversed(self.take_all()), None)

    def take_all(self) -> list[Certificate]:
        """Return the certificates since the last call, oldest first."""
        fresh, self._fresh = self._fresh, []
        return fresh

    @property
    def _last(self) -> int:
        return self._newest.state.commit if self._newest else 0

    def _count(self, commit: int) -> None:
        """Make a certificate of the votes for a commit, once there are enough good ones."""
        state = self._states.get(commit)
        if state is None or commit <= self._last:
            return
        agreeing = [author for author, heard in enumerate(self._heard) if _agrees(heard.get(commit), state)]
        if len(agreeing) < self.electorate.quorum:
            return
        good = [author for author in agreeing if self._is_good(author, state)]
        if len(good) < self.electorate.quorum:
            for author in set(agreeing) - set(good):
                del self._heard[author][commit]
            return
        votes = tuple((author, self._heard[author][commit].signature) for author in good)
        self._newest = Certificate(self.electorate.epoch, state, votes[: self.electorate.quorum])
        self._fresh.append(self._newest)
        self._forget()

    def _is_good(self, author: int, state: LedgerState) -> bool:
        if self._voice is not None and author == self._voice.author:
            return True
        return self.electorate.has_signed(author, state, self._heard[author][state.commit].signature)

    def _forget(self) -> None:
        """Drop what is older than the newest certificate."""
        last = self._last
        self._states = {commit: one for commit, one in self._states.items() if commit > last}
        self._heard = [
            {commit: one for commit, one in heard.items() if commit > last} for heard in self._heard
        ]


def _agrees(vote: StateVote | None, state: LedgerState) -> bool:
    return vote is not None and vote.state == state


def resume(
    electorate: Electorate,
    voice: Voice | None,
    certificate: Certificate | None,
    states: Iterable[LedgerState],
    blocks: Iterable[Block],
) -> Certifier:
    """Take up counting after a restart: the states since the certificate, and the blocks still in memory."""
    certifier = Certifier(electorate, voice, certificate)
    for state in states:
        certifier.note(state)
    for block in blocks:
        certifier.hear(block)
    return certifier
