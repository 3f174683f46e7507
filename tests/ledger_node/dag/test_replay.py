"""`replay-dag`: the format, the refusals, the speed; and the rule against a slow second writing of it."""

import json
import time
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.dag.replay import ReplayError, replay_dag
from tests.ledger_node.dag.drawing import draw, replay
from tests.ledger_node.dag.random_dags import causal_part, possible_dag, wild_dag
from tests.ledger_node.dag.reference import reference

DOCUMENT: dict[str, Any] = {
    "committee": 4,
    "blocks": [
        {"id": "A1", "author": 0, "round": 1, "ancestors": ["G0", "G1", "G2"]},
        {"id": "B1", "author": 1, "round": 1, "ancestors": []},
        {"id": "A2", "author": 0, "round": 2, "ancestors": ["A1", "B1", "G3"]},
    ],
}


def changed(path: tuple[Any, ...], value: Any) -> str:
    document = json.loads(json.dumps(DOCUMENT))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(document)


def refusal(text: str) -> str:
    with pytest.raises(ReplayError) as caught:
        replay_dag(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_answer_has_the_fixed_fields() -> None:
    drawing = draw(4, "1 | A B C D\n2 | A B C D\n3 | A B C D")
    assert replay(drawing) == {
        "decisions": [
            {"round": 1, "leader": 1, "decision": "commit", "block": "B1", "rule": "direct"},
            {"round": 2, "leader": 2, "decision": "undecided", "block": None, "rule": None},
            {"round": 3, "leader": 3, "decision": "undecided", "block": None, "rule": None},
        ],
        "sequence": ["B1"],
    }


def test_a_dag_without_blocks_has_no_rounds() -> None:
    assert replay_dag('{"committee": 3, "blocks": []}') == {"decisions": [], "sequence": []}


def test_every_round_up_to_the_highest_gets_a_decision_even_without_blocks() -> None:
    document = {"committee": 2, "blocks": [{"id": "x", "author": 1, "round": 9, "ancestors": []}]}
    rounds = [one["round"] for one in reference(document)["decisions"]]
    assert rounds == list(range(1, 10))
    assert replay(document) == reference(document)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"committee": 1, "blocks": []} x', "not JSON"),
        ('{"committee": NaN, "blocks": []}', "NaN"),
        ('{"committee": -Infinity, "blocks": []}', "-Infinity"),
        ('{"committee": 1, "committee": 1, "blocks": []}', "'committee' twice"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5_000, "not JSON"),
        ("[]", "must be an object"),
        ("null", "must be an object"),
        ('{"blocks": []}', "'committee' is missing"),
        ('{"committee": 1}', "'blocks' is missing"),
    ],
)
def test_a_text_that_is_not_one_json_object_of_the_format_is_refused(text: str, says: str) -> None:
    assert says in refusal(text)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("committee",), 0, "at least one validator"),
        (("committee",), -4, "at least one validator"),
        (("committee",), 4.0, "must be an integer"),
        (("committee",), True, "must be an integer"),
        (("committee",), "4", "must be an integer"),
        (("committee",), 10**2000, "a number has 2001 digits"),
        (("quorum",), 0, "between 1 and 4"),
        (("quorum",), 5, "between 1 and 4"),
        (("quorum",), None, "must be an integer"),
        (("quorum",), False, "must be an integer"),
        (("extra",), 1, "'extra' is not a field"),
        (("blocks",), {}, "must be a list"),
        (("blocks", 1), "B1", "must be an object"),
        (("blocks", 1, "extra"), 1, "'extra' is not a field"),
        (("blocks", 1, "id"), 1, "must be text"),
        (("blocks", 1, "id"), "A1", "used twice"),
        (("blocks", 1, "id"), "G3", "genesis"),
        (("blocks", 1, "author"), 4, "not in a committee of 4"),
        (("blocks", 1, "author"), -1, "not in a committee of 4"),
        (("blocks", 1, "author"), 1.0, "must be an integer"),
        (("blocks", 1, "author"), True, "must be an integer"),
        (("blocks", 1, "round"), 0, "round 0"),
        (("blocks", 1, "round"), -1, "round -1"),
        (("blocks", 1, "round"), 10**12, "round 1000000000000"),
        (("blocks", 1, "round"), "1", "must be an integer"),
        (("blocks", 1, "ancestors"), "G0", "must be a list"),
        (("blocks", 1, "ancestors"), None, "must be a list"),
        (("blocks", 1, "ancestors"), [0], "must be text"),
        (("blocks", 1, "ancestors"), ["A1"], "not of a lower one"),
        (("blocks", 1, "ancestors"), ["B1"], "unknown or comes later"),
        (("blocks", 1, "ancestors"), ["A2"], "unknown or comes later"),
        (("blocks", 1, "ancestors"), ["G4"], "unknown or comes later"),
        (("blocks", 1, "ancestors"), ["G01"], "unknown or comes later"),
        (("blocks", 1, "ancestors"), ["G"], "unknown or comes later"),
        (("blocks", 1, "ancestors"), ["G\u0661"], "unknown or comes later"),
        (("blocks", 1, "ancestors"), ["G" + "9" * 30], "unknown or comes later"),
        (("blocks", 2, "ancestors"), ["no such"], "unknown or comes later"),
        (("blocks", 1, "id"), "\ud800", "is not Unicode text"),
        (("blocks", 1, "ancestors"), ["\ud800"], "unknown or comes later"),
        (("blocks", 1, "id"), "two\nlines", "unknown or comes later"),
    ],
)
def test_each_kind_of_bad_input_is_refused_in_one_line(path: tuple[Any, ...], value: Any, says: str) -> None:
    assert says in refusal(changed(path, value))


