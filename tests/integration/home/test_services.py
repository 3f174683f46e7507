"""The actions: what they send, what they answer, and how they say no."""

import time
from datetime import datetime, timedelta

import pytest
import segno
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import create_eager_task

from custom_components.energy_marketplace.const import DOMAIN
from tests.integration.conftest import HOME, WASHER
from tests.integration.home.stand_in import trade

SLOT_MS = 900_000


@pytest.fixture
def devices(home, member):
    """Device ids by name."""
    entries = dr.async_entries_for_config_entry(dr.async_get(home), member.entry_id)
    return {device.name: device.id for device in entries}


@pytest.fixture
def act(home, member):
    """Perform an action and return its answer."""

    async def perform(action, *, context=None, **data):
        return await home.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=True, context=context
        )

    return perform


def in_hours(hours):
    return (dt_util.now() + timedelta(hours=hours)).isoformat()


def placed(node):
    """Return the order that was submitted last."""
    return node.submitted[-1]["order"]


async def test_flexible_energy_is_requested_until_a_time(node, devices, act):
    answer = await act("request_energy", device_id=devices["Washer"], energy=1.5, finish_by=in_hours(6))
    order = placed(node)
    assert (order["type"], order["energy_wh"], order["price"]) == ("flexible", 1_500, 250_000)
    assert order["max_wh_per_slot"] == 900
    assert order["deadline"] == int(time.time() + 6 * 3600) // 900
    assert node.submitted[-1]["asset"] == WASHER
    assert answer["order"] in node.orders
    assert answer["slots"] == order["deadline"] - order["earliest"]
    assert (answer["energy"], answer["price"], answer["state"]) == (1.5, 0.25, "applied")
    assert dt_util.parse_datetime(answer["latest"]).timestamp() == order["deadline"] * 900


