"""The actions that look ahead or back: prices, windows, blocks, announcements, statements, certificates."""

import time
from datetime import timedelta

import pytest
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from custom_components.energy_marketplace.const import DOMAIN
from tests.integration.conftest import HOME, WASHER
from tests.integration.home.test_services import act, devices  # noqa: F401


def next_slot():
    return int(time.time()) // 900 + 1


def at(slot):
    return dt_util.utc_from_timestamp(slot * 900).isoformat()


@pytest.fixture
def traded(node):
    """Let the latest round have made prices (nano per Wh) from the next slot on."""

    def made(*prices):
        one = {
            "round": 7,
            "closed": 0,
            "first_slot": next_slot(),
            "slots": len(prices),
            "orders": 2,
            "state": "cleared",
            "prices": {"": list(prices)},
        }
        node.rounds = [one]

    return made


async def test_prices_of_the_coming_day_are_told(act, traded):  # noqa: F811
    traded(150_000, None, 90_000)
    answer = await act("get_prices")
    first, second, third, *rest = answer["prices"]
    assert answer["currency"] == "EUR"
    assert (first["buy"], first["sell"], first["agreed"]) == (0.155, 0.15, True)
    assert (second["buy"], second["agreed"], third["sell"]) == (0.305, False, 0.09)
    assert len(rest) == 93
    assert dt_util.parse_datetime(first["start"]).timestamp() == next_slot() * 900


async def test_the_best_window_is_found_across_midnight_and_days_on_which_clocks_change(home, act):  # noqa: F811
    await home.config.async_set_time_zone("Europe/Berlin")
    answer = await act("get_prices", start="2027-10-31 00:00:00", end="2027-11-01 00:00:00")
    assert len(answer["prices"]) == 100
    answer = await act("get_prices", start="2027-03-28 00:00:00", end="2027-03-29 00:00:00")
    assert len(answer["prices"]) == 92
    answer = await act(
        "find_best_window", duration="01:00:00", start="2027-03-27 23:30:00", end="2027-03-28 00:30:00"
    )
    assert (answer["found"], len(answer["slots"])) == (True, 4)


@pytest.mark.parametrize(
    ("duration", "slots"),
    [(30, 2), ("00:40:00", 3), ({"minutes": 15}, 1), ("number.washer_run_time", 4), ("sensor.length", 8)],
)
async def test_the_length_comes_from_anything_that_is_one(home, act, traded, duration, slots):  # noqa: F811
    home.states.async_set("sensor.length", "2", {"unit_of_measurement": "h"})
    traded(*[200_000] * 5, *[100_000] * 8)
    answer = await act("find_best_window", duration=duration)
    assert len(answer["slots"]) == slots
    assert answer["price"] == 0.105
    assert dt_util.parse_datetime(answer["start"]).timestamp() == (next_slot() + 5) * 900


async def test_a_price_cap_may_leave_nothing(act, traded):  # noqa: F811
    traded(150_000)
    assert not (await act("find_best_window", duration=30, price_cap=0.1))["found"]
    answer = await act("find_best_window", duration=15, price_cap=0.2, contiguous=False)
    assert [item["buy"] for item in answer["slots"]] == [0.155]


async def test_the_dearest_slots_are_found_for_giving(act, traded):  # noqa: F811
    traded(90_000, 290_000, 100_000)
    answer = await act("find_best_window", duration=15, direction="export")
    assert answer["slots"][0]["sell"] == 0.29


async def test_a_run_in_one_piece_is_requested(node, devices, act):  # noqa: F811
    finish = (dt_util.now() + timedelta(hours=6)).isoformat()
    answer = await act("request_block", device_id=devices["Washer"], energy=1, run_time=40, finish_by=finish)
    order = node.submitted[-1]["order"]
    assert (order["type"], order["profile_wh"], order["price"]) == ("block", [334, 333, 333], 250_000)
    assert order["deadline"] == int(time.time() + 6 * 3600) // 900
    assert (node.submitted[-1]["asset"], answer["energy"]) == (WASHER, 1.0)


async def test_flexibility_is_announced_and_orders_nothing(node, devices, act):  # noqa: F811
    finish = (dt_util.now() + timedelta(hours=3)).isoformat()
    answer = await act(
        "announce_flexibility",
        device_id=devices["Home"],
        energy=2,
        finish_by=finish,
        direction="export",
        max_power=2_000,
        note="sunshine",
    )
    told = node.submitted[-1]
    assert (told["kind"], told["asset"], told["direction"]) == ("flexibility.announce", HOME, "produce")
    assert (told["energy_wh"], told["max_wh_per_slot"], told["note"]) == (2_000, 500, "sunshine")
    assert answer["slots"] == told["deadline"] - told["earliest"]


