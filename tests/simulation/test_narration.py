"""Every event of the ledger is told in a sentence."""

import re
from pathlib import Path

import pytest

from custom_components.energy_marketplace.ledger.answers import Event
from simulation.day import QuickDay
from simulation.narration import SENTENCES, Narrator
from tests.integration.home.stand_in import order_matches, trade

PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"
ORDER = {
    "id": "o1",
    "account": "tkwh1ada",
    "asset": "a1",
    "order": {"type": "flexible", "price": 250_000, "energy_wh": 33, "earliest": 2, "deadline": 5},
}
TRADE = {
    "seller": "tkwh1rosa",
    "buyer": "tkwh1ada",
    "buy_asset": "a1",
    "slot": 2,
    "wh": 11,
    "settled_wh": 10,
    "buyer_price": 98_000,
    "paid": 1_030_000,
}


def event(kind: str, data: dict[str, object], time_ms: int = 0) -> Event:
    return Event(1, 1, time_ms, kind, (), (), None, data)


@pytest.fixture
def narrator() -> Narrator:
    return Narrator(
        QuickDay(0.0), slot_s=20, people={"tkwh1ada": "Ada", "tkwh1rosa": "Rosa"}, assets={"a1": "Washer"}
    )


def test_every_event_type_of_the_protocol_has_a_sentence():
    table = PROTOCOL.read_text().split("| type | data |")[1].split("\n\n")[0]
    types = set(re.findall(r"`([a-z]+\.[a-z]+|transfer)`", table))
    assert "trade.settled" in types
    assert types == SENTENCES.keys()


def test_people_are_introduced_by_joining_and_things_by_registration():
    narrator = Narrator(QuickDay(0.0), slot_s=20)
    narrator.line(event("member.joined", {"account": "tkwh1otto", "name": "Otto"}))
    registered = {"id": "a7", "account": "tkwh1otto", "name": "Boiler", "asset_type": "boiler"}
    assert "Otto registers “Boiler” (boiler)" in narrator.line(event("asset.registered", registered))
    assert narrator.thing("a7") == "Boiler"


def test_a_stranger_is_called_by_the_start_of_the_address():
    assert Narrator(QuickDay(0.0), 20).who("tkwh1qqqqqqqqqqqq") == "tkwh1qqqqqqq…"


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("order.placed", ORDER, "Ada (Washer) asks for 33 Wh any time between 10:30 and 11:15, up to 0.2500"),
        (
            "order.placed",
            ORDER | {"order": {"type": "offer", "price": 90_000, "slots": {"2": 5, "3": 6}}},
            "Ada (Washer) offers 11 Wh, 10:30 to 11:00, from 0.0900 EUR/kWh",
        ),
        (
            "order.placed",
            ORDER | {"order": {"type": "fixed", "price": 90_000, "slots": {"3": 6}}},
            "Ada (Washer) bids for 6 Wh, 10:45 to 11:00, up to",
        ),
        ("order.filled", ORDER, "an order of Ada (Washer) is filled"),
        ("round.cleared", {"round": 7, "orders": 3, "volume_wh": 12}, "round 7 is cleared: 3 orders, 12 Wh"),
        ("member.approved", {"account": "tkwh1otto", "name": "Otto"}, "Otto is let in"),
        (
            "clearing.refused",
            {"round": 7, "account": "x", "code": "clearing_wrong", "message": "a wrong price"},
            "a clearing of round 7 is refused (clearing_wrong): a wrong price",
        ),
        (
            "committee.voted",
            {"validator": "ab" * 32, "epoch": 0, "committee": ["ab" * 32, "cd" * 32]},
            "node abababab wants a committee of 2",
        ),
        ("committee.changed", {"epoch": 1, "committee": ["ab" * 32]}, "epoch 1 begins with a committee of 1"),
        ("round.void", {"round": 7}, "round 7 ends without a clearing"),
        ("trades.matched", TRADE, "10:30-10:45 Rosa → Ada (Washer): 11 Wh agreed for 0.0980 EUR/kWh"),
        ("trade.settled", TRADE, "10 of 11 Wh settled, 0.001030 EUR paid"),
        (
            "reading.attested",
            {"asset": "a1", "slot": 2, "imported_wh": 11, "exported_wh": 0},
            "Washer reads 11 Wh in, 0 Wh out for 10:30-10:45",
        ),
        ("voucher.issued", {"to": "tkwh1ada", "amount": 10**9}, "Ada gets a voucher of 1.000000 EUR"),
        ("credit.set", {"member": "tkwh1ada", "limit": 10**9}, "Ada may owe up to 1.000000 EUR"),
        (
            "transfer",
            {"from": "tkwh1ada", "to": "tkwh1rosa", "amount": 1},
            "Ada pays 0.000000 EUR to Rosa",
        ),
        (
            "transaction.refused",
            {"kind": "order.place", "code": "slot_closed", "message": "too late"},
            "a order.place is refused (slot_closed): too late",
        ),
    ],
)
def test_an_event_is_told_in_words(narrator: Narrator, kind: str, data: dict[str, object], words: str):
    assert words in narrator.line(event(kind, data))


