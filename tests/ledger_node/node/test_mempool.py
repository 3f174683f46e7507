"""What waits for a block: nothing is lost, an account's order is kept, nobody is crowded out."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger import mempool
from energy_ledger.mempool import Mempool, MempoolFullError, Waiting
from energy_ledger.transactions import read_transaction, sign_payload
from tests.support.people import Person

KINDS = {
    "transfer": {"to": Person("Bo").address, "amount": 1},
    "order.cancel": {"order": "0" * 64},
    "reading.attest": {
        "asset": "0" * 64,
        "slot": 1,
        "imported_wh": 0,
        "exported_wh": 0,
        "commitment": "0" * 64,
    },
}


def waiting(name, sequence, kind="transfer", size=100):
    """Return a transaction as it waits; its envelope is only as long as told."""
    who = Person(name)
    header = {"network": "0" * 64, "account": who.address, "sequence": sequence, "expires": 1}
    transaction = read_transaction(sign_payload({**header, "kind": kind, **KINDS[kind]}, who.seed))
    return Waiting(transaction, b"x" * size)


def drain(pool, max_bytes, max_items=1_000):
    """Take blocks until nothing comes any more."""
    while block := pool.take(max_bytes, max_items):
        yield block


ARRIVALS = st.lists(
    st.tuples(
        st.sampled_from("ABC"), st.integers(1, 20), st.sampled_from(sorted(KINDS)), st.integers(1, 40_000)
    ),
    unique_by=lambda one: one[:2],
    max_size=12,
)


@given(arrivals=ARRIVALS, max_items=st.integers(1, 5))
def test_everything_comes_out_once_and_each_account_in_the_order_of_its_numbers(arrivals, max_items):
    pool = Mempool()
    for one in arrivals:
        pool.add(waiting(*one))
    assert len(pool) == len(arrivals)
    blocks = list(drain(pool, 50_000, max_items))
    by_account = defaultdict(list)
    for one in (one for block in blocks for one in block):
        by_account[one.account].append(one.sequence)
    assert sorted(map(len, by_account.values())) == sorted(
        len([one for one in arrivals if one[0] == name]) for name in {one[0] for one in arrivals}
    )
    assert all(numbers == sorted(numbers) for numbers in by_account.values())
    assert all(sum(len(one.data) for one in block) <= 50_000 and len(block) <= max_items for block in blocks)
    assert not pool
    assert len(pool) == 0


def test_the_urgent_go_first():
    pool = Mempool()
    for name, kind in (("A", "order.cancel"), ("B", "transfer"), ("C", "reading.attest")):
        pool.add(waiting(name, 1, kind))
    assert [one.transaction.kind for one in pool.take(1_000, 9)] == [
        "reading.attest",
        "transfer",
        "order.cancel",
    ]


def test_an_urgent_one_pulls_its_accounts_earlier_ones_along():
    pool = Mempool()
    pool.add(waiting("A", 1, "transfer"))
    for sequence, kind in ((1, "order.cancel"), (2, "reading.attest"), (3, "order.cancel")):
        pool.add(waiting("B", sequence, kind))
    assert [(one.account == Person("A").address, one.sequence) for one in pool.take(1_000, 9)] == [
        (False, 1),
        (False, 2),
        (True, 1),
        (False, 3),
    ]


def test_a_flood_of_one_account_does_not_hold_up_anothers_single_order():
    pool = Mempool()
    for sequence in range(1, 200):
        pool.add(waiting("A", sequence, size=1_000))
    pool.add(waiting("B", 1, size=1_000))
    first = pool.take(2 * mempool.QUANTUM, 1_000)
    assert Person("B").address in {one.account for one in first}


def test_accounts_take_turns_over_blocks():
    pool = Mempool()
    for sequence in range(1, 40):
        for name in "ABC":
            pool.add(waiting(name, sequence, size=4_000))
    served = [{one.account for one in block} for block in drain(pool, mempool.QUANTUM)]
    assert all(len(set().union(*served[start : start + 3])) == 3 for start in range(0, 27, 3))


def test_what_is_larger_than_a_turns_share_still_goes_out():
    pool = Mempool()
    pool.add(waiting("A", 1, size=5 * mempool.QUANTUM))
    assert len(pool.take(10 * mempool.QUANTUM, 9)) == 1


def test_it_refuses_more_than_it_wants_to_remember(monkeypatch):
    monkeypatch.setattr(mempool, "MAX_ACCOUNT_BYTES", 250)
    monkeypatch.setattr(mempool, "MAX_BYTES", 450)
    pool = Mempool()
    for name, sequence in (("A", 1), ("A", 2), ("B", 1), ("B", 2)):
        pool.add(waiting(name, sequence))
    for name, sequence in (("A", 3), ("C", 1)):
        with pytest.raises(MempoolFullError):
            pool.add(waiting(name, sequence))
    assert sum(map(len, drain(pool, 1_000))) == 4
    pool.add(waiting("C", 1))
