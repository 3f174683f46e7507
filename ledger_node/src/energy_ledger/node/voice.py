"""When a validator may speak: never before it knows what it may have said already.

A validator that signed two blocks for one round is a liar to everybody, though it only lost its memory. So
one that starts asks the others first. If its database is whole, those who are there are enough: it waits for
a quorum and a little longer. If its database is gone or another one (the mark beside it tells), it follows as
an observer until every other validator has said which newest block of it it knows; only then it takes its
voice again. A whole database may be an old copy of itself: an own block that others have and it has not gives
that away, as each was on the disk before anybody got it. Then, too, every other one must have spoken. A sole
validator has nobody who must answer, but observers may have followed it: it waits long enough for them to
link, takes what history they have, and goes on behind it.
"""

import asyncio
import logging
from typing import Final

from energy_ledger.dag.settings import Status
from energy_ledger.network.gate import HANDSHAKE_S
from energy_ledger.network.links import LONGEST_PAUSE_S
from energy_ledger.node.chain import Incoming, Word
from energy_ledger.node.company import Company
from energy_ledger.node.running import Running
from energy_ledger.quorum import quorum_of

GRACE_S: Final = 5.0
"""How long a restarted validator waits at least for those who may know of a newer own block."""
SOLE_GRACE_S: Final = 2 * LONGEST_PAUSE_S + HANDSHAKE_S
"""How long a sole validator without its memory waits for observers: they dial again within half of it."""

STALLED_S: Final = 10.0
"""How long something may wait for the next round before those who are silent count as away."""

_LOG = logging.getLogger(__name__)


class VoiceKeeper:
    """Looks after one validator's voice."""

    def __init__(self, running: Running, company: Company) -> None:
        self._running = running
        self._company = company
        self._began = 0.0
        self._doubted = False
        self._reached: object = None
        self._reached_at = 0.0

    def begin(self) -> None:
        """Take note of the start."""
        self._began = asyncio.get_running_loop().time()

    async def look_after(self, *, busy: bool) -> None:
        """Let the validator speak if it may now; `busy`: history is still being taken."""
        company, now = self._company, asyncio.get_running_loop().time()
        heard = [key for key in company.others if key in company.ties.heard and key in company.near]
        company.status = status = await self._running.in_ledger(lambda chain: chain.core.status())
        company.silent = self._silent(status, now)
        company.gaps_since = (company.gaps_since or now) if company.gaps else None
        company.muted = company.is_validator and bool(status.unheard)
        if not company.is_validator:
            return
        if status.forgot:
            await self._doubt()
        if company.ties.amnesiac:
            waited = bool(company.others) or now - self._began > SOLE_GRACE_S
            if waited and len(heard) == len(company.others) and not busy:
                self._regain()
        elif company.muted and not status.forgot and now - self._began > GRACE_S and self._are_enough(heard):
            await self._do_without(company.unheard)

    def _silent(self, status: Status, now: float) -> tuple[bytes, ...]:
        """Name who keeps the order waiting: a machine without power says no goodbye, its link just stays."""
        reached = (self._company.standing.epoch, status.position.index, status.round, bool(status.awaited))
        if reached != self._reached:
            self._reached, self._reached_at = reached, now
        if now - self._reached_at <= STALLED_S:
            return ()
        committee = self._company.committee
        return tuple(committee[author] for author in status.awaited if author < len(committee))

    async def _do_without(self, unheard: list[bytes]) -> None:
        """Wait no longer for some validators."""
        committee, epoch = self._company.committee, self._company.standing.epoch
        words = [Word(epoch, committee.index(key), None) for key in unheard]
        await self._running.deliver(Incoming(heard=words))

    async def _doubt(self) -> None:
        """Say that the database is an old copy; after the next start, too, all must have been heard."""
        if not self._doubted:
            self._doubted = True
            _LOG.warning("others have blocks of this node that its database had not: it was an old copy")
            if self._company.muted:
                await self._running.doubt_voice()

    def _are_enough(self, heard: list[bytes]) -> bool:
        return len(heard) + 1 >= quorum_of(len(self._company.committee))

    def _regain(self) -> None:
        """Take up the voice behind the newest own block that anybody linked knows, observers included."""
        committee, near, epoch = self._company.committee, self._company.near, self._company.standing.epoch
        numbers = {key: number for number, key in enumerate(committee)}
        own = numbers[self._company.ties.key.public]
        words = [Word(epoch, numbers.get(key, own), one.word) for key, one in near.items()]
        self._company.ties.amnesiac = False
        self._running.regain_voice(words)
