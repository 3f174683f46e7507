"""Nobody gains by a meter that shows less than it counted, nor by one that shows more to partners who keep to
their trades: every deviation of one party's reading is tried on small worlds.

A party's position is all that its energy costs or brings: trades, penalties, and the supplier, who charges
cap and fee for what was imported without a neighbour's energy, and pays the floor for what was exported
without a neighbour's use. What somebody settled beyond what he truly exported he must have had from the
supplier; what he settled beyond what he truly imported he must have left to it. The supplier knows the truth.
"""

from itertools import product

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.shares import Meter, settle_slot
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.tariffs import SlotTariff

POINTS = "abcd"
UNIT = 27_720
"""Every share of a sum of up to 12 units is a whole number, so that rounding does not blur the comparison."""
MOST = 5


def trade(number, seller, buyer, units, prices, fee):
    return Trade(
        id=f"1.{number}", round=1, slot=1, wh=units * UNIT, seller_price=prices[0], buyer_price=prices[1],
        fee=fee, state="settled", seller=seller, buyer=buyer, sell_order="", buy_order="", sell_asset=seller,
        buy_asset=buyer, sell_point=seller, buy_point=buyer, source=None,
    )  # fmt: skip


@st.composite
def worlds(draw):
    """Draw trades that no energy goes round in a circle by, all meters' true figures, and who deviates."""
    floor = draw(st.integers(0, 5))
    cap, fee = floor + draw(st.integers(0, 10)), draw(st.integers(0, 3))
    trades = []
    for number in range(draw(st.integers(1, 4))):
        seller, buyer = sorted(draw(st.permutations(POINTS))[:2])
        prices = sorted(draw(st.integers(floor, cap)) for _ in range(2))
        trades.append(trade(number, seller, buyer, draw(st.integers(1, 3)), prices, fee))
    truth = {point: Meter(draw(st.integers(0, 4)) * UNIT, draw(st.integers(0, 4)) * UNIT) for point in POINTS}
    who = draw(st.sampled_from([one.seller for one in trades] + [one.buyer for one in trades]))
    return trades, truth, SlotTariff(floor, cap, fee), who


def position(who, trades, truth, meters, tariff):
    """Return what a party has in the end, and how much of it others paid it as penalties."""
    money = penalties = 0
    exported, imported = truth[who].exported_wh, truth[who].imported_wh
    outside = tariff.price_cap + tariff.grid_fee
    for one in settle_slot(trades, meters, tariff):
        through_seller = one.passed_wh if one.delivered_wh < one.taken_wh else 0
        through_buyer = one.passed_wh - through_seller
        if one.seller == who:
            money += one.received + one.buyer_penalty - one.seller_penalty
            penalties += one.buyer_penalty
            exported -= one.settled_wh + through_buyer
        if one.buyer == who:
            money += one.seller_penalty - one.paid - one.buyer_penalty
            penalties += one.seller_penalty
            imported -= one.settled_wh + through_seller
    money += exported * (tariff.price_floor if exported > 0 else outside)
    money -= imported * (outside if imported > 0 else tariff.price_floor)
    return money, penalties


def rounding(trades, tariff):
    """Return what the sharing of energy passed on may round: a Wh of some 28,000 for each trade."""
    return len(trades) * (tariff.price_cap + tariff.grid_fee)


def deviations(truth):
    figures = [number * UNIT for number in range(MOST)]
    return [Meter(*one) for one in product(figures, figures) if Meter(*one) != truth]


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_nobody_gains_by_reading_less_than_the_meter_counted(world):
    trades, truth, tariff, who = world
    honest, _ = position(who, trades, truth, truth, tariff)
    for shown in deviations(truth[who]):
        if shown.imported_wh <= truth[who].imported_wh and shown.exported_wh <= truth[who].exported_wh:
            money, _ = position(who, trades, truth, truth | {who: shown}, tariff)
            assert money <= honest + rounding(trades, tariff)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_nobody_gains_by_any_false_reading_while_the_partners_keep_to_their_trades(world):
    trades, truth, tariff, who = world
    plenty = {point: Meter(99 * UNIT, 99 * UNIT) for point in POINTS}
    truth = plenty | {who: truth[who]}
    honest, _ = position(who, trades, truth, truth, tariff)
    for shown in deviations(truth[who]):
        money, _ = position(who, trades, truth, truth | {who: shown}, tariff)
        assert money <= honest + rounding(trades, tariff)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_all_that_a_false_reading_of_one_trade_can_bring_is_the_penalty_of_a_partner_who_fell_short(world):
    """That partner can claim; the upheld claim leaves everybody where the true reading would have."""
    trades, truth, tariff, who = world
    trades = [next(one for one in trades if who in (one.seller, one.buyer))]
    honest, due = position(who, trades, truth, truth, tariff)
    for shown in deviations(truth[who]):
        money, penalties = position(who, trades, truth, truth | {who: shown}, tariff)
        assert money - honest <= max(0, penalties - due) + rounding(trades, tariff)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_settling_a_slot_conserves_money_and_counts_no_wh_twice(world):
    trades, truth, tariff, _ = world
    settled = settle_slot(trades, truth, tariff)
    for point in POINTS:
        sold = [one for one in settled if one.seller == point]
        bought = [one for one in settled if one.buyer == point]
        assert sum(one.settled_wh for one in sold) <= truth[point].exported_wh
        assert sum(one.settled_wh for one in bought) <= truth[point].imported_wh
        through = sum(one.passed_wh for one in bought if one.taken_wh < one.delivered_wh)
        assert through == sum(one.passed_wh for one in sold if one.delivered_wh < one.taken_wh)
        if not (sold and bought):
            assert sum(one.settled_wh + one.passed_wh for one in sold) <= truth[point].exported_wh
            assert sum(one.settled_wh + one.passed_wh for one in bought) <= truth[point].imported_wh
    for one in settled:
        assert one.settled_wh + one.passed_wh <= one.wh
        assert one.paid - one.received == (one.settled_wh + one.passed_wh) * (
            one.buyer_price + one.fee - one.seller_price
        )
        assert one.seller_penalty == 0 or one.buyer_penalty == 0
        assert one.paid + one.buyer_penalty <= one.wh * (one.buyer_price + one.fee)


def test_small_worlds_have_middlemen_and_shortfalls_of_both_kinds():
    seen, figures = set(), ("passed_wh", "seller_penalty", "buyer_penalty")

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(worlds())
    def look(world):
        trades, truth, tariff, _ = world
        assume(len(trades) > 1)
        for one in settle_slot(trades, truth, tariff):
            seen.update(
                name for name in ("passed_wh", "seller_penalty", "buyer_penalty") if getattr(one, name)
            )

    look()
    assert seen == set(figures)
