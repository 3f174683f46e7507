"""Signatures are checked on all cores, in processes that come with the work and go without it."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger import crypto
from energy_ledger.keys import PublicKey
from energy_ledger.node import checking
from energy_ledger.node.checking import MANY, Checkers, Signed
from energy_ledger.node.checking_process import Lot, answer, pack

TAG = crypto.tag("test")
COUNT = 3 * checking._LOT
"""So many that every process gets some."""
SEEDS = [bytes([number]) * 32 for number in range(1, 4)]


def signed(number, good=True):
    """Return a message signed by one of three people, or with somebody else's name under it."""
    seed = SEEDS[number % 3]
    message = number.to_bytes(4, "big")
    signature = crypto.sign(seed if good else SEEDS[(number + 1) % 3], TAG, message)
    return Signed((PublicKey("ed25519", crypto.public_key(seed).hex()),), message, (signature,))


def many(bad=()):
    return [signed(number, number not in bad) for number in range(COUNT)]


def said(bad=()):
    return [number not in bad for number in range(COUNT)]


@pytest.fixture
async def checkers(monkeypatch):
    monkeypatch.setattr("os.process_cpu_count", lambda: 2)
    with ThreadPoolExecutor(1) as threads:
        checkers = Checkers(threads)
        yield checkers
        await checkers.close()


def processes(checkers):
    return [bench.helper.process for bench in checkers._benches]


@given(st.sets(st.integers(0, COUNT - 1)))
@settings(max_examples=20, deadline=None)
def test_a_lot_is_answered_message_by_message(bad):
    lot = [(one.keys[0].raw, one.message, one.signatures[0]) for one in many(bad)]
    (frame,) = answer(pack(Lot(TAG, lot)))
    assert [bool(one) for one in frame] == said(bad)


async def test_few_are_checked_without_any_process(checkers):
    assert await checkers.check(TAG, many({1})[: MANY - 1]) == said({1})[: MANY - 1]
    assert processes(checkers) == [None, None]


async def test_many_are_checked_in_processes_and_answered_in_their_order(checkers):
    lots = [many({7, lot}) for lot in range(6)]
    answers = await asyncio.gather(*(checkers.check(TAG, lot) for lot in lots))
    assert answers == [said({7, lot}) for lot in range(6)]
    assert None not in processes(checkers)


async def test_processes_give_way_to_the_node_and_hear_no_ctrl_c(checkers):
    await checkers.check(TAG, many())
    for number in (one.pid for one in processes(checkers)):
        assert os.getsid(number) == os.getsid(0)  # else Linux would not look at how nice they are
        assert os.getpriority(os.PRIO_PROCESS, number) > os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpgid(number) != os.getpgid(0)


async def test_what_was_checked_under_another_tag_is_not_good(checkers):
    assert await checkers.check(crypto.tag("other"), many()) == [False] * (COUNT)


async def test_a_lot_whose_process_dies_is_checked_all_the_same(checkers):
    await checkers.check(TAG, many())
    for process in processes(checkers):
        process.kill()
    assert await checkers.check(TAG, many({5})) == said({5})
    assert await checkers.check(TAG, many({6})) == said({6})


async def test_who_does_not_wait_any_more_gets_nobody_elses_answer(checkers):
    await checkers.check(TAG, many())
    abandoned = asyncio.create_task(checkers.check(TAG, many({1})))
    for _ in range(4):
        await asyncio.sleep(0)
    abandoned.cancel()
    await asyncio.gather(abandoned, return_exceptions=True)
    assert await checkers.check(TAG, many({2})) == said({2})


async def test_processes_without_work_end(checkers, monkeypatch):
    monkeypatch.setattr(checking, "_IDLE_S", 0.05)
    await checkers.check(TAG, many())
    running = processes(checkers)
    async with asyncio.timeout(5):
        await asyncio.gather(*(process.wait() for process in running))
    await checkers._ending
    assert processes(checkers) == [None, None]
    assert await checkers.check(TAG, many({3})) == said({3})


async def test_one_core_has_no_use_for_processes(monkeypatch):
    monkeypatch.setattr("os.process_cpu_count", lambda: 1)
    with ThreadPoolExecutor(1) as threads:
        checkers = Checkers(threads)
        assert await checkers.check(TAG, many({4})) == said({4})
        assert processes(checkers) == []
        await checkers.close()
