"""A small street in the format of the command line, and the many ways to write it wrongly."""

import json
from collections.abc import Callable
from typing import Any

STREET = """
{"slots": 96,
 "tariff": {"price_floor": 80000, "price_cap": 300000, "grid_fee": 5000},
 "feeders": [{"id": "f1", "up_limit_wh": 50000, "down_limit_wh": null}],
 "offers": [{"id": "o1", "feeder": "f1", "price": 90000, "slots": {"40": 500, "41": 600}}],
 "bids":   [{"id": "b1", "feeder": "f1", "price": 250000, "slots": {"40": 300}},
            {"id": "b2", "price": 200000, "flexible": {"energy_wh": 3000, "earliest": 36, "deadline": 60,
                                                       "max_wh_per_slot": 500, "min_fill": "any"}},
            {"id": "b3", "price": 220000, "block": {"profile_wh": [500, 500, 200], "earliest": 30,
                                                    "deadline": 60}}]}
"""
LARGEST = 2**63 - 1
type Edit = Callable[[Any], object]


def put(*path: str | int, value: object) -> Edit:
    """Set one value of the street."""

    def edit(street: Any) -> object:
        place = street
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return street

    return edit


def drop(*path: str | int) -> Edit:
    """Remove one value of the street."""

    def edit(street: Any) -> object:
        place = street
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        return street

    return edit


def edited(edit: Edit) -> str:
    return json.dumps(edit(json.loads(STREET)))


