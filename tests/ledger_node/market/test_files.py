"""The fixed JSON formats: what is read, what is refused and how, and what comes out."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from energy_ledger.market.book import BlockBid, Book, BookError, Feeder, FixedBid, FlexibleBid, Offer, Tariff
from energy_ledger.market.commands import clear_text, verdict_json, verify_texts
from energy_ledger.market.files import clearing_json, read_book, read_clearing
from energy_ledger.market.solver import solve
from tests.ledger_node.market.books import books
from tests.ledger_node.market.malformed import BAD, BAD_TEXTS, LARGEST, STREET, Edit, drop, edited, put


def test_the_street_is_read_as_written() -> None:
    assert read_book(STREET) == Book(
        slots=96,
        tariff=Tariff.flat(96, 80000, 300000, 5000),
        feeders=(Feeder("f1", (50000,) * 96, (None,) * 96),),
        offers=(Offer("o1", "f1", 90000, {40: 500, 41: 600}),),
        bids=(
            FixedBid("b1", "f1", 250000, {40: 300}),
            FlexibleBid("b2", "", 200000, 3000, 36, 60, 500),
            BlockBid("b3", "", 220000, (500, 500, 200), 30, 60),
        ),
    )


def test_the_street_clears_to_the_printed_object() -> None:
    result = clear_text(STREET)
    assert list(result) == ["status", "welfare", "bound", "gap_ppm", "volume_wh", "fills", "prices", "duals"]
    assert result["fills"] == [
        {"order": "o1", "slot": 40, "wh": 500},
        {"order": "o1", "slot": 41, "wh": 500},
        {"order": "b1", "slot": 40, "wh": 300},
        {"order": "b2", "slot": 40, "wh": 200},
        {"order": "b2", "slot": 41, "wh": 500},
    ]
    assert (result["status"], result["gap_ppm"], result["volume_wh"]) == ("optimal", 0, 1000)
    assert result["welfare"] == result["bound"] == 300 * 155_000 + 700 * 105_000
    prices: Any = result["prices"]
    assert {node: [slot for slot in range(96) if row[slot] is not None] for node, row in prices.items()} == {
        "": [40, 41],
        "f1": [40, 41],
    }
    assert json.loads(json.dumps(result)) == result


GOOD: dict[str, Edit] = {
    "no orders": lambda street: street | {"offers": [], "bids": []},
    "no feeders named": lambda street: street | {"offers": [], "bids": []} | {"feeders": []},
    "limit 0": put("feeders", 0, "up_limit_wh", value=0),
    "limits per slot, some missing": put("feeders", 0, "up_limit_wh", value=[None, 0] * 48),
    "tariff per slot": put("tariff", "price_floor", value=[80000] * 96),
    "floor equal to cap": put("tariff", "price_floor", value=300000),
    "price 0": put("offers", 0, "price", value=0),
    "largest price": put("bids", 0, "price", value=LARGEST),
    "largest energy": put("offers", 0, "slots", "40", value=LARGEST),
    "largest tariff": put(
        "tariff", value={"price_floor": LARGEST, "price_cap": LARGEST, "grid_fee": LARGEST}
    ),
    "largest limit": put("feeders", 0, "up_limit_wh", value=LARGEST),
    "busbar by name": put("offers", 0, "feeder", value=""),
    "parent": put("feeders", 0, "parent", value=""),
    "last slot": put("bids", 1, "flexible", "deadline", value=96),
    "just enough room": put("bids", 1, "flexible", "energy_wh", value=12000),
    "just enough slots": put("bids", 2, "block", "deadline", value=33),
    "all or nothing": put("bids", 1, "flexible", "min_fill", value="all"),
    "a slot named 0": put("offers", 0, "slots", value={"0": 1}),
    "odd names": put("offers", 0, "id", value='a "quoted"\nname'),
}


@pytest.mark.parametrize("edit", GOOD.values(), ids=GOOD.keys())
def test_a_good_book_clears_and_its_result_verifies(edit: Edit) -> None:
    text = edited(edit)
    result = clear_text(text)
    verdict = verify_texts(text, json.dumps(result))
    assert verdict_json(verdict) == {
        "valid": True,
        "welfare": result["welfare"],
        "bound": result["bound"],
        "gap_ppm": result["gap_ppm"],
    }


@pytest.mark.parametrize(("edit", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_book_is_refused_in_one_line_that_names_order_and_field(edit: Edit, message: str) -> None:
    with pytest.raises(BookError) as caught:
        read_book(edited(edit))
    assert str(caught.value) == message


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_a_text_that_is_no_proper_json_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(BookError) as caught:
        read_book(text)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fault_in_an_order_names_it_even_when_its_name_has_line_breaks() -> None:
    street = put("offers", 0, "id", value="a\nb")(json.loads(STREET))
    with pytest.raises(BookError) as caught:
        read_book(json.dumps(put("offers", 0, "price", value=-1)(street)))
    assert str(caught.value) == f'offer "a\\nb": price: must be from 0 to {LARGEST}, not -1'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (STREET.replace("90000", "9" * 5000), 'offer "o1": price: has too many digits'),
        (STREET.replace("90000", "-" + "9" * 5000), 'offer "o1": price: has too many digits'),
        (STREET.replace('"id": "o1"', '"id": "o1", "price": 1'), 'offer "o1": has the key "price" twice'),
        ("[" * 200_000, "not JSON that can be read: nested too deeply"),
    ],
)
def test_what_json_itself_cannot_hold_is_said_for_a_person_to_find(text: str, message: str) -> None:
    with pytest.raises(BookError) as caught:
        read_book(text)
    assert str(caught.value) == message


@settings(max_examples=60, deadline=None)
@given(books(choices=True))
def test_a_clearing_survives_its_json(book: Book) -> None:
    clearing = solve(book)
    assert read_clearing(book, json.dumps(clearing_json(book, clearing))) == clearing


BAD_RESULTS: dict[str, tuple[Edit, str]] = {
    "field missing": (drop("welfare"), "welfare: is missing"),
    "field unknown": (put("note", value=1), '"note": is not a field known here'),
    "figure a float": (put("welfare", value=1.0), "welfare: must be a whole number, not 1.0"),
    "wrong status": (put("status", value="feasible"), 'status: must be "optimal" for these figures'),
    "unknown order": (
        put("fills", 0, "order", value="x"),
        'fills[0]: order: "x" is not an order of the book',
    ),
    "fill not an object": (put("fills", 0, value=3), "fills[0]: must be an object, not 3"),
    "slot a text": (put("fills", 0, "slot", value="40"), 'fills[0]: slot: must be a whole number, not "40"'),
    "price a text": (put("prices", "f1", 3, value="x"), 'prices: "f1"[3]: must be a whole number, not "x"'),
    "prices too short": (drop("prices", "f1", 3), 'prices: "f1": has 95 values for 96 slots'),
    "feeder missing": (drop("prices", "f1"), "prices: f1: is missing"),
    "dual null": (
        put("duals", "node", "", 0, value=None),
        'duals.node: ""[0]: must be a whole number, not null',
    ),
    "flexible dual missing": (drop("duals", "flexible", "b2"), "duals.flexible: b2: is missing"),
    "wrong fill": (put("fills", 0, "wh", value=1), "slot 40: sold and bought energy differ by 499 Wh"),
    "wrong welfare": (put("volume_wh", value=1), "volume_wh is 1000, not 1"),
}


@pytest.mark.parametrize(("edit", "reason"), BAD_RESULTS.values(), ids=BAD_RESULTS.keys())
def test_a_wrong_result_is_invalid_with_a_reason(edit: Edit, reason: str) -> None:
    result = edit(json.loads(json.dumps(clear_text(STREET))))
    verdict = verify_texts(STREET, json.dumps(result))
    assert verdict_json(verdict) == {"valid": False, "reason": reason}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1, "a": 1}', b"\xff", "[" * 200_000])
def test_a_result_that_is_no_result_is_invalid(text: str | bytes) -> None:
    verdict = verify_texts(STREET, text)
    assert not verdict.valid
    assert "\n" not in verdict.reason


def test_bad_orders_are_an_error_whatever_the_result_says() -> None:
    with pytest.raises(BookError):
        verify_texts("{}", "{}")
