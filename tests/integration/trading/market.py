"""Values of a small network for the tests of trading."""

from custom_components.energy_marketplace.ledger.answers import MarketRound, Parameters, PlacedOrder, Trade

PARAMETERS = Parameters(
    slot_s=900,
    horizon_slots=144,
    round_s=300,
    proposal_window_s=30,
    gate_s=60,
    grace_slots=2,
    readings="traded",
    approval="invite",
)
SLOT_MS = 900_000
NOW = 2_000_000 * SLOT_MS
NOW_SLOT = 2_000_000


def trade(slot: int, wh: int, **changes) -> Trade:
    values = {
        "id": f"1.{slot}",
        "round": 1,
        "seller_price": 100,
        "buyer_price": 110,
        "fee": 5,
        "state": "matched",
        "seller": "kwh1s",
        "buyer": "kwh1b",
        "sell_order": "offer",
        "buy_order": "bid",
        "sell_asset": "roof",
        "buy_asset": "car",
        "sell_point": "house",
        "buy_point": "home",
    }
    return Trade(slot=slot, wh=wh, **(values | changes))


def placed(order_id: str, order: dict, state: str = "open") -> PlacedOrder:
    return PlacedOrder(
        id=order_id,
        account="a",
        asset="roof",
        order=order,
        state=state,
        filled_wh=0,
        held=0,
        placed=1,
        commit=1,
    )


def cleared(number: int, first_slot: int, prices: list[int | None], feeder: str = "") -> MarketRound:
    return MarketRound(
        round=number,
        closed=0,
        first_slot=first_slot,
        slots=len(prices),
        orders=2,
        state="cleared",
        prices={feeder: prices},
    )