BAD: dict[str, tuple[Edit, str]] = {
    "not an object": (lambda _: [], "must be an object, not a list"),
    "unknown field": (put("extra", value=1), '"extra": is not a field known here'),
    "slots missing": (drop("slots"), "slots: is missing"),
    "no slots": (put("slots", value=0), f"slots: must be from 1 to {LARGEST}, not 0"),
    "slots a float": (put("slots", value=96.0), "slots: must be a whole number, not 96.0"),
    "slots true": (put("slots", value=True), "slots: must be a whole number, not true"),
    "slots absurd": (put("slots", value=10**9), "slots: must not be more than 1000000, not 1000000000"),
    "tariff missing": (drop("tariff"), "tariff: is missing"),
    "tariff a list": (put("tariff", value=[1]), "tariff: must be an object, not a list"),
    "fee missing": (drop("tariff", "grid_fee"), "tariff: grid_fee: is missing"),
    "negative fee": (
        put("tariff", "grid_fee", value=-1),
        f"tariff: grid_fee: must be from 0 to {LARGEST}, not -1",
    ),
    "negative floor": (
        put("tariff", "price_floor", value=-5),
        f"tariff: price_floor: must be from 0 to {LARGEST}, not -5",
    ),
    "floor above cap": (
        put("tariff", "price_floor", value=300001),
        "tariff: price_floor: 300001 is above price_cap 300000 in slot 0",
    ),
    "floor above cap later": (
        put("tariff", "price_cap", value=[300000] * 95 + [1]),
        "tariff: price_floor: 80000 is above price_cap 1 in slot 95",
    ),
    "tariff too short": (
        put("tariff", "price_cap", value=[300000] * 95),
        "tariff: price_cap: has 95 values for 96 slots",
    ),
    "null in tariff": (
        put("tariff", "price_cap", value=[None] * 96),
        "tariff: price_cap[0]: must be a whole number, not null",
    ),
    "feeders an object": (put("feeders", value={}), "feeders: must be a list, not an object"),
    "feeder without name": (drop("feeders", 0, "id"), "feeders[0]: id: is missing"),
    "feeder named as the busbar": (
        put("feeders", 0, "id", value=""),
        'feeder "": id: the empty name is the busbar\'s',
    ),
    "feeder twice": (
        lambda street: street | {"feeders": street["feeders"] * 2},
        'feeder "f1": id: is used twice',
    ),
    "unknown parent": (
        put("feeders", 0, "parent", value="f9"),
        'feeder "f1": parent: "f9" is not among the feeders',
    ),
    "own parent": (
        put("feeders", 0, "parent", value="f1"),
        'feeder "f1": parent: the feeder is its own ancestor',
    ),
    "ring of feeders": (
        lambda street: (
            street
            | {
                "feeders": [
                    {"id": "f1", "parent": "f2"},
                    {"id": "f2", "parent": "f3"},
                    {"id": "f3", "parent": "f2"},
                ]
            }
        ),
        'feeder "f2": parent: the feeder is its own ancestor',
    ),
    "negative limit": (
        put("feeders", 0, "down_limit_wh", value=-1),
        f'feeder "f1": down_limit_wh: must be from 0 to {LARGEST}, not -1',
    ),
    "limits too long": (
        put("feeders", 0, "up_limit_wh", value=[1] * 97),
        'feeder "f1": up_limit_wh: has 97 values for 96 slots',
    ),
    "unknown feeder field": (
        put("feeders", 0, "limit", value=1),
        'feeder "f1": "limit": is not a field known here',
    ),
    "offers missing": (drop("offers"), "offers: is missing"),
    "offer not an object": (put("offers", 0, value="o1"), 'offers[0]: must be an object, not "o1"'),
    "offer without name": (drop("offers", 0, "id"), "offers[0]: id: is missing"),
    "offer name a number": (put("offers", 0, "id", value=7), "offers[0]: id: must be a text, not 7"),
    "name used twice": (put("bids", 0, "id", value="o1"), 'order "o1": id: is used twice'),
    "offer field": (
        put("offers", 0, "min_fill", value="any"),
        'offer "o1": "min_fill": is not a field known here',
    ),
    "price missing": (drop("offers", 0, "price"), 'offer "o1": price: is missing'),
    "price a text": (
        put("offers", 0, "price", value="9"),
        'offer "o1": price: must be a whole number, not "9"',
    ),
    "price null": (put("bids", 0, "price", value=None), 'bid "b1": price: must be a whole number, not null'),
    "price a float": (put("bids", 0, "price", value=2.5), 'bid "b1": price: must be a whole number, not 2.5'),
    "price negative": (
        put("bids", 0, "price", value=-1),
        f'bid "b1": price: must be from 0 to {LARGEST}, not -1',
    ),
    "price beyond 64 bits": (
        put("bids", 0, "price", value=2**63),
        f'bid "b1": price: must be from 0 to {LARGEST}, not {2**63}',
    ),
    "unknown feeder": (
        put("offers", 0, "feeder", value="f2"),
        'offer "o1": feeder: "f2" is not among the feeders',
    ),
    "feeder null": (put("offers", 0, "feeder", value=None), 'offer "o1": feeder: must be a text, not null'),
    "slots a list": (
        put("offers", 0, "slots", value=[1]),
        'offer "o1": slots: must be an object, not a list',
    ),
    "slot out of range": (
        put("offers", 0, "slots", value={"96": 1}),
        'offer "o1": slots: 96 is outside 0 … 95',
    ),
    "slot with a zero": (
        put("offers", 0, "slots", value={"07": 1}),
        'offer "o1": slots: "07" is not a slot number in plain decimal',
    ),
    "slot with a sign": (
        put("offers", 0, "slots", value={"+7": 1}),
        'offer "o1": slots: "+7" is not a slot number in plain decimal',
    ),
    "slot negative": (
        put("offers", 0, "slots", value={"-1": 1}),
        'offer "o1": slots: "-1" is not a slot number in plain decimal',
    ),
    "slot with a blank": (
        put("offers", 0, "slots", value={" 7": 1}),
        'offer "o1": slots: " 7" is not a slot number in plain decimal',
    ),
    "slot empty": (
        put("offers", 0, "slots", value={"": 1}),
        'offer "o1": slots: "" is not a slot number in plain decimal',
    ),
    "slot in other digits": (
        put("offers", 0, "slots", value={"\u0667": 1}),
        'offer "o1": slots: "\\u0667" is not a slot number in plain decimal',
    ),
    "slot endless": (
        put("offers", 0, "slots", value={"9" * 20: 1}),
        f'offer "o1": slots: "{"9" * 20}" is not a slot number in plain decimal',
    ),
    "no energy": (
        put("offers", 0, "slots", "40", value=0),
        f'offer "o1": slots.40: must be from 1 to {LARGEST}, not 0',
    ),
    "energy negative": (
        put("bids", 0, "slots", "40", value=-300),
        f'bid "b1": slots.40: must be from 1 to {LARGEST}, not -300',
    ),
    "bid of no kind": (
        drop("bids", 0, "slots"),
        'bid "b1": slots: a bid has exactly one of slots, flexible and block',
    ),
    "bid of two kinds": (
        put("bids", 1, "slots", value={"1": 1}),
        'bid "b2": slots: a bid has exactly one of slots, flexible and block',
    ),
    "unknown min_fill": (
        put("bids", 1, "flexible", "min_fill", value="most"),
        'bid "b2": flexible: min_fill: must be "any" or "all", not "most"',
    ),
    "flexible field": (
        put("bids", 1, "flexible", "taken_wh", value={}),
        'bid "b2": flexible: "taken_wh": is not a field known here',
    ),
    "flexible energy missing": (
        drop("bids", 1, "flexible", "energy_wh"),
        'bid "b2": flexible: energy_wh: is missing',
    ),
    "flexible energy 0": (
        put("bids", 1, "flexible", "energy_wh", value=0),
        f'bid "b2": flexible: energy_wh: must be from 1 to {LARGEST}, not 0',
    ),
    "too much energy for the window": (
        put("bids", 1, "flexible", "energy_wh", value=12001),
        'bid "b2": energy_wh: 12001 Wh do not fit a window that holds 12000 Wh at most',
    ),
    "window negative": (
        put("bids", 1, "flexible", "earliest", value=-1),
        f'bid "b2": flexible: earliest: must be from 0 to {LARGEST}, not -1',
    ),
    "window beyond the book": (
        put("bids", 1, "flexible", "deadline", value=97),
        'bid "b2": deadline: 97 is beyond the last slot\'s end 96',
    ),
    "window empty": (
        put("bids", 1, "flexible", "deadline", value=36),
        'bid "b2": earliest: 36 is not before the deadline 36',
    ),
    "profile empty": (put("bids", 2, "block", "profile_wh", value=[]), 'bid "b3": profile_wh: is empty'),
    "gap in the profile": (
        put("bids", 2, "block", "profile_wh", value=[5, 0, 5]),
        f'bid "b3": block: profile_wh[1]: must be from 1 to {LARGEST}, not 0',
    ),
    "profile longer than the window": (
        put("bids", 2, "block", "deadline", value=32),
        'bid "b3": profile_wh: 3 slots do not fit a window of 2',
    ),
    "block field": (
        put("bids", 2, "block", "min_fill", value="all"),
        'bid "b3": block: "min_fill": is not a field known here',
    ),
}


BAD_TEXTS = {
    "nothing": "",
    "not JSON": STREET[:-3],
    "two values": STREET + STREET,
    "not UTF-8": STREET.encode().replace(b"o1", b"\xff"),
    "NaN": STREET.replace("90000", "NaN"),
    "infinity": STREET.replace("90000", "-Infinity"),
    "exponent": STREET.replace("90000", "9e4"),
    "float that is whole": STREET.replace("90000", "90000.0"),
    "digits without end": STREET.replace("90000", "9" * 5000),
    "key twice": STREET.replace('"slots": 96,', '"slots": 96, "slots": 96,'),
    "key twice in the tariff": STREET.replace('"grid_fee"', '"price_cap": 300000, "grid_fee"'),
    "order key twice": STREET.replace('"id": "o1"', '"id": "o1", "id": "o1"'),
    "slot twice": STREET.replace('"41": 600', '"40": 500'),
    "deep": "[" * 200_000,
}
