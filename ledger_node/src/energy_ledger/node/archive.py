"""What this node tells others of what it knows: where it stands, blocks by name, and history by pages."""

from typing import Final

from energy_ledger.dag.blocks import Block
from energy_ledger.network.frames import AskHistory, History, Standing, in_pages
from energy_ledger.node.chain import Chain
from energy_ledger.node.running import Running
from energy_ledger.storage.reader import Reader

MAX_PAGE: Final = 512
"""Most blocks in a page of history."""
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""When an answer with single blocks is full; what is left out is asked for again."""


class Archive:
    """Answers neighbours, from the chain and from the disk."""

    def __init__(self, running: Running, reader: Reader) -> None:
        self._running = running
        self._reader = reader

    async def standing(self) -> Standing:
        """Return where this node stands now."""
        now = max(0, self._running.now())
        return await self._running.in_ledger(
            lambda chain: Standing(chain.epoch, chain.ledger.commit, chain.core.frontier(), now)
        )

    async def blocks(self, digests: tuple[bytes, ...]) -> list[bytes]:
        """Return those of the blocks that are known here, as far as an answer has room for them."""
        return await self._running.queries.ask(self._known, digests)

    def _known(self, digests: tuple[bytes, ...]) -> list[bytes]:
        found: list[bytes] = []
        room = MAX_ANSWER_BYTES
        for record in map(self._reader.block, digests):
            if record is not None and room > 0:
                found.append(record.raw)
                room -= len(record.raw)
        return found

    async def history(self, asked: AskHistory) -> History:
        """Return the page of history that was asked for; an empty one at its end, or where it is not here."""
        begin = self._running.start
        if (asked.epoch, asked.round) < (begin.epoch, begin.round):
            return History(asked.epoch, (), begin.commit)
        found = await self._running.queries.ask(
            self._reader.history, asked.epoch, asked.round, asked.digest, MAX_PAGE
        )
        return History(asked.epoch, in_pages(found)[0] if found else ())

    async def newest_by(self, key: bytes, epoch: int) -> bytes:
        """Return the newest known block of a validator in an epoch, empty when there is none."""
        committee = self._running.standing.committee
        if key.hex() not in committee:
            return b""
        author = committee.index(key.hex())

        def from_memory(chain: Chain) -> Block | None:
            return chain.core.newest_by(author) if chain.epoch == epoch else None

        block = await self._running.in_ledger(from_memory)
        if block is not None:
            return block.raw
        return await self._running.queries.ask(self._reader.newest_by, epoch, author) or b""
