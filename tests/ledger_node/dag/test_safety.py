"""Whoever has seen whatever part of a DAG: no two of them ever disagree. And broken rules do."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger_node.dag.drawing import draw, replay
from tests.ledger_node.dag.random_dags import causal_part, possible_dag


def disagree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two answers differ in a decided round, or in the common length of their sequences."""
    for mine, theirs in zip(one["decisions"], other["decisions"], strict=False):
        if "undecided" in (mine["decision"], theirs["decision"]):
            continue
        if (mine["decision"], mine["block"]) != (theirs["decision"], theirs["block"]):
            return True
    return any(mine != theirs for mine, theirs in zip(one["sequence"], other["sequence"], strict=False))


def views_disagree(random: Random, drawing: dict[str, Any], quorum: int | None = None) -> bool:
    """Draw two views of a DAG, one of them sometimes the whole, and compare what follows from them."""
    ruled = drawing if quorum is None else drawing | {"quorum": quorum}
    whole = random.random() < 0.5
    return disagree(
        replay(causal_part(random, ruled)), replay(ruled if whole else causal_part(random, ruled))
    )


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 10), st.integers(0, 2**64))
def test_no_two_views_of_a_dag_disagree_with_up_to_f_equivocators(n: int, seed: int) -> None:
    random = Random(seed)
    drawing = possible_dag(random, n, random.randint(3, 16), (n - 1) // 3)
    assert not views_disagree(random, drawing)


def finds_a_fork(n: int, liars: int, quorum: int) -> bool:
    for seed in range(3_000):
        random = Random(f"{n} {seed}")
        drawing = possible_dag(random, n, random.randint(3, 8), liars, parents=quorum)
        if views_disagree(random, drawing, quorum):
            return True
    return False


@pytest.mark.parametrize(("n", "liars"), [(4, 0), (4, 1), (5, 1), (6, 1), (7, 2)])
def test_a_quorum_one_too_low_forks(n: int, liars: int) -> None:
    safe = (n + (n - 1) // 3) // 2 + 1
    assert finds_a_fork(n, liars, safe - 1)


@pytest.mark.parametrize("n", [5, 6])
def test_a_literal_two_f_plus_one_forks_where_n_is_not_three_f_plus_one(n: int) -> None:
    f = (n - 1) // 3
    assert finds_a_fork(n, f, 2 * f + 1)


def test_one_equivocator_more_than_the_rule_withstands_forks() -> None:
    # C and D both equivocate: A is shown one half of their blocks, B the other.
    seen_by_a = """
1 | A      B      C      D
2 | A      B      C      D
3 | A      B      C      D
4 | A(ACD) C(CAD) D(DAC)
"""
    seen_by_b = """
1 | A        B         C         D
2 | A        B         C'        D
3 | B(BAC'D) C'(C'ABD) D'(DABC')
4 | B(BC'D') C'(C'BD') D'(D'BC')
"""
    one, other = replay(draw(4, seen_by_a)), replay(draw(4, seen_by_b))
    assert (one["decisions"][1]["block"], other["decisions"][1]["block"]) == ("C2", "C'2")


def test_a_leader_with_fewer_than_a_quorum_of_parents_forks() -> None:
    # D equivocates in round 3. With three parents A4 would have B3 or C3 in its history, certificates for B1.
    start = """
1 | A      B C      D
2 | A(ACD) B C      D
3 | A(AB)  B(BCD) C(CBD) """
    seen_by_some = start + "D(DBC)"
    seen_by_others = (
        start
        + """D'(DA)
4 | A(AD') B(BCA) C(CBA)
5 | A      B      C
6 | A      B      C
"""
    )
    one, other = replay(draw(4, seen_by_some)), replay(draw(4, seen_by_others))
    assert (one["decisions"][0]["decision"], other["decisions"][0]["decision"]) == ("commit", "skip")
