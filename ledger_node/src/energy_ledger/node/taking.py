"""Taking a snapshot from the neighbours, chunk by chunk; it goes on after a cut or a stop.

Each chunk is checked against the manifest as it comes, the whole against the committee when all are there.
Who gave a false one is kept out for a while, and another is asked.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from energy_ledger.network.frames import AskSnapshot, SnapshotPart
from energy_ledger.network.link import Link, LinkClosedError
from energy_ledger.node.asking import Asking
from energy_ledger.node.running import Running, StoppedError
from energy_ledger.node.snapshot_check import Checked, check
from energy_ledger.storage.snapshot import (
    PartialFile,
    SnapshotError,
    SnapshotFile,
    read_manifest,
    snapshot_id,
)

PAUSE_S: Final = 1.0
TRIES: Final = 30
"""How often a neighbour is asked that has no snapshot yet."""
MAX_BYTES: Final = 1024 * 1024 * 1024
"""The largest snapshot that is taken."""

type OnTaken = Callable[[Checked], None]
type Ban = Callable[[bytes, str], None]

_LOG = logging.getLogger(__name__)


class NoSnapshotError(Exception):
    """The neighbour has no snapshot that helps."""


class SnapshotTaking:
    """Asks one neighbour at a time for the snapshot."""

    def __init__(self, running: Running, part: PartialFile, on_taken: OnTaken, ban: Ban) -> None:
        self._running = running
        self._part = part
        self._on_taken = on_taken
        self._ban = ban
        self._asking = Asking[SnapshotPart]()
        self.useless: dict[bytes, None] = {}
        """Nodes whose snapshots are no help; their history is."""

    @property
    def is_busy(self) -> bool:
        """Whether a snapshot is being taken now."""
        return self._asking.is_busy

    @property
    def percent(self) -> int | None:
        """How much of it is here, None while none is being taken."""
        return self._part.percent if self.is_busy else None

    def begin(self, link: Link) -> None:
        """Take the snapshot from a neighbour, unless that is being done."""
        self._asking.begin(link, self._follow)

    def take(self, link: Link, part: SnapshotPart) -> None:
        """Take a part that came; raises LinkFaultError when nobody asked for it."""
        self._asking.take(link, part)

    async def close(self) -> None:
        """Stop asking; what came stays."""
        await self._asking.close()

    async def _follow(self, link: Link) -> None:
        name = link.key.hex()[:8]
        try:
            await self._fetch(link)
            self._on_taken(await self._check())
        except (LinkClosedError, StoppedError, TimeoutError) as error:
            _LOG.info("taking a snapshot from node %s was cut: %s", name, error or "no answer")
        except NoSnapshotError as error:
            _LOG.info("no snapshot from node %s: %s", name, error)
            self.useless[link.key] = None
        except SnapshotError as error:
            self._part.discard()
            reason = f"the snapshot is not true: {error}"
            self._ban(link.key, reason)
            link.end(reason)
            _LOG.warning("node %s gave a false snapshot: %s", name, error)

    async def _fetch(self, link: Link) -> None:
        """Get the manifest and what is missing of the chunks."""
        identity = self._part.resume()
        if identity is not None:
            first = await self._ask(link, AskSnapshot(identity, 0))
            if not first.data:  # gone there: begin anew
                identity = None
        if identity is None:
            identity = await self._begin(link)
        while (number := self._part.wanted) is not None:
            answer = await self._ask(link, AskSnapshot(identity, number + 1))
            if not answer.data:
                self._part.discard()
                raise LinkClosedError("it has no such snapshot any more")
            self._part.add(answer.data)
        _LOG.info("the snapshot of commit %d is here", self._part.commit)

    async def _begin(self, link: Link) -> bytes:
        for _ in range(TRIES):
            answer = await self._ask(link, AskSnapshot(b"", 0))
            if answer.data:
                break
            await asyncio.sleep(PAUSE_S)
        else:
            raise NoSnapshotError("it has none")
        manifest = read_manifest(answer.data)
        if manifest.genesis != self._running.genesis.envelope.encode() or manifest.size > MAX_BYTES:
            raise SnapshotError("it is of another network, or too large")
        if manifest.certificate.state.commit <= self._running.standing.commit:
            raise NoSnapshotError("this node is further than it")
        self._part.begin(answer.data)
        _LOG.info("taking the snapshot of commit %d: %d bytes", self._part.commit, manifest.size)
        return snapshot_id(answer.data)

    async def _check(self) -> Checked:
        checked = await self._running.queries.ask(_checked, self._part)
        if checked.certificate.state.commit <= self._running.standing.commit:
            self._part.discard()
            raise NoSnapshotError("this node is further than it by now")
        return checked

    async def _ask(self, link: Link, question: AskSnapshot) -> SnapshotPart:
        answer = await self._asking.ask(link, question)
        if question.id and (answer.id, answer.part) != (question.id, question.part):
            raise SnapshotError("it answered with another part than was asked for")
        return answer


def _checked(part: PartialFile) -> Checked:
    with SnapshotFile.open(part.path) as file:
        return check(file.read())
