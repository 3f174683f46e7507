"""Sharing keys: what each allots, and what none of them ever does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger.ledger.sharing import Position, allot
from energy_ledger.policies import Sharing

PARENTS = {"north": "", "south": "", "far": "north"}
PEOPLE = ("ada", "bo", "cy")
KEYS = ("static", "dynamic", "hierarchical")


def position(point, surplus=0, need=0, account="ada", feeder=""):
    return Position(point, account, feeder, surplus, need)


@st.composite
def slots(draw):
    energy = st.integers(0, 5_000)
    return [
        position(str(place), draw(energy), draw(energy), draw(st.sampled_from(PEOPLE)), draw(feeders))
        for place in range(draw(st.integers(0, 8)))
    ]


feeders = st.sampled_from(["", *PARENTS])
shares = st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 100))


@given(slots(), st.sampled_from(KEYS), shares)
def test_no_key_allots_more_than_there_is_or_than_is_needed(positions, key, weights):
    made = allot(positions, Sharing(key, weights if key == "static" else {}), PARENTS)
    assert sum(one.given_wh for one in made) == sum(one.taken_wh for one in made)
    for one in made:
        assert 0 <= one.given_wh <= one.position.surplus_wh
        assert 0 <= one.taken_wh <= one.position.need_wh


@given(slots(), st.sampled_from(["dynamic", "hierarchical"]))
def test_keys_by_consumption_leave_nothing_that_somebody_needs(positions, key):
    made = allot(positions, Sharing(key), PARENTS)
    most = min(sum(one.surplus_wh for one in positions), sum(one.need_wh for one in positions))
    assert sum(one.taken_wh for one in made) == most


def test_without_a_key_nothing_is_allotted():
    made = allot([position("a", surplus=500), position("b", need=500)], Sharing("none"), PARENTS)
    assert [(one.given_wh, one.taken_wh) for one in made] == [(0, 0), (0, 0)]


def test_a_dynamic_key_follows_consumption():
    made = allot(
        [position("roof", surplus=100), position("b", need=300), position("c", need=100)],
        Sharing("dynamic"),
        PARENTS,
    )
    assert [one.taken_wh for one in made] == [0, 75, 25]


def test_a_static_key_gives_fixed_shares_and_returns_what_is_not_needed():
    positions = [
        position("roof", surplus=1_000, account="ada"),
        position("b", need=900, account="bo"),
        position("c", need=100, account="cy"),
    ]
    made = allot(positions, Sharing("static", {"bo": 1, "cy": 1}), PARENTS)
    assert [one.taken_wh for one in made] == [0, 500, 100]
    assert made[0].given_wh == 600


def test_a_static_share_is_spread_over_a_members_own_points():
    positions = [
        position("roof", surplus=90),
        position("b1", need=200, account="bo"),
        position("b2", need=100, account="bo"),
    ]
    made = allot(positions, Sharing("static", {"bo": 1}), PARENTS)
    assert [one.taken_wh for one in made] == [0, 60, 30]


def test_a_hierarchical_key_goes_up_from_the_deepest_feeder_level_by_level():
    roof = position("roof", surplus=150, feeder="far")
    needs = [
        position(name, need=100, feeder=feeder) for name, feeder in (("a", "north"), ("b", "far"), ("c", ""))
    ]
    made = allot([roof, *needs], Sharing("hierarchical"), PARENTS)
    assert [one.taken_wh for one in made] == [0, 50, 100, 0]


def test_a_hierarchical_key_serves_the_own_feeder_first():
    positions = [
        position("roof", surplus=100, feeder="far"),
        position("near", need=60, feeder="far"),
        position("above", need=30, feeder="north"),
        position("other", need=1_000, feeder="south"),
    ]
    made = allot(positions, Sharing("hierarchical"), PARENTS)
    assert [one.taken_wh for one in made] == [0, 60, 30, 10]
    assert made[0].given_wh == 100


@pytest.mark.parametrize("weights", [{}, {"bo": 0}])
def test_a_static_key_without_shares_allots_nothing(weights):
    made = allot(
        [position("roof", surplus=9), position("b", need=9, account="bo")], Sharing("static", weights), {}
    )
    assert sum(one.taken_wh for one in made) == 0