async def test_power_price_and_start_can_be_limited(node, devices, act):
    await act(
        "request_energy",
        device_id=[devices["Washer"]],
        energy="0.4",
        finish_by=in_hours(8),
        start=in_hours(4),
        max_power=800,
        price_cap=0.2,
    )
    order = placed(node)
    assert (order["max_wh_per_slot"], order["price"]) == (200, 200_000)
    assert order["earliest"] == -(-int(time.time() + 4 * 3600) // 900)


async def test_an_empty_text_from_a_template_leaves_a_limit_out(node, devices, act):
    empty = {"max_power": "", "price_cap": "", "start": ""}
    await act("request_energy", device_id=devices["Washer"], energy=1, finish_by=in_hours(6), **empty)
    order = placed(node)
    assert (order["max_wh_per_slot"], order["price"]) == (900, 250_000)


async def test_a_limit_of_nothing_is_a_limit(node, devices, act):
    for nothing in (0, "0.00", "0"):
        await act(
            "request_energy",
            device_id=devices["Washer"],
            energy=1,
            finish_by=in_hours(6),
            price_cap=nothing,
        )
        assert placed(node)["price"] == 0


async def test_a_time_of_day_means_its_next_occurrence(node, devices, act):
    soon = dt_util.now() + timedelta(hours=5)
    await act("request_energy", device_id=devices["Washer"], energy=1, finish_by=soon.strftime("%H:%M:%S"))
    assert placed(node)["deadline"] == int(soon.timestamp()) // 900
    earlier = dt_util.now() - timedelta(hours=2)
    await act("request_energy", device_id=devices["Washer"], energy=1, finish_by=earlier.time())
    assert placed(node)["deadline"] == int((earlier + timedelta(days=1)).timestamp()) // 900


async def test_an_offer_is_spread_evenly_over_its_period(node, devices, act):
    end = dt_util.utc_from_timestamp((int(time.time()) // 900 + 6) * 900)
    answer = await act("place_offer", device_id=devices["Home"], energy=1.001, end=end, price=0.09)
    order = placed(node)
    assert (order["type"], order["price"]) == ("offer", 90_000)
    assert sum(order["slots"].values()) == 1_001
    assert max(order["slots"].values()) - min(order["slots"].values()) <= 1
    assert max(map(int, order["slots"])) == int(end.timestamp()) // 900 - 1
    assert answer["slots"] == len(order["slots"])


async def test_a_bid_without_period_is_for_the_first_open_slot_at_the_grids_price(node, devices, act):
    await act("place_bid", device_id=devices["Home"], energy=0.5)
    order = placed(node)
    assert (order["type"], order["price"]) == ("fixed", 305_000)
    [(slot, wh)] = order["slots"].items()
    assert wh == 500
    assert 0 < int(slot) * 900 - time.time() < 1_500


async def test_an_offer_without_price_takes_at_least_what_the_grid_pays(node, devices, act):
    await act("place_offer", device_id=devices["Home"], energy=0.5)
    assert placed(node)["price"] == 80_000


async def test_an_order_whose_slot_closed_on_the_way_takes_the_next_one(node, devices, act):
    node.refuse_once["order.place"] = ("slot_closed", "too late")
    before = time.time()
    await act("place_bid", device_id=devices["Home"], energy=0.1)
    [slot] = placed(node)["slots"]
    assert int(slot) * 900 - before > 300
    node.refuse["order.place"] = ("slot_closed", "too late")
    with pytest.raises(ServiceValidationError, match="closed to new orders"):
        await act("place_bid", device_id=devices["Home"], energy=0.1)


async def test_it_is_known_which_automation_placed_an_order(home, node, member, devices, act):
    run = Context()
    home.bus.async_fire("automation_triggered", {"entity_id": "automation.wash"}, context=run)
    mine = await act(
        "request_energy", device_id=devices["Washer"], energy=1, finish_by=in_hours(6), context=run
    )
    child = Context(parent_id=run.id)
    childs = await act("place_bid", device_id=devices["Home"], energy=0.1, context=child)
    users = await act("place_bid", device_id=devices["Home"], energy=0.1)
    orders = {order["order"]: order["placed_by"] for order in (await act("get_orders"))["orders"]}
    assert orders == {
        mine["order"]: "automation.wash",
        childs["order"]: "automation.wash",
        users["order"]: "user",
    }
    me = member.data["address"]
    bought = trade("1.0", 5, buyer=me, buy_asset=WASHER, buy_order=mine["order"], state="matched")
    node.trades["1.0"] = bought
    [told] = (await act("get_trades", device_id=devices["Washer"]))["trades"]
    assert (told["placed_by"], told["order"], told["energy"], told["price"], told["direction"]) == (
        "automation.wash",
        mine["order"],
        0.3,
        0.155,
        "import",
    )


async def test_an_automation_is_known_though_its_action_comes_before_the_word_of_its_start(
    home, devices, act
):
    """As when the core queues what is fired while it tells of another event."""
    run = Context()
    acting = create_eager_task(
        act("place_bid", device_id=devices["Home"], energy=0.1, context=run), loop=home.loop
    )
    home.bus.async_fire("automation_triggered", {"entity_id": "automation.wash"}, context=run)
    await acting
    assert [one["placed_by"] for one in (await act("get_orders"))["orders"]] == ["automation.wash"]


async def test_orders_and_trades_can_be_asked_for_by_state(node, devices, act):
    await act("place_bid", device_id=devices["Home"], energy=0.1)
    assert len((await act("get_orders", state="open"))["orders"]) == 1
    assert (await act("get_orders", state="filled", device_id=devices["Home"]))["orders"] == []
    assert (await act("get_trades", state="settled"))["trades"] == []


async def test_an_order_is_taken_back(node, devices, act):
    answer = await act("place_bid", device_id=devices["Home"], energy=0.1)
    cancelled = await act("cancel_order", order=answer["order"])
    assert cancelled["order"] == answer["order"]
    assert node.submitted[-1] | {"sequence": 0, "expires": 0} == node.submitted[-1] | {
        "sequence": 0,
        "expires": 0,
        "kind": "order.cancel",
        "order": answer["order"],
    }


async def test_the_audit_log_of_an_asset_is_answered(node, devices, act):
    await node.push("asset.registered", {"id": HOME}, (), (HOME,))
    log = await act("get_audit_log", device_id=devices["Home"], limit=10)
    [event] = log["events"]
    assert (event["type"], event["data"], log["next"]) == ("asset.registered", {"id": HOME}, None)


async def test_money_moves_and_is_issued_as_told(node, act):
    to = node.founder.address(test=True)
    for action, more, kind in (
        ("transfer", {"to": to, "amount": 1.25, "memo": "for the cake"}, "transfer"),
        ("issue_voucher", {"to": to, "amount": "30", "reference": "receipt 7"}, "voucher.issue"),
        ("set_credit", {"member": to, "limit": 50}, "credit.set"),
        ("set_credit", {"member": to, "limit": 0}, "credit.set"),
        ("approve_member", {"member": to}, "member.approve"),
    ):
        answer = await act(action, **more)
        assert answer["state"] == "applied"
        assert node.submitted[-1]["kind"] == kind
    sent = {payload["kind"]: payload for payload in node.submitted}
    assert (sent["transfer"]["amount"], sent["transfer"]["memo"]) == (1_250_000_000, "for the cake")
    assert sent["voucher.issue"]["amount"] == 30_000_000_000
    assert sent["credit.set"]["limit"] == 0


async def test_a_founder_invites(home, node, member, act):
    with pytest.raises(ServiceValidationError, match="only a founder"):
        await act("create_invite")
    node.accounts[member.data["address"]]["roles"] = ["founder"]
    answer = await act("create_invite", valid_days=2, nodes=["http://192.168.1.20:8710"])
    picture = segno.make(answer["invite"], error="l", micro=False)
    assert answer["qr"] == picture.svg_data_uri(scale=4, border=3)
    assert answer["invite"].startswith("kwhinvite1")
    assert answer["nodes"] == ["http://192.168.1.20:8710"]
    assert (await act("create_invite"))["nodes"] == [node.url]
    with pytest.raises(ServiceValidationError, match="start with http"):
        await act("create_invite", nodes="ledger.local")


async def test_money_is_for_administrators_only(home, node, act, hass_read_only_user):
    context = Context(user_id=hass_read_only_user.id)
    with pytest.raises(Unauthorized):
        await act("transfer", to=node.founder.address(test=True), amount=1, context=context)
    assert node.submitted == []


WASH = {"action": "request_energy", "device_id": "Washer", "energy": 1, "finish_by": in_hours(6)}
OFFER = {"action": "place_offer", "device_id": "Home", "energy": 1}
PAY = {"action": "transfer", "to": "founder", "amount": 1}


@pytest.mark.parametrize(
    ("call", "change", "says"),
    [
        (WASH, {"device_id": "nothing"}, "no asset of the energy marketplace"),
        (WASH, {"device_id": "Wallet of Bo"}, "no asset of the energy marketplace"),
        (WASH, {"device_id": []}, "exactly one device"),
        (WASH, {"energy": "much"}, "must be a number, not “much”"),
        (WASH, {"energy": None}, "must be a number"),
        (WASH, {"energy": [1]}, "must be a number"),
        (WASH, {"energy": float("nan")}, "must be above zero"),
        (WASH, {"energy": float("inf")}, "must be above zero"),
        (WASH, {"energy": -1}, "must be above zero, not -1"),
        (WASH, {"energy": True}, "must be a number, not “True”"),
        (WASH, {"energy": 1e300}, "“energy” is too large: 1e+300"),
        (WASH, {"energy": 0.0001}, "more decimals than the ledger keeps: 0.0001 is finer than 1/1000"),
        (WASH, {"energy": 500}, "are wanted"),
        (WASH, {"finish_by": "tomorrow"}, "must be a date and time or a time of day, not “tomorrow”"),
        (WASH, {"finish_by": 7}, "must be a date and time"),
        (WASH, {"finish_by": ""}, "must be a date and time"),
        (WASH, {"finish_by": "2026-13-45T99:00:00"}, "must be a date and time"),
        (WASH, {"finish_by": "9999-12-31T23:59:59-14:00"}, "must be a date and time"),
        (WASH, {"finish_by": "2001-01-01 07:00:00"}, "earliest end is"),
        (WASH, {"max_power": 0}, "must be above zero"),
        (WASH, {"price_cap": 0.26}, "may buy for 0.25 per kWh at most"),
        (WASH, {"price_cap": -0.1}, "must be above zero"),
        (WASH, {"price_cap": 0.12345678}, "more decimals"),
        (OFFER, {"start": "2001-01-01", "end": "2001-01-02"}, "earliest end is"),
        (OFFER, {"start": (datetime.now() + timedelta(days=30)).isoformat()}, "nothing is traded yet"),  # noqa: DTZ005
        (OFFER, {"energy": 50}, "At this power 0.9 kWh can be moved"),
        (OFFER, {"device_id": "Washer"}, "Washer is rated 0 W in this direction"),
        (PAY, {"to": "kwh1nonsense"}, "is not a member's address"),
        (PAY, {"to": "real"}, "another kind of network"),
        (PAY, {"amount": 0}, "must be above zero"),
        (PAY, {"memo": "x" * 141}, "must hold 1 to 140 characters"),
        ({"action": "get_orders"}, {"state": "lost"}, "Choose one of: open, filled"),
        ({"action": "get_audit_log", "device_id": "Home"}, {"limit": 501}, "may be 500 at most"),
        ({"action": "cancel_order"}, {"order": ""}, "must hold 1 to 64 characters"),
        ({"action": "cancel_order"}, {"order": "the one from noon"}, "There is no such order"),
        ({"action": "create_invite"}, {"valid_days": 1e300}, "may be 365 at most"),
    ],
)
async def test_bad_input_is_explained_and_changes_nothing(
    home, node, devices, act, caplog, call, change, says
):
    data = dict(call | change)
    action, device, to = data.pop("action"), data.get("device_id"), data.get("to")
    if isinstance(device, str):
        data["device_id"] = devices.get(device, device)
    if to in ("founder", "real"):
        data["to"] = node.founder.address(test=to == "founder")
    with pytest.raises(ServiceValidationError) as caught:
        await act(action, **data)
    assert says in str(caught.value)
    assert caught.value.translation_domain == DOMAIN
    assert node.submitted == []
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("not_enough_money", r"Not enough money is available for this: because\. Ask"),
        ("exceeds_rating", "more than the asset's rated power"),
        ("some_new_code", "The ledger refuses: because"),
    ],
)
async def test_a_refusal_of_the_ledger_is_explained(node, devices, act, code, says):
    node.refuse["order.place"] = (code, "because.")
    with pytest.raises(ServiceValidationError, match=says):
        await act("place_bid", device_id=devices["Home"], energy=0.1)


async def test_a_node_that_is_away_or_locked_is_explained(home, node, member, devices, act, monkeypatch):
    monkeypatch.setattr("custom_components.energy_marketplace.ledger.member._FIRST_WAIT_S", 0)
    node.tokens = {"fresh"}
    with pytest.raises(HomeAssistantError, match="no longer accepts the token"):
        await act("get_orders")
    member.runtime_data.market.member.client._base = member.runtime_data.market.member.client._base.with_port(
        9
    )
    with pytest.raises(HomeAssistantError, match="The node does not answer"):
        await act("place_bid", device_id=devices["Home"], energy=0.1)
    member.runtime_data.market.member._sequence = 5
    with pytest.raises(HomeAssistantError, match="not known whether it took this"):
        await act("place_bid", device_id=devices["Home"], energy=0.1)


async def test_actions_of_a_member_that_does_not_run_say_so(home, member, devices, act):
    await home.config_entries.async_unload(member.entry_id)
    with pytest.raises(ServiceValidationError, match="member is not running"):
        await act("place_bid", device_id=devices["Home"], energy=0.1)
    with pytest.raises(ServiceValidationError):
        await act("get_orders")
