"""The other nodes of the network, as this one knows them: what is said to them, and what they are believed.

A conversation begins with a hello of both sides (`Hello`: network, where one stands, the newest block of the
other that one knows), by who dialled first. From then on own blocks are pushed, missing ones asked for, and
now and then both say where they stand; what the other lacks is pushed, who is far behind takes pages.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final

from energy_ledger.dag.blocks import Block
from energy_ledger.dag.effects import Excess
from energy_ledger.mempool import MempoolFullError
from energy_ledger.network.frames import (
    MAX_PEERS,
    AskGenesis,
    AskHistory,
    AskSnapshot,
    Blocks,
    Bye,
    Envelopes,
    Frame,
    Hello,
    History,
    Peers,
    SnapshotPart,
    Standing,
    Want,
    in_pages,
)
from energy_ledger.network.gate import HANDSHAKE_S
from energy_ledger.network.link import Link, LinkClosedError, LinkFaultError
from energy_ledger.network.links import Links
from energy_ledger.network.peers import Peer, PeerError
from energy_ledger.node.archive import Archive
from energy_ledger.node.catching_up import FAR_ROUNDS, CatchingUp, decode_blocks
from energy_ledger.node.chain import Incoming, Step, Word
from energy_ledger.node.company import Company, Neighbour, Ties
from energy_ledger.node.door import Doorkeeper
from energy_ledger.node.forwarding import Forwarder
from energy_ledger.node.running import Running, StoppedError
from energy_ledger.node.taking import SnapshotTaking
from energy_ledger.node.voice import VoiceKeeper
from energy_ledger.storage.snapshot import PartialFile

PEERS: Final = "peers"
"""The fact that keeps the known peers, one per line."""
KEEPALIVE_S: Final = 120
MAX_MEETING_POINTS: Final = 8
"""Most addresses that an invite gets from here."""
FAR_COMMITS: Final = 100
"""Who is further behind than this asks again soon when an answer was cut."""
MAX_PUSHED: Final = 128
MAX_STALE: Final = 256
"""Most blocks of epochs that are over which a neighbour may send; then the link ends."""

_LOG = logging.getLogger(__name__)


class Neighbours:
    """Speaks with the other nodes for one running network."""

    def __init__(self, running: Running, ties: Ties) -> None:
        self.links = Links(ties.key, self._converse, self._wanted)
        self.company = Company(ties, running.standing)
        self.ties = ties
        self._running = running
        self._door = Doorkeeper(running, self.company)
        self._forwarder = Forwarder()
        self._archive = Archive(running, ties.reader)
        self._catching_up = CatchingUp(running)
        self._taking = SnapshotTaking(
            running, PartialFile(ties.snapshot_part), ties.on_snapshot, self.links.bans.add
        )
        self._epoch = running.standing.epoch
        self._kept = ""
        self._voice = VoiceKeeper(running, self.company)
        self._ticking: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[None]] = set()
        running.on_step = self._on_step

    def begin(self) -> None:
        """Begin to dial, and to look after the conversations."""
        self._voice.begin()
        self.links.dial()
        self._ticking = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        """End all conversations."""
        self._running.on_step = lambda _: None
        tasks = [task for task in (self._ticking, *self._work) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._catching_up.close()
        await self._taking.close()
        await self.links.close()

    @property
    def target(self) -> int | None:
        """The commit that is being caught up to, None when nothing is."""
        return self._catching_up.target if self._catching_up.is_busy else None

    def meeting_points(self) -> list[str]:
        """Return where a newcomer may link, as `key@host:port`: to this node, then to other validators."""
        known = (self.ties.book.get(key) for key in self.company.others)
        places = [self.ties.address, *(str(peer) for peer in known if peer is not None)]
        return [place for place in places if place][:MAX_MEETING_POINTS]

    @property
    def snapshot_percent(self) -> int | None:
        """How much of a snapshot is here, None when none is being taken."""
        return self._taking.percent

    def _wanted(self) -> Iterable[Peer]:
        """Name whom to dial: the validators, and while none of those linked is any help, anybody known."""
        known = [self.ties.book.get(key) for key in self.company.others]
        validators = [peer for peer in known if peer is not None]
        is_lost = not self.company.near or self.unreachable is not None
        return self.ties.book.all() if is_lost else validators

    # --- what the chain brought about -----------------------------------------------------------------------

    def _on_step(self, step: Step) -> None:
        self.company.standing = step.standing
        for block in step.sent:
            self.company.tell_all(Blocks((block.raw,)))
        for request in step.requests:
            self._ask_for([ref.digest for ref in request.refs], request.holders)
        for block, excess in step.spurned:
            self._blame(block, excess)
        self._forwarder.settle(step.placed)
        if step.homeless:
            self._forwarder.add(step.homeless, self._running.now())
            self._forwarder.send(self.company.validators, self._running.now())
        if step.standing.epoch != self._epoch:
            self._epoch = step.standing.epoch
            self.ties.heard.clear()
            _LOG.info("epoch %d begins with %d validators", self._epoch, len(step.standing.committee))
            for one in self.company.all:
                self._start(self._greet(one.link))
                self._start(self._take_word(one))
            self.links.look_again()

    def _ask_for(self, digests: list[bytes], holders: Iterable[int]) -> None:
        """Ask one of those who must have the blocks, and one more at random."""
        committee = self.company.committee
        names = [committee[number] for number in holders if number < len(committee)]
        near = [self.company.near[key] for key in names if key in self.company.near]
        asked = random.sample(near, min(1, len(near)))
        rest = [one for one in self.company.all if one not in asked]
        asked += random.sample(rest, min(1, len(rest)))
        for one in asked:
            one.link.send(Want(tuple(digests)))

    def _blame(self, block: Block, excess: Excess) -> None:
        """Keep out the author of a block that nobody can use; its signature proves whose it is."""
        neighbour = self.company.near.get(self.company.committee[block.author])
        if neighbour is None:
            return
        if excess is Excess.TWIN:
            self.links.keep_out(neighbour.link, f"{excess}: {block.round}")
        elif not self._catching_up.is_busy:
            self._ask_what_leads_to(neighbour, block)

    def _ask_what_leads_to(self, neighbour: Neighbour, block: Block) -> None:
        """Ask the author of a block far ahead for the history below it; who has none keeps out.

        Whose clock is behind cannot take that history, and blames nobody.
        """
        status = self.company.status
        reached = status.round if status else 0
        if neighbour.asked_at != reached:
            neighbour.asked_at = reached
            self._catching_up.begin(neighbour.link, neighbour.standing.commit)
        elif status is not None and not status.early:
            self.links.keep_out(neighbour.link, f"{Excess.AHEAD}: {block.round}, we are in {reached}")

    # --- conversation ---------------------------------------------------------------------------------------

    async def _converse(self, link: Link) -> None:
        try:
            await self._speak_over(link)
        except StoppedError as error:
            raise LinkClosedError(str(error)) from None

    async def _speak_over(self, link: Link) -> None:
        if link.dialled:
            await self._greet(link)
        first = await _first(link)
        if isinstance(first, AskGenesis):
            await self._door.give_genesis(link, first)
            return
        if not isinstance(first, Hello):
            raise (
                LinkClosedError(first.reason) if isinstance(first, Bye) else LinkFaultError("say hello first")
            )
        if not link.dialled:
            await self._door.check(link, first.admission)
            await self._greet(link)
        try:
            await self._be_greeted(link, first)
            link.vouched_for = True
            link.send(Peers(tuple(str(peer) for peer in self.ties.book.all()[-MAX_PEERS:])))
            while True:
                await self._hear(link, await link.receive())
        finally:
            if (known := self.company.near.get(link.key)) is not None and known.link is link:
                del self.company.near[link.key]

    async def _greet(self, link: Link) -> None:
        """Say hello: at the beginning, and when an epoch begins."""
        standing = await self._archive.standing()
        newest = await self._archive.newest_by(link.key, standing.epoch)
        network = bytes.fromhex(self._running.genesis.network)
        link.send(Hello(network, standing, self.ties.address, newest, self.ties.admission))

    async def _be_greeted(self, link: Link, hello: Hello) -> None:
        if hello.network != bytes.fromhex(self._running.genesis.network):
            raise LinkFaultError("you belong to another network")
        ahead = hello.standing.time - self._running.now()
        neighbour = Neighbour(link, hello.standing, hello.address, _read(hello.newest), ahead)
        self.company.near[link.key] = neighbour
        if hello.address:
            self._learn(hello.address, link.key)
        await self._take_word(neighbour)
        await self._compare(neighbour)

    async def _take_word(self, neighbour: Neighbour) -> None:
        """Take a validator's word on the newest block of ours."""
        key, standing = neighbour.link.key, self._running.standing
        if key not in self.company.others or neighbour.standing.epoch != standing.epoch:
            return
        if self.company.is_validator and not self.ties.amnesiac:
            word = Word(standing.epoch, self.company.committee.index(key), neighbour.word)
            await self._running.deliver(Incoming(heard=[word]))
        if self._running.standing.epoch == standing.epoch:
            self.ties.heard.add(key)

    async def _hear(self, link: Link, frame: Frame) -> None:
        """Deal with one frame."""
        neighbour = self.company.near[link.key]
        match frame:
            case Blocks(blocks):
                await self._take_blocks(neighbour, blocks)
            case Standing():
                neighbour.standing = frame
                neighbour.clock_ahead = frame.time - self._running.now()
                await self._compare(neighbour)
            case Want(digests):
                link_pages(link, await self._archive.blocks(digests))
            case AskHistory():
                link.send(await self._archive.history(frame))
            case History():
                self._catching_up.take(link, frame)
            case AskSnapshot():
                link.send(self._running.snapshots.give(frame))
            case SnapshotPart():
                self._taking.take(link, frame)
            case Envelopes(envelopes):
                with suppress(MempoolFullError):
                    await self._running.submit(list(envelopes))
            case Hello():
                await self._be_greeted(link, frame)
            case Peers(peers):
                self._hear_of(peers)
            case Bye(reason):
                raise LinkClosedError(reason)
            case _:
                raise LinkFaultError(f"{type(frame).__name__} does not belong here")

    async def _take_blocks(self, neighbour: Neighbour, raw: tuple[bytes, ...]) -> None:
        blocks = decode_blocks(raw)
        neighbour.stale += sum(block.epoch < self._running.standing.epoch for block in blocks)
        if neighbour.stale > MAX_STALE:
            reason = f"your blocks are of an epoch that is over; this is epoch {self._running.standing.epoch}"
            raise LinkFaultError(reason, ban=False)
        faults = await self._running.deliver(await self._running.prepared(blocks))
        if faults:
            raise LinkFaultError(f"a block is not good: {faults[0]}")
        if any(block.epoch > self._running.standing.epoch for block in blocks):
            self._catch_up(neighbour)

    async def _compare(self, neighbour: Neighbour) -> None:
        """Push what the other lacks, or begin to catch up."""
        theirs = neighbour.standing
        mine = await self._archive.standing()
        lead = max(theirs.frontier, default=0) - max(mine.frontier, default=0)
        if theirs.epoch > mine.epoch or (theirs.epoch == mine.epoch and lead > FAR_ROUNDS):
            self._catch_up(neighbour)
        elif theirs.epoch == mine.epoch and lead >= -FAR_ROUNDS:
            unseen = await self._running.in_ledger(
                lambda chain: chain.core.unseen_by(theirs.frontier, MAX_PUSHED)
            )
            link_pages(neighbour.link, [block.raw for block in unseen])
        else:
            neighbour.link.send(mine)

    def _catch_up(self, neighbour: Neighbour) -> None:
        """Take what is missing: a snapshot where that is much, else the history through the ordinary rule.

        Where the neighbour's history begins later, its snapshot is the only way from there.
        """
        own, key = self._running.standing.commit, neighbour.link.key
        limit, useless = self.ties.snapshot_after, self._taking.useless
        ahead, is_pruned = neighbour.standing.commit - own, self._is_pruned(neighbour)
        is_wanted = limit is not None and (ahead > limit or is_pruned) and key not in useless
        if self._taking.is_busy or is_wanted:
            self._taking.begin(neighbour.link)
        elif not is_pruned:
            self._catching_up.begin(neighbour.link, neighbour.standing.commit)

    def _go_on_catching_up(self) -> None:
        """Ask somebody, maybe somebody else, after a cut."""
        own = self._running.standing.commit
        ahead = [one for one in self.company.all if self._is_worth_asking(one, own)]
        if ahead and not self._catching_up.is_busy and not self._taking.is_busy:
            self._catch_up(random.choice(ahead))  # noqa: S311 -- any of them will do

    def _is_worth_asking(self, neighbour: Neighbour, own: int) -> bool:
        """Tell whether a neighbour has what is missing here: history, or a snapshot where those are taken."""
        if self._is_pruned(neighbour):
            return self.ties.snapshot_after is not None
        return neighbour.standing.commit - own > FAR_COMMITS

    def _is_pruned(self, neighbour: Neighbour) -> bool:
        """Tell whether a neighbour said that what follows here is before the history that it keeps."""
        return self._catching_up.start_of(neighbour.link.key) > self._running.standing.commit

    @property
    def unreachable(self) -> int | None:
        """The commit before which nobody linked keeps the history that this node waits for, if that is so."""
        pruned = [one for one in self.company.all if self._is_pruned(one)]
        if self.ties.snapshot_after is not None or not pruned or len(pruned) < len(self.company.all):
            return None
        return min(self._catching_up.start_of(one.link.key) for one in pruned)

    # --- addresses ------------------------------------------------------------------------------------------

    def _learn(self, text: str, key: bytes) -> None:
        """Take a node's own word on where it is."""
        try:
            peer = Peer.read(text)
        except PeerError as error:
            raise LinkFaultError(str(error)) from None
        if peer.key == key and self.ties.book.add(peer):
            self.company.tell_all(Peers((text,)))

    def _hear_of(self, texts: tuple[str, ...]) -> None:
        """Take others' word on where somebody is; whoever is dialled there has to prove its key."""
        news = False
        for text in texts:
            with suppress(PeerError):
                news = self.ties.book.suggest(Peer.read(text)) or news
        if news:
            self.links.look_again()

    # --- now and then ---------------------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(1)
            count += 1
            try:
                await self._look_after(keepalive=count % KEEPALIVE_S == 0)
            except StoppedError:
                return
            except Exception:
                _LOG.exception("the neighbours are not looked after this time")

    async def _look_after(self, *, keepalive: bool) -> None:
        self._forwarder.send(self.company.validators, self._running.now())
        self._running.intake.forget(self._forwarder.take_void(self._running.standing.time))
        await self._voice.look_after(busy=self._catching_up.is_busy or self._taking.is_busy)
        self._go_on_catching_up()
        peers = "\n".join(map(str, self.ties.book.all()))
        if peers != self._kept:
            self._kept = peers
            await self._running.remember(PEERS, peers.encode())
        if keepalive:
            self.company.tell_all(await self._archive.standing())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_unless_over(work))
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def link_pages(link: Link, blocks: list[bytes]) -> None:
    """Send blocks, in as many frames as they need."""
    for page in in_pages(blocks):
        link.send(Blocks(page))


async def _unless_over(work: Coroutine[Any, Any, None]) -> None:
    with suppress(StoppedError, LinkClosedError):
        await work


async def _first(link: Link) -> Frame:
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            return await link.receive()
    except TimeoutError:
        raise LinkClosedError("it took you too long to say hello") from None


def _read(raw: bytes) -> Block | None:
    """Read a neighbour's word on our newest block. Raises LinkFaultError."""
    return decode_blocks((raw,))[0] if raw else None
