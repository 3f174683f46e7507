"""The way into the mempool: what may wait beside what waits already."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from energy_ledger import mempool
from energy_ledger.dag.core import Core
from energy_ledger.dag.ordering import Position
from energy_ledger.mempool import MempoolFullError
from energy_ledger.node import chain as node_chain
from energy_ledger.node import intake
from energy_ledger.node.chain import Incoming
from energy_ledger.node.checking import Checkers
from energy_ledger.node.epochs import Epoch
from energy_ledger.node.intake import Intake, Taken, Turned
from energy_ledger.node.running import StoppedError
from energy_ledger.transactions import Transaction
from tests.ledger_node.node.chains import START, TestChain
from tests.support.people import HOUR_MS, Person, invite_to


class Door:
    """An intake in front of a chain that only advances when told."""

    def __init__(self, threads):
        self.chain = TestChain()
        self.bo = self.chain.joins("Bo")
        self.checkers = Checkers(threads)
        self.intake = Intake(self.chain.ledger, threads, threads, self.checkers, lambda: self.chain.now)

    def sign(self, **fields):
        return self.bo.sign(
            "transfer", **{"to": self.chain.ada.address, "amount": 1, "expires": START + HOUR_MS} | fields
        )

    async def brings(self, *envelopes):
        return await self.intake.submit([json.dumps(envelope).encode() for envelope in envelopes])

    async def codes(self, *envelopes):
        return [
            one.refused.code if isinstance(one, Turned) else None for one in await self.brings(*envelopes)
        ]

    def step(self):
        step = self.chain.at(self.chain.now + 1, *self.intake.take())
        self.intake.settle(step.placed)
        return step


def observer():
    """Return a chain that follows the same network without a voice."""
    chain = TestChain()
    chain.core = Core(Epoch.first(chain.ledger.genesis).settings(None), Position(time=START))
    return chain


@pytest.fixture
async def door():
    with ThreadPoolExecutor(1) as threads:
        door = Door(threads)
        yield door
        await door.checkers.close()


async def test_who_waits_hears_where_the_transaction_was_placed(door):
    (taken,) = await door.brings(door.sign())
    assert taken.placed is None
    assert door.intake.pending(taken.id) is taken
    waiting = asyncio.create_task(door.intake.ordered([taken]))
    await asyncio.sleep(0)
    assert not waiting.done()
    step = door.step()
    await waiting
    assert taken.placed == step.placed[0]
    assert taken.placed.result.state == "applied"
    assert door.intake.pending(taken.id) is None


async def test_the_same_transaction_twice_waits_once_and_answers_both(door):
    one = door.sign()
    first, second = await door.brings(one, one)
    (third,) = await door.brings(one)
    assert first is second is third
    assert len(door.intake) == 1
    door.step()
    assert await door.codes(one) == ["replayed"]


async def test_two_requests_at_once_do_not_take_the_same_number(door):
    one, other = door.sign(), door.sign(amount=2, sequence=door.bo.sequence)
    codes = await asyncio.gather(door.codes(one), door.codes(other))
    assert sorted(codes, key=str) == [["sequence_used"], [None]]


async def test_what_arrives_late_goes_before_what_waits(door):
    envelopes = [door.sign(amount=amount) for amount in (1, 2, 3)]
    assert await door.codes(*reversed(envelopes)) == [None] * 3
    amounts = [one.transaction.payload.amount for one in door.intake.take()]
    assert amounts == [1, 2, 3]


async def test_what_arrives_after_a_later_one_went_into_a_block_is_too_late(door):
    first, second = door.sign(), door.sign()
    await door.brings(second)
    door.intake.take()
    assert await door.codes(first) == ["sequence_used"]


async def test_the_window_counts_from_the_last_number_that_waits(door):
    start = door.bo.sequence
    assert await door.codes(door.sign(sequence=start + 32), door.sign(sequence=start + 64)) == [None, None]
    assert await door.codes(door.sign(sequence=start + 97), door.sign(sequence=start + 96)) == [
        "sequence_gap",
        None,
    ]


async def test_money_that_waits_to_be_spent_is_judged_when_it_is_spent(door):
    much = 600_000_000
    assert await door.codes(door.sign(amount=much), door.sign(amount=much)) == [None, None]
    assert [placed.result.code for placed in door.step().placed] == [None, "not_enough_money"]
    assert await door.codes(door.sign(amount=much)) == ["not_enough_money"]


async def test_a_forged_signature_is_found_beside_what_waits(door):
    await door.brings(door.sign())
    forged = door.sign() | {"signatures": ["00" * 64]}
    assert await door.codes(forged, {"payload": "{}"}) == ["bad_signature", "missing_field"]


async def test_a_new_member_may_be_followed_only_after_it_joined(door):
    cy = door.chain.joins("Cy")
    assert await door.codes(cy.sign("transfer", to=door.bo.address, amount=1, expires=START + HOUR_MS)) == [
        None
    ]


async def test_when_too_much_waits_the_rest_is_turned_away_and_what_was_taken_stays(door, monkeypatch):
    first, second = door.sign(), door.sign()
    monkeypatch.setattr(mempool, "MAX_BYTES", 700)
    with pytest.raises(MempoolFullError):
        await door.brings(first, second)
    assert len(door.intake) == 1
    door.step()
    assert await door.codes(first, second) == ["replayed", None]


async def test_those_who_wait_hear_when_nothing_will_come_any_more(door):
    (taken,) = await door.brings(door.sign())
    waiting = asyncio.create_task(door.intake.ordered([taken]))
    await asyncio.sleep(0)
    door.intake.fail(StoppedError("the disk is full"))
    with pytest.raises(StoppedError, match="the disk is full"):
        await waiting


async def test_many_are_taken_in_chunks_and_answered_in_order(door):
    envelopes = [door.sign() for _ in range(100)]
    envelopes[50] = {"payload": "", "signatures": ["00"]}
    answers = await door.brings(*envelopes)
    assert [type(answer) for answer in answers] == [Taken] * 50 + [Turned] + [Taken] * 49
    assert [answer.waiting.sequence for answer in answers[:50]] == list(
        range(answers[0].waiting.sequence, answers[0].waiting.sequence + 50)
    )


async def test_only_what_its_account_signed_is_found_good_in_others_blocks(door):
    good, bad = door.sign(), door.sign() | {"signatures": ["00" * 64]}
    envelopes = [json.dumps(one).encode() for one in (good, bad)]
    checked = await door.intake.check([*envelopes, b"no envelope"])
    assert [one.data for one in checked] == envelopes[:1]
    assert checked[0].signers


def newcomers(door, *names):
    """Return people whom nobody knows yet, and the envelopes with which they join and pay at once."""
    people = [Person(name) for name in names]
    joins = [one.joins(invite_to(door.chain.ada, one.name)) for one in people]
    pays = [one.sign("transfer", to=door.bo.address, amount=1, expires=START + HOUR_MS) for one in people]
    return [json.dumps(one).encode() for one in joins], [json.dumps(one).encode() for one in pays]


async def test_what_newcomers_sign_is_checked_by_the_keys_they_join_with(door):
    joins, pays = newcomers(door, "Cy", "Dan")
    assert await door.intake.check(pays) == []
    assert [one.data for one in await door.intake.check(joins[:1])] == joins[:1]
    assert [one.data for one in await door.intake.check(pays)] == pays[:1]
    assert [one.data for one in await door.intake.check([*pays, *joins])] == [*pays, *joins]


async def test_nobody_brings_keys_of_its_own_under_a_newcomers_address(door):
    joins, pays = newcomers(door, "Cy")
    eve, payload = Person("Eve"), json.loads(json.loads(joins[0])["payload"])
    forged = eve.sign(payload.pop("kind"), **payload | {"keys": eve.keys})
    assert await door.intake.check([json.dumps(forged).encode(), *pays]) == []
    assert [one.data for one in await door.intake.check([*joins, *pays])] == [*joins, *pays]


async def test_only_so_many_accounts_keys_are_remembered(door, monkeypatch):
    monkeypatch.setattr(intake, "MOST_KEYS", 2)
    joins, pays = newcomers(door, "Cy", "Dan", "Ed")
    await door.intake.check(joins)
    assert [one.data for one in await door.intake.check(pays)] == pays[1:]


async def test_signatures_that_were_checked_as_blocks_came_are_not_checked_again(door, monkeypatch):
    blocks = door.chain.blocks
    checked = await door.intake.check([data for block in blocks for data in block.envelopes])
    asked = []
    verify = Transaction.signed_by
    monkeypatch.setattr(
        Transaction, "signed_by", lambda self, keys: asked.append(self.id) or verify(self, keys)
    )
    for known, times in (((), len(checked)), (checked, 0)):
        asked.clear()
        step = observer().advance([], door.chain.now, Incoming(blocks, known))
        assert [one.result.state for one in step.placed] == ["applied"] * len(checked)
        assert len(asked) == times


async def test_checked_transactions_that_nobody_orders_are_forgotten(door, monkeypatch):
    monkeypatch.setattr(node_chain, "MOST_CHECKED", 3)
    checked = await door.intake.check([json.dumps(door.sign()).encode() for _ in range(5)])
    follower = observer()
    follower.advance([], START, Incoming((), checked))
    assert list(follower._checked) == [one.data for one in checked[2:]]
