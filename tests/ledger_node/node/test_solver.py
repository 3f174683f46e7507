"""Clearings are computed in a process of their own, which comes and goes without the node suffering."""

import asyncio
import io
import os
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from energy_ledger.market.book import Book, FixedBid, Offer, Tariff
from energy_ledger.market.solver import solve
from energy_ledger.market.verifier import verify
from energy_ledger.node.helper import Helper
from energy_ledger.node.helper_process import answer_all, framed
from energy_ledger.node.matcher import Matcher
from energy_ledger.node.solver import Solver, SolverError
from energy_ledger.node.solver_process import answer, pack, unpack
from energy_ledger.storage.directory import NodeKey
from tests.ledger_node.ledger.street import make_genesis


def book(wh=5):
    return Book(
        slots=2,
        tariff=Tariff.flat(2, 80_000, 300_000, 5_000),
        offers=(Offer("o", "", 90_000, {0: wh, 1: wh}),),
        bids=(FixedBid("b", "", 200_000, {0: wh}),),
    )


@pytest.fixture
async def solver():
    solver = Solver()
    yield solver
    await solver.close()


def is_alive(process_number):
    try:
        os.kill(process_number, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process_number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def test_it_finds_what_the_solver_finds(solver):
    clearing = await solver.solve(book())
    assert clearing == solve(book())
    assert verify(book(), clearing).valid


async def test_it_starts_with_the_first_book_and_stays(solver):
    assert solver._helper.process is None
    await solver.solve(book())
    number = solver._helper.process.pid
    await solver.solve(book(7))
    assert solver._helper.process.pid == number


async def test_the_event_loop_goes_on_meanwhile(solver):
    gaps, last, done = [], time.perf_counter(), False

    async def watch():
        nonlocal last
        while not done:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    watching = asyncio.create_task(watch())
    await solver.solve(book())
    done = True
    await watching
    assert sorted(gaps)[len(gaps) * 99 // 100] < 0.02


async def test_a_process_that_dies_is_replaced_for_the_next_book(solver):
    await solver.solve(book())
    solver._helper.process.kill()
    await solver._helper.process.wait()
    with pytest.raises(SolverError):
        await solver.solve(book())
    assert (await solver.solve(book())).volume_wh == 5


async def test_a_book_that_is_none_costs_only_its_own_answer(solver):
    with pytest.raises(SolverError):
        await solver.solve("not a book")
    assert (await solver.solve(book())).volume_wh == 5


async def test_a_clearing_that_nobody_waits_for_is_not_taken_for_the_next_one(solver):
    await solver.solve(book())
    abandoned = asyncio.create_task(solver.solve(book(9)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    abandoned.cancel()
    await asyncio.gather(abandoned, return_exceptions=True)
    assert (await solver.solve(book())).volume_wh == 5


async def test_the_process_ends_when_its_node_is_gone(solver):
    await solver.solve(book())
    number = solver._helper.process.pid
    solver._helper.process.stdin.close()
    async with asyncio.timeout(5):
        await solver._helper.process.wait()
    assert not is_alive(number)


def test_the_process_answers_book_after_book_until_its_input_ends():
    answers = io.BytesIO()
    answer_all(io.BytesIO(framed(pack(book())) + framed(pack(book(7)))), answers, answer)
    answers.seek(0)
    said = [unpack(answers.read(int.from_bytes(answers.read(4)))) for _ in range(4)]
    assert [one and one.volume_wh for one in said] == [5, None, 7, None]
    assert answers.read() == b""


class SlowHelper(Helper):
    """A process that has these answers at once, and the next one never."""

    def __init__(self, *answers):
        super().__init__("")
        self._answers = b"".join(framed(pack(one)) for one in answers)

    async def start(self):
        say = f"import sys, time; sys.stdout.buffer.write({self._answers!r}); sys.stdout.flush()"
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", f"{say}; time.sleep(99)", stdin=PIPE, stdout=PIPE
        )
        return self.process


def slow_solver(*answers):
    solver = Solver()
    solver._helper = SlowHelper(*answers)
    return solver


async def test_when_time_is_up_the_best_so_far_counts():
    rough, better = solve(book()), solve(book(7))
    slow = slow_solver(rough, better)
    assert await slow.solve(book(), within_s=3) == better
    assert slow._helper.process is None
    await slow.close()


async def test_when_time_is_up_and_nothing_is_found_nothing_is_said():
    slow = slow_solver()
    with pytest.raises(SolverError, match="too long"):
        await slow.solve(book(), within_s=0.2)
    assert slow._helper.process is None


@pytest.mark.parametrize(("window_s", "passed_s", "given_s"), [(30, 1, 24), (30, 29, 0.3), (3, 0, 2)])
async def test_a_clearing_has_the_proposal_window_but_for_what_ordering_takes(window_s, passed_s, given_s):
    genesis = make_genesis(round_s=300, proposal_window_s=window_s, gate_s=60)
    now = (1_000 * 300 + passed_s) * 1_000
    matcher = Matcher(genesis, NodeKey(bytes(32)), None, None, lambda: now)
    assert matcher._seconds_for(1_000) == pytest.approx(given_s)
    await matcher.close()
