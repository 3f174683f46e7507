"""The door of a running node: who may link to it, and what newcomers are told who know no network yet."""

import asyncio
from contextlib import suppress

from energy_ledger.network.frames import Admission, AskGenesis, Genesis
from energy_ledger.network.gate import HANDSHAKE_S
from energy_ledger.network.link import Link, LinkClosedError, LinkFaultError
from energy_ledger.node.admission import admission_fault
from energy_ledger.node.company import Company
from energy_ledger.node.running import Running


class Doorkeeper:
    """Lets the right nodes in, and tells those who were invited how the network began."""

    def __init__(self, running: Running, company: Company) -> None:
        self._running = running
        self._company = company

    async def check(self, link: Link, admission: Admission | None) -> None:
        """Let a validator or somebody invited listen. Raises LinkFaultError, which bans nobody."""
        genesis = self._running.genesis
        if link.key in self._company.committee or link.key.hex() in genesis.rules.committee:
            return
        reader, time = self._company.ties.reader, self._running.standing.time
        fault = await self._running.queries.ask(admission_fault, admission, link.key, genesis, reader, time)
        if fault is not None:
            raise LinkFaultError(fault, ban=False)

    async def give_genesis(self, link: Link, asked: AskGenesis) -> None:
        """Tell how the network began, and wait for the other to hang up. Raises LinkFaultError."""
        if asked.network != bytes.fromhex(self._running.genesis.network):
            raise LinkFaultError("this is another network", ban=False)
        await self.check(link, asked.admission)
        link.send(Genesis(self._running.genesis.envelope.encode()))
        with suppress(LinkFaultError, LinkClosedError, TimeoutError):
            async with asyncio.timeout(HANDSHAKE_S):
                await link.receive()
