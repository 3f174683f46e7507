"""The event loop's delay is seen while there is work, and not looked for otherwise."""

import asyncio
import time

from energy_ledger.node import lag
from energy_ledger.node.lag import LoopLag


async def test_what_holds_the_loop_is_seen_once():
    watched = LoopLag()
    watched.note_work()
    await asyncio.sleep(3 * lag.STEP_S)
    watched.take()
    time.sleep(0.08)  # noqa: ASYNC251 -- it is what is to be noticed
    await asyncio.sleep(3 * lag.STEP_S)
    assert watched.take() > 0.08 - 2 * lag.STEP_S
    assert watched.take() < 0.08 - 2 * lag.STEP_S
    watched.close()


async def test_an_idle_loop_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(lag, "LINGER_S", 4 * lag.STEP_S)
    watched = LoopLag()
    watched.note_work()
    await asyncio.sleep(lag.LINGER_S + 3 * lag.STEP_S)
    watched.take()
    time.sleep(0.05)  # noqa: ASYNC251
    await asyncio.sleep(2 * lag.STEP_S)
    assert watched.take() == 0
    watched.note_work()
    await asyncio.sleep(2 * lag.STEP_S)
    assert watched.take() >= 0
    watched.close()
