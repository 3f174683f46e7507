"""The member's sequence, over restarts and lost answers."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger import transactions
from custom_components.energy_marketplace.ledger.answers import Submission
from custom_components.energy_marketplace.ledger.client import (
    NodeProblemError,
    NodeUnreachableError,
    RefusedError,
)
from custom_components.energy_marketplace.ledger.member import LostAnswerError, Member, Receipt
from custom_components.energy_marketplace.ledger.orders import Offer
from custom_components.energy_marketplace.ledger.wallet import Wallet
from tests.integration.ledger.streetledger import (
    DELIVER,
    LOSE_ANSWER,
    LOSE_REQUEST,
    ORDER_LATER,
    StreetLedger,
)

WALLET = Wallet.generate()
fates = st.lists(st.sampled_from([DELIVER, LOSE_ANSWER, LOSE_REQUEST, ORDER_LATER]), max_size=40)


async def no_wait(_seconds):
    return None


def member_of(ledger) -> Member:
    return Member(WALLET, ledger, network="ab" * 32, test=True, monotonic=lambda: 0.0, sleep=no_wait)


def memo(number: int) -> transactions.Body:
    return transactions.transfer("tkwh1y", 1, str(number))


def memos(ledger) -> list[int]:
    return [int(payload["memo"]) for payload in ledger.applied]


async def send_stubbornly(member, ledger, body):
    """Send until it is known what came of it, as a caller with a journal does."""
    receipt = await insist(lambda: member.send(body), member)
    await find_out(member, ledger, receipt.envelope, body)


async def find_out(member, ledger, envelope, body):
    """Learn what became of an envelope, and send its body anew if it did not happen."""
    try:
        while (await insist(lambda: member.finish(envelope), member)).state == "pending":
            ledger.catch_up()
    except RefusedError as error:
        if error.code != "sequence_used":
            raise
        await send_stubbornly(member, ledger, body)


async def insist(act, member):
    while True:
        try:
            return await act()
        except LostAnswerError as lost:
            return await insist(lambda envelope=lost.envelope: member.finish(envelope), member)
        except NodeUnreachableError:
            continue


@settings(max_examples=300, deadline=None)
@given(fates, st.lists(st.booleans(), min_size=1, max_size=8))
def test_whatever_gets_lost_each_transaction_happens_exactly_once(lots, restarts):
    async def scenario():
        ledger = StreetLedger(iter(lots))
        member = member_of(ledger)
        for number, restart in enumerate(restarts):
            if restart:
                member = member_of(ledger)
            await send_stubbornly(member, ledger, memo(number))
        return ledger

    assert memos(asyncio.run(scenario())) == list(range(len(restarts)))


@settings(max_examples=200, deadline=None)
@given(fates, st.integers(1, 80))
def test_a_batch_with_lost_answers_ends_with_each_item_once(lots, count):
    async def scenario():
        ledger = StreetLedger(iter(lots))
        member = member_of(ledger)
        bodies = [memo(number) for number in range(count)]
        for number, result in enumerate(await member.send_all(bodies)):
            if isinstance(result, LostAnswerError):
                await find_out(member, ledger, result.envelope, bodies[number])
            elif isinstance(result, NodeUnreachableError):
                await send_stubbornly(member, ledger, bodies[number])
            else:
                assert isinstance(result, Receipt)
                await find_out(member, ledger, result.envelope, bodies[number])
        return memos(ledger)

    assert sorted(asyncio.run(scenario())) == list(range(count))


class Scripted(StreetLedger):
    """Answers the first submissions as told, the others as the ledger does."""

    def __init__(self, *answers):
        super().__init__(iter(()))
        self.answers = list(answers)
        self.seen = []

    async def submit(self, envelope):
        self.seen.append(json.loads(envelope.payload))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return await super().submit(envelope)


def refused(code):
    return Submission(accepted=False, code=code, field="order.price", message=f"because of {code}")


async def test_a_refusal_by_the_rules_is_final_and_in_the_ledgers_words():
    ledger = Scripted(refused("not_enough_money"))
    with pytest.raises(RefusedError, match="because of not_enough_money") as caught:
        await member_of(ledger).send(memo(1))
    assert (caught.value.code, caught.value.field) == ("not_enough_money", "order.price")
    assert len(ledger.seen) == 1


@pytest.mark.parametrize("code", ["sequence_used", "sequence_gap", "expired", "expires_too_late"])
async def test_a_refused_envelope_is_signed_again_with_what_the_node_says(code):
    ledger = Scripted(refused(code))
    member = member_of(ledger)
    ledger.last, ledger.now = 7, ledger.now + 60_000
    receipt = await member.send(memo(1))
    assert receipt.state == "applied"
    first, second = ledger.seen
    assert (first["memo"], second["memo"]) == ("1", "1")
    assert second["sequence"] == 8
    assert second["expires"] > ledger.now


async def test_an_ordered_transaction_that_lost_its_number_is_signed_again():
    ledger = Scripted(Submission(accepted=True, id="x", state="refused", code="sequence_used"))
    assert (await member_of(ledger).send(memo(1))).state == "applied"
    assert memos(ledger) == [1]


async def test_a_node_that_always_refuses_the_number_is_not_asked_for_ever():
    ledger = Scripted(*[refused("sequence_gap")] * 100)
    with pytest.raises(RefusedError):
        await member_of(ledger).send(memo(1))
    assert len(ledger.seen) < 10


async def test_a_lost_answer_hands_back_the_very_envelope():
    ledger = StreetLedger(iter([DELIVER, *[LOSE_ANSWER] * 4]))
    member = member_of(ledger)
    with pytest.raises(LostAnswerError) as caught:
        await member.send(memo(1))
    receipt = await member.finish(caught.value.envelope)
    assert (receipt.id, receipt.state) == (caught.value.envelope.id, "applied")
    assert memos(ledger) == [1]


async def test_a_pending_transaction_can_be_looked_up_later():
    ledger = StreetLedger(iter([DELIVER, ORDER_LATER]))
    member = member_of(ledger)
    receipt = await member.send(memo(1))
    assert receipt.state == (await member.look_up(receipt)).state == "pending"
    ledger.catch_up()
    assert (await member.look_up(receipt)).state == "applied"


async def test_numbers_rise_by_one_also_when_verbs_run_at_the_same_time():
    ledger = StreetLedger(iter(()))
    member = member_of(ledger)
    await asyncio.gather(*(member.send(memo(number)) for number in range(20)))
    assert [payload["sequence"] for payload in ledger.applied] == list(range(1, 21))


class Broken(StreetLedger):
    """Fails where a test tells it to."""

    def __init__(self, **errors):
        super().__init__(iter(()))
        self.errors = errors

    async def account(self, address):
        self._fail("account")
        return await super().account(address)

    async def submit_all(self, envelopes):
        answers = await super().submit_all(envelopes)
        self._fail("submit_all")
        return answers

    def _fail(self, where):
        if where in self.errors:
            raise self.errors[where]


async def test_what_goes_wrong_with_a_batch_is_the_result_of_each_item():
    stopped = NodeProblemError("the node has stopped")
    bodies = [memo(number) for number in range(3)]
    for ledger in (Broken(account=stopped), Broken(submit_all=stopped)):
        assert await member_of(ledger).send_all(bodies) == [stopped] * 3
    away = Broken(submit_all=NodeUnreachableError("gone"))
    results = await member_of(away).send_all([memo(number) for number in range(40)])
    assert [isinstance(result, LostAnswerError) for result in results] == [True] * 32 + [False] * 8
    assert "not sent" in str(results[-1])


async def test_an_item_that_only_its_number_stopped_is_sent_again_alone():
    class Crowded(StreetLedger):
        async def submit_all(self, envelopes):
            self.last = 1
            return await super().submit_all(envelopes)

    ledger = Crowded(iter(()))
    results = await member_of(ledger).send_all([memo(number) for number in range(3)])
    assert {result.state for result in results} == {"applied"}
    assert sorted(memos(ledger)) == [0, 1, 2]


async def test_an_account_yet_to_join_begins_with_one():
    class Empty(StreetLedger):
        async def account(self, address):
            raise RefusedError("unknown_account", None, "nobody", status=404)

        async def network(self):
            return SimpleNamespace(time=self.now)

    ledger = Empty(iter(()))
    await member_of(ledger).send(memo(1))
    assert ledger.applied[0]["sequence"] == 1
    assert ledger.now < ledger.applied[0]["expires"] <= ledger.now + 24 * 3_600_000


async def test_the_verbs_say_what_they_are_called():
    ledger = StreetLedger(iter(()))
    member = member_of(ledger)
    offer = Offer(price=1, slots={3: 4})
    await member.register_asset(asset_type="home", name="Home", rated_import_w=9, rated_export_w=0)
    await member.update_asset("a", name="House")
    await member.place_order("a", offer)
    await member.cancel_order("o")
    await member.attest(asset="a", slot=3, imported_wh=1, exported_wh=2, commitment="c")
    await member.transfer("tkwh1y", 5)
    await member.issue("tkwh1y", 5, "cash")
    await member.set_credit("tkwh1y", 5)
    await member.approve("tkwh1y")
    assert [payload["kind"] for payload in ledger.applied] == [
        "asset.register",
        "asset.update",
        "order.place",
        "order.cancel",
        "reading.attest",
        "transfer",
        "voucher.issue",
        "credit.set",
        "member.approve",
    ]
    assert {payload["account"] for payload in ledger.applied} == {WALLET.address(test=True)}
