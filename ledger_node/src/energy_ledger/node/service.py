"""The node as its clients see it: empty until a network is founded, then that network's."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from energy_ledger.api import types
from energy_ledger.api.auth import Tokens, hashed
from energy_ledger.api.paging import Value, Window
from energy_ledger.api.ports import Kind
from energy_ledger.api.problems import ProblemError
from energy_ledger.genesis import Genesis
from energy_ledger.mempool import MempoolFullError
from energy_ledger.network.announce import reachable_addresses
from energy_ledger.network.peers import AddressBook, Peer
from energy_ledger.node import configuration, founding, health, joining, views
from energy_ledger.node.company import Ties
from energy_ledger.node.event_log import EventLog
from energy_ledger.node.intake import Taken
from energy_ledger.node.invites import HOLDER, check_invite
from energy_ledger.node.milestones import EVERYTHING, Keeping
from energy_ledger.node.neighbours import Neighbours
from energy_ledger.node.pruned import missing
from energy_ledger.node.pruner import Pruner
from energy_ledger.node.running import Running, StoppedError, wall_clock
from energy_ledger.node.snapshot_check import Checked
from energy_ledger.node.snapshots import take_over
from energy_ledger.node.threads import Threads
from energy_ledger.refusals import Refused
from energy_ledger.storage.directory import DataDirectory, NodeKey, new_token
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.snapshot import SnapshotError, SnapshotFile
from energy_ledger.storage.writer import Writer
from energy_ledger.transactions import Envelope

_LOG = logging.getLogger(__name__)

NOWHERE: Final = "-"
"""In place of an address: links are accepted, but nobody outside can be told where."""
SNAPSHOT_AFTER: Final = 2_000
"""Commits that a node may be behind and still replays them one by one."""
WAIT_S: Final = 10
"""Longest time that a client waits for the order of what it submitted."""


@dataclass(frozen=True, slots=True)
class Peering:
    """How a node links to others.

    It accepts links at host and port (None: it only dials), tells others to come to `advertised` (empty:
    where it listens; NOWHERE: it tells nothing), knows `peers` from the start, and runs `clock_offset` ms off
    the machine's clock. When others are more than `snapshot_after` commits ahead it takes a snapshot (None:
    always the whole history).
    """

    host: str = "127.0.0.1"
    port: int | None = 0
    advertised: str = ""
    peers: tuple[Peer, ...] = ()
    clock_offset: int = 0
    snapshot_after: int | None = SNAPSHOT_AFTER


class Node:
    """Answers what the API asks; the disk must be open, and belongs to this node until `close`."""

    def __init__(
        self,
        directory: DataDirectory,
        key: NodeKey,
        *,
        with_matcher: bool,
        peering: Peering | None = None,
        keeping: Keeping = EVERYTHING,
    ) -> None:
        """Open the disk; without `peering` the node neither accepts links nor makes any."""
        self.key = key
        self.keeping = keeping
        self._pruner: Pruner | None = None
        self._peering = peering
        self._neighbours: Neighbours | None = None
        self._with_matcher = with_matcher
        self._directory = directory
        self._reader = Reader(directory.database)
        self._writer = Writer(directory.database)
        self._threads = Threads()
        self._running: Running | None = None
        self._peer_port: int | None = None
        self._adopting: asyncio.Task[None] | None = None
        self._setting_up = asyncio.Lock()
        self._token_hashes = self._reader.tokens()
        self.tokens = Tokens.of(directory.setup_token(), self._token_hashes.values())
        self.on_founded: Callable[[Genesis], None] | None = None

    def wake(self) -> Genesis | None:
        """Take up the network on this disk, if there is one, and return its genesis.

        Raises DamagedError when the disk does not hold together.
        """
        genesis = founding.stored_genesis(self._reader)
        if genesis is not None:
            self._finish_move()
            self._run(genesis)
        return genesis

    async def meet(self) -> None:
        """Accept and make links, where there is a network; take up what was accepted and is not ordered."""
        if self._running is None:
            return
        await self._on(self._threads.readers, self._keep_configuration)
        self._pruner = Pruner(
            self._running,
            self._reader,
            self._writer,
            self._threads,
            directory=self._directory,
            keeping=self.keeping,
        )
        self._pruner.begin()
        if self._peering is not None:
            peering = self._peering
            book = AddressBook(self.key.public, (*joining.stored_peers(self._reader), *peering.peers))
            admission = joining.stored_admission(self._reader)
            ties = Ties(
                self.key,
                self._reader,
                book,
                admission,
                amnesiac=self._is_amnesiac,
                snapshot_part=self._directory.snapshot_part,
                on_snapshot=self._on_snapshot,
                snapshot_after=peering.snapshot_after,
            )
            self._neighbours = Neighbours(self._running, ties)
            if peering.port is not None:
                await self._listen(self._neighbours, peering.host, self._peer_port or peering.port)
            self._neighbours.begin()
        await self._running.take_up()

    async def _listen(self, neighbours: Neighbours, host: str, port: int) -> None:
        """Accept links; where that is not possible the node still makes them."""
        try:
            bound = await neighbours.links.listen(host, port)
        except OSError as error:
            _LOG.warning("no links are accepted at %s:%d, this node only dials: %s", host, port, error)
            return
        self._peer_port = bound
        place = self._peering.advertised if self._peering else ""
        _LOG.info("accepting links at %s:%d", host, bound)
        if place == NOWHERE:
            return
        ties = neighbours.ties
        ties.address = f"{self.key.public.hex()}@{place or f'{reachable_addresses(host)[0]}:{bound}'}"
        self._directory.say_peer(ties.address)
        _LOG.info("others are told to link to %s", ties.address)

    def _on_snapshot(self, checked: Checked) -> None:
        self._adopting = asyncio.create_task(self._adopt(checked))

    async def _adopt(self, checked: Checked) -> None:
        """Go on from a snapshot that others gave, as after a restart."""
        async with self._setting_up:
            await self._rest()
            self._network.events.end()
            await self._on(self._threads.disk, self._move_to, checked)
            _LOG.info("the ledger goes on from commit %d", checked.certificate.state.commit)
            self._run(checked.genesis)
            await self.meet()

    def _keep_configuration(self) -> None:
        """Have beside the ledger what a backup without it must hold."""
        if self._running is not None:
            configuration.of(self._reader).write(self._directory)

    def _move_to(self, checked: Checked) -> None:
        take_over(self._writer, checked)
        self._directory.snapshot_part.replace(self._directory.ledger_start)

    def _finish_move(self) -> None:
        """Put the snapshot with which the database goes on in its place, where a kill came in between."""
        part, begin = self._directory.snapshot_part, self._reader.start().commit
        with suppress(SnapshotError), SnapshotFile.open(part) as file:
            if begin and file.commit == begin:
                part.replace(self._directory.ledger_start)

    async def _rest(self) -> None:
        """End what goes on with the network."""
        if self._pruner is not None:
            await self._pruner.close()
            self._pruner = None
        if self._neighbours is not None:
            await self._neighbours.close()
            self._neighbours = None
        if self._running is not None:
            await self._running.close()

    @property
    def _is_amnesiac(self) -> bool:
        mark = self._directory.voice_mark()
        return mark is not None and mark != founding.identity(self._reader)

    async def close(self) -> None:
        """Stop after what is being written now."""
        if self._adopting is not None:
            await asyncio.gather(self._adopting, return_exceptions=True)
        await self._rest()
        self._keep_configuration()
        self.close_disk()

    def close_disk(self) -> None:
        """Give the disk free; nothing works afterwards."""
        self._threads.close()
        self._reader.close()
        self._writer.close()

    def _run(self, genesis: Genesis) -> None:
        offset = self._peering.clock_offset if self._peering else 0
        speaking = None if self._is_amnesiac else self.key
        self._running = Running(
            founding.restore(self._reader, genesis, speaking),
            self.key,
            self._reader,
            self._writer,
            self._threads,
            with_matcher=self._with_matcher,
            directory=self._directory,
            now=lambda: wall_clock() + offset,
        )

    @property
    def _network(self) -> Running:
        if self._running is None:
            raise ProblemError("not_set_up", "found a network on this node first")
        return self._running

    # --- setting up -----------------------------------------------------------------------------------------

    def health(self) -> types.Health:
        """Tell whether the node runs."""
        release = version("energy-ledger")
        if self._running is None:
            return types.Health("not_set_up", release)
        return types.Health("stopped" if self._running.stopped else "ok", release)

    def setup_state(self) -> types.SetupState:
        """Tell whether the node has a network, and which nodes a newcomer may link to."""
        network = self._running.genesis.network if self._running else None
        peers = self._neighbours.meeting_points() if self._neighbours else []
        return types.SetupState("ready" if network else "empty", self.key.public.hex(), network, peers)

    @property
    def peer_port(self) -> int | None:
        """The port at which links are accepted, None while none are."""
        return self._peer_port

    async def found(self, genesis: types.Envelope) -> types.SetupAnswer:
        """Found the network; the same genesis again gives the same answer with a new token."""
        envelope = Envelope(genesis.payload, tuple(genesis.signatures))
        async with self._setting_up:
            read = await self._refusing(self._threads.checkers, founding.check_genesis, envelope, self.key)
            if self._running is None:
                await self._begin(read, {})
            if read.network != self._network.genesis.network:
                raise ProblemError("already_set_up", "this node belongs to another network already")
            return await self._welcome(founding.FOUNDER)

    async def join(self, invite: str) -> types.SetupAnswer:
        """Give a token to whoever holds a good invite; an empty node joins that network as an observer."""
        async with self._setting_up:
            if self._running is None:
                way = await self._find(invite)
                await self._begin(way.genesis, way.facts)
            running = self._network
            good = await self._refusing(
                self._threads.readers,
                check_invite,
                invite,
                running.genesis,
                self._reader,
                running.standing.time,
            )
            return await self._welcome(f"{HOLDER}{good.key}")

    async def _find(self, invite: str) -> joining.Way:
        try:
            return await joining.find_network(self.key, invite)
        except Refused as refused:
            raise ProblemError(refused.code, refused.message, refused.field) from None

    async def _begin(self, genesis: Genesis, facts: Mapping[str, bytes]) -> None:
        await self._on(self._threads.disk, founding.begin, self._writer, genesis, facts)
        self._run(genesis)
        await self.meet()
        if self.on_founded is not None:
            self.on_founded(genesis)

    async def _welcome(self, holder: str) -> types.SetupAnswer:
        """Give a holder a new token in place of the one it may have."""
        token = new_token()
        await self._on(self._threads.disk, self._writer.set_token, holder, hashed(token))
        self._token_hashes[holder] = hashed(token)
        self.tokens.members = set(self._token_hashes.values())
        await self._on(self._threads.readers, self._keep_configuration)
        genesis = self._network.genesis
        return types.SetupAnswer(genesis.network, views.envelope(genesis.envelope), token)

    # --- reading --------------------------------------------------------------------------------------------

    @property
    def events(self) -> EventLog:
        """Return the network's events."""
        return self._network.events

    async def network(self) -> types.Network:
        """Describe the network."""
        running = self._network
        problem = health.problem_of(running, self._neighbours)
        spare = health.may_fail(running, self._neighbours)
        size = self._directory.database_bytes
        return views.network(
            running.genesis, running.standing, problem, may_fail=spare, start=running.start, size=size
        )

    async def peers(self) -> types.Page[types.Peer]:
        """Tell who is linked, and of the validators also who is not."""
        running = self._network
        return types.Page(views.peers(running.standing, self.key.public, self._neighbours), None)

    async def one(self, kind: Kind, key: str) -> object | None:
        """Return one row by its key, None when there is none."""
        running = self._network
        found = await running.queries.one(kind, key)
        if found is None and kind == "transaction" and (pending := running.intake.pending(key)) is not None:
            return views.pending(pending)
        if (
            found is None
            and (problem := missing(running.start, running.genesis.rules, kind, key)) is not None
        ):
            raise problem
        return found

    async def proven(self, kind: Kind, key: str) -> types.Proven[Any] | None:
        """Return one account, asset or log with its proof, None when there is no such row."""
        running = self._network
        proof = running.proofs.prove(f"{kind}/{key}".encode("utf-8", "replace"))
        if proof is not None:
            return views.proven(kind, proof)
        row = await running.queries.one(kind, key)
        return None if row is None else types.Proven(row, None)

    async def page(self, kind: Kind, filters: Mapping[str, Value], window: Window) -> types.Page[object]:
        """Return a page of rows."""
        return await self._network.queries.page(kind, filters, window)

    async def audit(self, asset: str, window: Window) -> types.Page[types.AuditItem]:
        """Return a page of the events that concern an asset, oldest first."""
        return await self._network.queries.audit(asset, window)

    async def green(self, party: tuple[str, str], first: int, end: int) -> types.Green:
        """Sum up where the energy came from that an account or asset (kind, name) bought in these slots."""
        return await self._network.queries.green(party, first, end)

    async def proven_audit(
        self, asset: str, window: Window
    ) -> types.ProvenPage[types.AuditItem, types.AuditRow] | None:
        """Return such a page as of a certified commit, with the proof; None when there is no such asset."""
        shown = await self.proven("audit", asset)
        return None if shown is None else await self._network.queries.audit_as_of(shown, window)

    async def export_audit(self, asset: str) -> bytes | None:
        """Return an asset's whole log as a file that proves itself; None when there is no such asset."""
        shown = await self.proven("audit", asset)
        return None if shown is None else await self._network.queries.export_audit(shown)

    async def district(self, first: int, end: int) -> types.District:
        """Return the district's figures of the days from `first` up to, and without, `end`."""
        return await self._network.queries.district(first, end)

    async def feeders(self, first: int, end: int) -> list[types.FeederDay]:
        """Compare the feeders' own meters with their members, for a span of days."""
        return await self._network.queries.feeders(first, end)

    async def allotments(self, first: int, end: int) -> list[types.Allotment]:
        """Return what the sharing key made of a span of slots."""
        return await self._network.queries.allotments(first, end)

    async def allotments_csv(self, first: int, end: int) -> bytes:
        """Return the same as a file for the grid operator."""
        return await self._network.queries.allotments_csv(first, end)

    async def statement(self, account: str, since: int, until: int) -> types.Statement | None:
        """Return an account's statement over ledger times (ms) in [since, until); None for no account."""
        return await self._network.queries.statement(account, since, until)

    async def dag(self) -> types.Dag:
        """Describe the latest rounds of the DAG."""
        return await self._network.queries.dag()

    def metrics(self) -> Mapping[str, int | float]:
        """Return the node's figures for Prometheus, by metric name."""
        return {"up": 1} if self._running is None else self._running.metrics()

    # --- transactions ---------------------------------------------------------------------------------------

    async def submit(self, envelopes: list[bytes]) -> list[types.Submitted]:
        """Check and take transactions; returns when they are ordered, at the latest after ten seconds."""
        try:
            running = self._network
            admissions = await running.submit(envelopes)
            taken = [one for one in admissions if isinstance(one, Taken)]
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_S):
                    await running.intake.ordered(taken)
            if late := [one for one in taken if one.placed is None]:
                await running.keep(late)
            return [views.submitted(one) for one in admissions]
        except StoppedError as error:
            raise ProblemError("stopped", f"the node orders nothing any more: {error}") from None
        except MempoolFullError as error:
            raise ProblemError("too_many_requests", f"{error}; send less, later", retry_after_s=5) from None

    # --- helpers --------------------------------------------------------------------------------------------

    async def _on[**P, T](
        self, threads: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: function(*args, **kwargs))

    async def _refusing[**P, T](
        self, threads: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a function in a thread; what it refuses is a problem for the client."""
        try:
            return await self._on(threads, function, *args, **kwargs)
        except Refused as refused:
            raise ProblemError(refused.code, refused.message, refused.field) from None