@pytest.mark.parametrize("name", ["id", "author", "round", "ancestors"])
def test_a_block_without_one_of_its_fields_is_refused(name: str) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    del document["blocks"][1][name]
    assert f"'{name}' is missing" in refusal(json.dumps(document))


def test_the_genesis_blocks_of_a_committee_of_any_size_are_known() -> None:
    block = {"id": "A", "author": 10**29, "round": 1, "ancestors": [f"G{10**29}"]}
    answer = replay_dag(json.dumps({"committee": 10**30, "blocks": [block]}))
    assert answer["sequence"] == []
    with pytest.raises(ReplayError):
        replay_dag(json.dumps({"committee": 10**29, "blocks": [block | {"author": 0}]}))


def test_an_ancestor_may_be_listed_twice_and_an_author_may_have_two_among_them() -> None:
    drawing = draw(2, "1 | A A' B\n2 | A(AA'AB) B(BAA')\n3 | A(AAB) B")
    assert replay(drawing) == reference(drawing)


def test_ids_sort_as_text_by_code_point_whatever_they_are() -> None:
    names = ["\ue000", "\uffff", "\U00010000", "Z", "a", "\u00e9", ""]
    blocks: list[dict[str, Any]] = [{"id": one, "author": 0, "round": 1, "ancestors": []} for one in names]
    above = {"id": "2", "author": 0, "round": 2, "ancestors": names}
    blocks += [above, {"id": "3", "author": 0, "round": 3, "ancestors": ["2"]}]
    blocks += [{"id": str(r), "author": 0, "round": r, "ancestors": [str(r - 1)]} for r in range(4, 8)]
    document = {"committee": 1, "blocks": blocks}
    assert replay(document) == reference(document)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**64))
def test_on_any_dag_of_the_format_the_rule_says_what_its_slow_second_writing_says(seed: int) -> None:
    drawing = wild_dag(Random(seed))
    assert replay(drawing) == reference(drawing)


@pytest.mark.parametrize("n", range(1, 11))
def test_on_dags_of_real_committees_with_equivocators_both_writings_agree(n: int) -> None:
    for seed in range(120):
        random = Random(f"{n} {seed}")
        drawing = possible_dag(random, n, random.randint(1, 14), random.randint(0, (n - 1) // 3))
        part = causal_part(random, drawing)
        assert replay(drawing) == reference(drawing), seed
        assert replay(part) == reference(part), seed


def test_on_long_dags_with_long_absences_both_writings_agree() -> None:
    for seed in range(4):
        random = Random(seed)
        drawing = possible_dag(random, 4, 90, 1)
        part = causal_part(random, drawing)
        assert replay(part) == reference(part)


def test_ten_thousand_blocks_of_ten_validators_take_seconds() -> None:
    drawing = possible_dag(Random(5), 10, 1_000, 3)
    started = time.process_time()
    answer = replay(drawing)
    assert time.process_time() - started < 5
    assert len(drawing["blocks"]) > 9_000
    assert len(answer["sequence"]) > 4_000


def test_a_thousand_rounds_without_a_quorum_below_one_anchor_take_seconds() -> None:
    few = [f"{round_} | A B C D E F" for round_ in range(1, 1_000)]
    all_again = [f"{round_} | A B C D E F H I J K" for round_ in range(1_000, 1_011)]
    drawing = draw(10, "\n".join(few + all_again))
    started = time.process_time()
    answer = replay(drawing)
    assert time.process_time() - started < 5
    assert {one["rule"] for one in answer["decisions"][:998]} == {"indirect"}
    assert answer["sequence"].index("A1000") == 60 * 6
