"""One step of a node: what comes in is ordered by the real rule, in one go; nothing in, nothing out."""

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.dag.blocks import MAX_PAYLOAD_BYTES
from energy_ledger.dag.pacemaker import Pace
from energy_ledger.mempool import Waiting
from energy_ledger.node.chain import FRESH_MS
from tests.ledger_node.node.chains import START, TestChain, waiting
from tests.support.people import EUR, Person

HEARTBEAT = Pace().heartbeat


def test_a_transaction_is_ordered_within_the_step_that_takes_it():
    chain = TestChain()
    chain.joins("Bo")
    assert chain.ledger.money.issued == EUR


def test_it_is_the_real_rule_that_orders_with_one_validator():
    chain = TestChain()
    chain.at(START)
    chain.joins("Bo")
    payload = next(block for block in chain.blocks if block.envelopes)
    above = [block for block in chain.blocks if block.round > payload.round]
    assert [block.round for block in above][:2] == [payload.round + 1, payload.round + 2]
    assert all(block.ancestors[0].round == block.round - 1 for block in chain.blocks)


def test_a_chain_with_nothing_to_do_stays_silent_until_the_heartbeat():
    chain = TestChain()
    chain.at(START + 1)
    chain.joins("Bo")
    quiet = [chain.at(START + ms) for ms in range(2_000, HEARTBEAT, 60_000)]
    assert not any(step.entry for step in quiet)
    assert all(step.wake_at is not None and step.wake_at > START + 2_000 for step in quiet)
    root = chain.ledger.root
    assert chain.at(START + HEARTBEAT + 2_000).entry.blocks
    assert chain.ledger.root == root


def test_a_transaction_after_a_pause_gets_the_time_at_which_it_came():
    chain = TestChain()
    bo = chain.joins("Bo")
    later = START + 300_000
    step = chain.at(later, chain.sign(bo, "transfer", to=chain.ada.address, amount=1))
    assert step.placed[0].result.state == "applied"
    assert later - FRESH_MS <= chain.ledger.time <= later


def test_work_that_is_due_is_done_when_its_time_comes_and_the_step_says_when_that_is():
    chain = TestChain(slot_s=10, round_s=5, proposal_window_s=3, gate_s=3)
    bo = chain.joins("Bo")
    slot = START // 10_000 + 3
    register = {
        "name": "home",
        "behind": None,
        "feeder": "",
        "rated_import_w": 9_000,
        "rated_export_w": 9_000,
    }
    step = chain.at(
        START + 100, chain.sign(bo, "asset.register", asset_type="home", source="solar", **register)
    )
    asset = step.placed[0].result.id
    orders = [
        {"type": "offer", "price": 90_000, "slots": {str(slot): 5}},
        {"type": "fixed", "price": 200_000, "slots": {str(slot): 5}},
    ]
    step = chain.at(
        START + 200, *(chain.sign(bo, "order.place", asset=asset, order=order) for order in orders)
    )
    assert step.wake_at == START + 5_000
    assert not chain.at(START + 4_999).entry
    step = chain.at(START + 5_000)
    assert [event.type for event in step.events] == ["round.closed"]
    assert step.open_book is not None
    assert step.wake_at == START + 8_000
    step = chain.at(START + 8_000)
    assert [event.type for event in step.events] == ["round.void"]
    assert step.open_book is None


@settings(deadline=None, max_examples=25)
@given(groups=st.lists(st.integers(0, 6), min_size=1, max_size=8))
def test_however_transactions_are_bundled_the_ledger_says_the_same(groups):
    def run(sizes):
        chain = TestChain()
        bo = chain.joins("Bo")
        at = START
        for size in sizes:
            at += 10
            chain.at(at, *(transfer(chain, bo, START) for _ in range(size)))
        return chain.ledger.money, [
            row.row["sequence"] for row in chain.ledger.rows() if row.table == "accounts"
        ]

    assert run(groups) == run([1] * sum(groups))


def transfer(chain, bo, expires):
    return chain.sign(bo, "transfer", to=chain.ada.address, amount=1, expires=expires + 1_000_000)


def test_what_is_too_much_for_one_block_goes_into_several_of_one_step():
    chain = TestChain()
    bo = chain.joins("Bo")
    one = transfer(chain, bo, START)
    padded = [
        Waiting(other.transaction, other.data + b" " * (MAX_PAYLOAD_BYTES // 3))
        for other in (one, *(transfer(chain, bo, START) for _ in range(6)))
    ]
    step = chain.at(START + 5, *padded)
    assert [placed.result.state for placed in step.placed] == ["applied"] * 7
    assert max(len(block.envelopes) for block in step.entry.blocks) == 2


def test_bytes_in_a_block_that_are_no_transaction_are_passed_over():
    chain = TestChain()
    bo = chain.joins("Bo")
    good = transfer(chain, bo, START)
    noise = Waiting(good.transaction, b"not an envelope")
    chain._queue.extend([noise, good])
    step = chain.at(START + 5)
    assert [placed.result.id for placed in step.placed] == [good.transaction.id]


def test_a_signature_that_nobody_checked_before_is_checked_when_it_is_applied():
    chain = TestChain()
    bo = chain.joins("Bo")
    forged = bo.sign("transfer", to=chain.ada.address, amount=1, expires=START + 1_000)
    forged["signatures"] = [Person("Eve").sign("transfer", to=bo.address, amount=1)["signatures"][0]]
    chain._queue.append(waiting(forged))
    step = chain.at(START + 5)
    assert [placed.result.code for placed in step.placed] == ["bad_signature"]


def test_a_good_signature_seen_before_does_not_vouch_for_another_envelope_with_the_same_id():
    chain = TestChain()
    bo = chain.joins("Bo")
    signed = bo.sign("transfer", to=chain.ada.address, amount=1, expires=START + 1_000)
    forged = signed | {"signatures": ["00" * 64]}
    chain._queue.append(waiting(forged))
    step = chain.at(START + 5, waiting(signed))
    assert [placed.result.code for placed in step.placed] == ["bad_signature", None]
