"""The digest over rows without a leaf of their own says exactly which rows there are."""

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.row_tree import BUCKETS, RowTree, bucket_digest, bucket_of
from energy_ledger.proofs import leaf_digest, node_digest
from tests.ledger_node.ledger.life import Life

keys = st.integers(0, 40).map(lambda number: f"orders/{number}".encode())
values = st.integers(0, 3).map(lambda number: bytes([number]))
changes = st.lists(st.tuples(keys, st.none() | values), max_size=60)


def from_scratch(rows):
    """The definition, without anything remembered."""
    buckets = [{} for _ in range(BUCKETS)]
    for key, value in rows.items():
        buckets[bucket_of(key)][key] = leaf_digest(key, value)
    level = [bucket_digest(bucket) for bucket in buckets]
    while len(level) > 1:
        level = [node_digest(*level[place : place + 2]) for place in range(0, len(level), 2)]
    return level[0]


@settings(max_examples=25, deadline=None)
@given(changes, st.integers(1, 7))
def test_the_root_is_that_of_the_rows_that_are_left_however_they_came(changes, often):
    tree, rows = RowTree(), {}
    for number, (key, value) in enumerate(changes):
        if value is None:
            tree.drop(key)
            rows.pop(key, None)
        else:
            tree.set(key, value)
            rows[key] = value
        if number % often == 0:
            tree.root()
    assert tree.root() == from_scratch(rows)


def test_a_row_more_less_or_other_changes_the_root():
    trees = [RowTree() for _ in range(5)]
    for place, rows in enumerate(
        [{b"a": b"1"}, {b"a": b"2"}, {b"b": b"1"}, {b"a": b"1", b"b": b"1"}, {}],
    ):
        for key, value in rows.items():
            trees[place].set(key, value)
    assert len({tree.root() for tree in trees}) == 5


class Recorded(Life):
    """A life whose commits can be repeated."""

    def __init__(self, seed):
        self.past = []
        super().__init__(seed)

    def commit(self, *transactions):
        self.past.append((self.street.time, transactions))
        return super().commit(*transactions)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 25))
def test_a_frozen_state_leads_where_the_ledger_went_on_to(seed, before, after):
    life = Recorded(seed)
    for _ in range(before):
        life.step()
    ledger = life.street.ledger
    frozen, commit, time = ledger.freeze(), ledger.commit, ledger.time
    root, there = ledger.root, len(life.past)
    for _ in range(after):
        life.step()
    again = type(ledger).restore(life.street.genesis, frozen.rows(commit, time))
    assert (again.root, again.commit, again.time) == (root, commit, time)
    assert again.is_punctual
    for at, transactions in life.past[there:]:
        again.apply(again.commit + 1, at, transactions, life.street.trust(transactions))
    assert again.root == ledger.root