LATER = "2040-01-01 00:00:00"


@pytest.mark.parametrize(
    ("action", "data", "says"),
    [
        ("find_best_window", {"duration": "soon"}, "must be a length"),
        ("find_best_window", {"duration": 0}, "must be a length"),
        ("find_best_window", {"duration": {"ages": 1}}, "must be a length"),
        ("find_best_window", {"duration": 15, "direction": "up"}, "Choose one of: import, export"),
        ("get_prices", {"end": "2020-01-01 00:00:00"}, "holds no whole slot"),
        ("get_prices", {"end": LATER}, "may be 20000 at most"),
        ("request_block", {"device_id": "Washer", "energy": 9, "run_time": 30, "finish_by": LATER}, "moved"),
        (
            "request_block",
            {"device_id": "Washer", "energy": 1, "run_time": 30, "finish_by": "2020-01-01"},
            "",
        ),
        ("announce_flexibility", {"device_id": "Washer", "energy": 900, "finish_by": LATER}, "moved"),
        (
            "announce_flexibility",
            {"device_id": "Washer", "energy": 1, "finish_by": LATER, "direction": "export"},
            "rated 0 W",
        ),
        (
            "announce_flexibility",
            {"device_id": "Washer", "energy": 1, "finish_by": LATER, "direction": "up"},
            "Choose one of",
        ),
        ("settle_redemption", {"redemption": "that one", "paid": True}, "no such redemption"),
    ],
)
async def test_what_cannot_be_meant_is_explained(node, devices, act, action, data, says):  # noqa: F811
    if "device_id" in data:
        data = data | {"device_id": devices[data["device_id"]]}
    with pytest.raises(ServiceValidationError, match=says) as caught:
        await act(action, **data)
    assert caught.value.translation_domain == DOMAIN
    assert node.submitted == []


async def test_the_statement_is_told_in_currency_and_kwh(node, member, act):  # noqa: F811
    me = member.data["address"]
    line = {"time": 1_800_000_000_000, "kind": "sold", "wh": 300, "price": 150_000, "amount": 45_000_000}
    node.answers[f"accounts/{me}/statement"] = {
        "currency": "EUR",
        "opening": 0,
        "closing": 45_000_000,
        "totals": {"sold_wh": 300, "received": 45_000_000},
        "lines": [line | {"trade": "1.0", "text": None, "slot": 5}],
    }
    answer = await act("get_statement")
    assert (answer["opening"], answer["closing"]) == (0.0, 0.045)
    assert answer["totals"] == {"sold_wh": 0.3, "received": 0.045}
    [told] = answer["lines"]
    assert (told["wh"], told["price"], told["amount"], told["slot"]) == (0.3, 0.15, 0.045, 5)


async def test_where_energy_came_from_is_told(node, devices, act):  # noqa: F811
    node.answers["green"] = {
        "consumed_wh": 1_000,
        "green_wh": 700,
        "by_source": {"solar": 700, "unknown": 300},
        "by_asset": {"aa": 700},
    }
    node.answers["certificates"] = {"items": [{"id": "aa.0", "slot": 5}], "next": None}
    answer = await act("get_certificates", device_id=devices["Washer"])
    assert (answer["consumed"], answer["green"], answer["by_source"]["solar"]) == (1.0, 0.7, 0.7)
    assert [row["id"] for row in answer["certificates"]] == ["aa.0"]
    assert (await act("get_certificates", start="2027-01-01 00:00:00", end="2027-01-02 00:00:00"))[
        "certificates"
    ] == []


async def test_vouchers_are_redeemed_listed_and_settled(node, act):  # noqa: F811
    await act("redeem_voucher", amount=5, reference="account of Bo")
    told = node.submitted[-1]
    assert (told["kind"], told["amount"], told["reference"]) == (
        "voucher.redeem",
        5_000_000_000,
        "account of Bo",
    )
    node.answers["redemptions"] = {"items": [{"id": "ab" * 32, "amount": 5_000_000_000}], "next": None}
    assert (await act("get_redemptions"))["redemptions"] == [{"id": "ab" * 32, "amount": 5.0}]
    await act("settle_redemption", redemption="ab" * 32, paid=False, note="wrong account")
    told = node.submitted[-1]
    assert (told["kind"], told["paid"], told["note"]) == ("voucher.settle", False, "wrong account")