def test_trades_that_were_made_have_a_line_each_which_is_said_once(narrator: Narrator):
    made = [trade(f"1.{number}", number, seller="tkwh1rosa", buyer="tkwh1ada") for number in (2, 3)]
    sold, bought = (
        narrator.lines(event("trades.matched", order_matches(made, sells=sells))) for sells in (True, False)
    )
    assert [line[7:] for line in sold] == [
        "10:30-10:45 Rosa → Ada (asset b1): 300 Wh agreed for 0.1500 EUR/kWh",
        "10:45-11:00 Rosa → Ada (asset b1): 300 Wh agreed for 0.1500 EUR/kWh",
    ]
    assert bought == []
    assert narrator.lines(event("round.void", {"round": 7})) == [
        narrator.line(event("round.void", {"round": 7}))
    ]


def test_a_line_begins_with_the_streets_time(narrator: Narrator):
    assert narrator.line(event("round.closed", {"round": 1}, time_ms=80_000)).startswith("11:00  ")


def test_an_unknown_event_is_told_by_its_name(narrator: Narrator):
    assert narrator.line(event("moon.landed", {})).endswith("moon.landed")


LATER = {
    "member.suspended": ({"account": "tkwh1ada"}, "Ada is suspended"),
    "member.role": ({"account": "tkwh1ada", "roles": ["treasurer"]}, "Ada is now treasurer"),
    "asset.retired": ({"account": "tkwh1ada", "name": "Washer"}, "Ada retires “Washer”"),
    "flexibility.announced": (
        {"account": "tkwh1ada", "asset": "a1", "direction": "produce", "energy_wh": 9, "deadline": 5},
        "Ada (Washer) could give 9 Wh before 11:15",
    ),
    "reading.disclosed": ({"asset": "a1", "slot": 2}, "the registers of Washer for 10:30-10:45 lie open"),
    "reading.totalled": (
        {"asset": "a1", "imported_wh": 4, "exported_wh": 5},
        "Washer counts 4 Wh in, 5 Wh out in a day",
    ),
    "trade.reviewed": (TRADE, "10:30-10:45 Rosa → Ada (Washer): settled again, 0.001030 EUR paid in all"),
    "claim.opened": (
        {"asset": "a1", "slot": 2, "reason": "it was off"},
        "a reading is claimed to be wrong (Washer, 10:30-10:45): it was off",
    ),
    "claim.decided": (
        {"asset": "a1", "slot": 2, "state": "upheld"},
        "the claim about Washer, 10:30-10:45 is upheld",
    ),
    "certificate.issued": ({"asset": "a1", "wh": 7}, "7 certified Wh of Washer are issued"),
    "voucher.requested": (
        {"account": "tkwh1ada", "amount": 2_000_000_000},
        "Ada asks to be paid out 2.000000 EUR",
    ),
    "community.paid": (
        {"to": "tkwh1ada", "amount": 1_000_000_000},
        "the community pays 1.000000 EUR to Ada",
    ),
    "tariff.set": ({"from_slot": 2}, "another tariff holds from 10:30 on"),
    "policy.set": ({"approval": "manual"}, "the street changes its rules: new members by manual"),
}


@pytest.mark.parametrize("kind", LATER)
def test_what_members_and_officers_do_is_told(narrator, kind):
    data, told = LATER[kind]
    assert narrator.line(event(kind, data)) == f"10:00  {told}"
