"""A validator of the committee turns against real nodes over real links: they drop it, say why, and go on."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from energy_ledger.dag.blocks import BlockRef, Draft, Payload, genesis_refs, sign_block
from energy_ledger.network.frames import AskHistory, Blocks, Bye, Hello, History, Standing
from energy_ledger.network.link import LinkClosedError, LinkFaultError
from energy_ledger.network.links import Links
from energy_ledger.network.peers import Peer
from energy_ledger.node.neighbours import MAX_STALE
from energy_ledger.storage.directory import NodeKey
from simulation.ledger_street import Street, now_ms
from tests.ledger_node.node.test_neighbourhood import applied, ordered_everywhere

MALLORY = NodeKey(b"m" * 32)
MEGABYTE = 1024 * 1024
MOST_GROWTH = 64 * MEGABYTE
"""More than a node may grow by what a liar does; less than what the liar sends."""


@pytest.fixture
def expected_lingering_timers():
    """aiohttp leaves the timer of a closed connection's heartbeat to run out by itself."""
    return True


class Hostile:
    """A validator that holds a link to one house and says what it likes."""

    def __init__(self, street, epoch):
        self.network = bytes.fromhex(street.founder.network)
        self.epoch = epoch
        self.links = Links(MALLORY, None, list)
        self.heard = asyncio.Queue()

    async def meet(self, house):
        self.committee = (await house.ask("/v1/network"))["committee"]
        self.author = self.committee.index(MALLORY.public.hex())
        self.link = await self.links.connect(Peer.read(house.peer))
        self.link.send(Hello(self.network, self.standing(0), "", b"", None))
        self.listening = asyncio.create_task(self.listen())

    def standing(self, round_):
        return Standing(self.epoch, 0, (round_,) * len(self.committee), now_ms())

    async def listen(self):
        """Hear everything; whoever asks for history gets none."""
        try:
            while True:
                frame = await self.link.receive()
                if isinstance(frame, AskHistory):
                    self.link.send(History(frame.epoch, ()))
                await self.heard.put(frame)
        except LinkClosedError, LinkFaultError:
            await self.heard.put(Bye("the connection is over"))

    async def flood(self, blocks):
        """Send blocks as fast as the house reads them, for as long as it does."""
        for block in blocks:
            self.link.send(Blocks((block.raw,)))
            while self.link.is_open and self.link._queued > 4 * MEGABYTE:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)

    async def reason(self):
        """Wait for the end of the link; return why it came."""
        async with asyncio.timeout(20):
            while not isinstance(frame := await self.heard.get(), Bye):
                pass
        return frame.reason

    def block(self, round_, ancestors, payload=()):
        """Sign a block by the book, whatever it says."""
        first = [ref for ref in ancestors if ref.author == self.author]
        others = [ref for ref in ancestors if ref.author != self.author]
        draft = Draft(
            self.network,
            self.epoch,
            round_,
            self.author,
            now_ms(),
            (*first, *others),
            Payload(tuple(payload)),
        )
        return sign_block(draft, MALLORY.seed)

    def unfounded(self, round_, payload=()):
        """Sign a block on blocks that nobody has."""
        nowhere = [BlockRef(round_ - 1, author, bytes([7]) * 32) for author in range(len(self.committee))]
        return self.block(round_, nowhere, payload)

    async def close(self):
        self.listening.cancel()
        await asyncio.gather(self.listening, return_exceptions=True)
        await self.link.close("the test is over")
        await self.links.close()


@asynccontextmanager
async def street_with_mallory(folder, houses=3):
    async with Street(folder, houses) as street:
        await street.open()
        keys = [await house.key() for house in street.houses]
        await street.vote(street.houses, [*keys, MALLORY.public.hex()])
        await street.until(lambda seen: all(one["epoch"] == 2 for one in seen))
        mallory = Hostile(street, 2)
        await mallory.meet(street.houses[0])
        try:
            yield street, mallory
        finally:
            await mallory.close()


def resident(house):
    """Return the memory of a house's process in bytes."""
    return int(Path(f"/proc/{house.pid}/statm").read_text().split()[1]) * 4096


async def shown_by(house):
    """Return what a house shows of Mallory."""
    peers = (await house.ask("/v1/peers"))["items"]
    return next(peer for peer in peers if peer["node_key"] == MALLORY.public.hex())


async def goes_on(street):
    """See that what is submitted anywhere is ordered everywhere, and nobody complains."""
    await ordered_everywhere(street, [await applied(street, house, 1) for house in street.houses])
    assert [one["problem"] for one in await street.look()] == [None] * len(street.houses)


async def test_a_flood_of_blocks_far_ahead_ends_the_link_with_a_reason(tmp_path):
    async with street_with_mallory(tmp_path) as (street, mallory):
        house = street.houses[0]
        before = resident(house)
        payload = [bytes(MEGABYTE)]
        await mallory.flood(mallory.unfounded(round_, payload) for round_ in range(100_000, 100_200))
        assert "far ahead" in await mallory.reason()
        shown = await shown_by(house)
        assert not shown["linked"]
        assert "far ahead" in shown["problem"]
        with pytest.raises((LinkClosedError, LinkFaultError), match="kept out"):
            await mallory.links.connect(Peer.read(house.peer))
        assert resident(house) - before < MOST_GROWTH
        await goes_on(street)


async def test_a_flood_of_blocks_that_name_what_nobody_has_takes_bounded_memory_and_stops_nobody(tmp_path):
    async with street_with_mallory(tmp_path) as (street, mallory):
        house = street.houses[0]
        before = resident(house)
        payload = [bytes(MEGABYTE)]
        await mallory.flood(mallory.unfounded(round_, payload) for round_ in range(20, 120))
        await goes_on(street)
        assert resident(house) - before < MOST_GROWTH


async def test_who_signs_two_blocks_for_one_round_is_kept_out_with_the_proof(tmp_path):
    async with street_with_mallory(tmp_path) as (street, mallory):
        house = street.houses[0]
        genesis = genesis_refs(mallory.network, 2, 4)
        one, other = (mallory.block(1, genesis, payload) for payload in ((), (b"twin",)))
        mallory.link.send(Blocks((one.raw,)))
        await goes_on(street)
        mallory.link.send(Blocks((other.raw,)))
        assert "two different blocks for one round" in await mallory.reason()
        assert "two different blocks for one round" in (await shown_by(house))["problem"]
        assert "two different blocks for one round" in house.log.read_text()
        await goes_on(street)
        assert len({one["state_root"] for one in await street.look()}) == 1


async def test_blocks_of_an_old_epoch_are_passed_over_and_a_flood_of_them_ends_the_link(tmp_path):
    async with street_with_mallory(tmp_path) as (street, mallory):
        house = street.houses[0]
        keys = [await house.key() for house in street.houses]
        await street.vote(street.houses, keys)
        await street.until(lambda seen: all(one["epoch"] == 3 for one in seen))
        for round_ in range(20, 20 + MAX_STALE):
            mallory.link.send(Blocks((mallory.unfounded(round_).raw,)))
        await goes_on(street)
        assert (await shown_by(house))["epoch"] == 2
        mallory.link.send(Blocks((mallory.unfounded(10).raw,)))
        assert "an epoch that is over" in await mallory.reason()
        assert "an epoch that is over" in house.log.read_text()
        late = Hostile(street, 2)
        late.links, late.committee = mallory.links, mallory.committee
        late.link = await late.links.connect(Peer.read(house.peer))
        late.link.send(Hello(late.network, late.standing(0), "", b"", None))
        assert "invite" in (await late.link.receive()).reason
        await late.link.close("the test is over")
        await goes_on(street)


async def test_who_asks_and_does_not_read_is_dropped_and_takes_bounded_memory(tmp_path):
    async with street_with_mallory(tmp_path) as (street, mallory):
        house = street.houses[0]
        for _ in range(5):
            await asyncio.gather(*(street.submit(house, 1) for _ in range(20)))
        mallory.listening.cancel()
        before = resident(house)
        for _ in range(5_000):
            mallory.link.send(AskHistory(2, 0, b""))
        async with asyncio.timeout(60):
            while (await shown_by(house))["linked"]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.2)
        assert "too slowly" in (await shown_by(house))["problem"]
        assert resident(house) - before < MOST_GROWTH
        await goes_on(street)
