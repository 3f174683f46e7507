"""Nobody gains by a meter that shows less than it counted, nor by one that shows more to partners who keep to
their trades: every deviation of one party's reading is tried on small worlds.

A party's position is all that its energy costs or brings: trades, penalties, and the supplier, who charges
cap and fee for what was imported without a neighbour's energy, and pays the floor for what was exported
without a neighbour's use. What somebody settled beyond what he truly exported he must have had from the
supplier; what he settled beyond what he truly imported he must have left to it. The supplier knows the truth.
"""

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from energy_ledger.ledger.shares import Meter, settle_slot
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.tariffs import SlotTariff
from tests.ledger_node.ledger.delivery import BO, CY, Delivery

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


def best_lie(one, truth, who, tariff):
    """Return by formula the most that any false reading of a trade's party can bring it.

    Per Wh that both fell short by, it is what the partner owes for harm that nobody had. But for each Wh by
    which the liar fell shorter, a lie costs the fee and what feeders make the two prices differ by.
    """
    delivered = min(one.wh, truth[one.seller].exported_wh)
    taken = min(one.wh, truth[one.buyer].imported_wh)
    mine, other = (delivered, taken) if who == one.seller else (taken, delivered)
    harm = one.seller_price - tariff.price_floor if who == one.seller else tariff.price_cap - one.buyer_price
    dear = one.fee + one.buyer_price - one.seller_price
    return max(0, (one.wh - max(mine, other)) * harm - max(0, other - mine) * dear)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_the_most_that_a_false_reading_of_one_trade_can_bring_is_known_to_the_nano(world):
    """It is nothing unless both fell short; then it is penalties for harm that was feigned."""
    trades, truth, tariff, who = world
    one = next(one for one in trades if who in (one.seller, one.buyer))
    honest, _ = position(who, [one], truth, truth, tariff)
    lies = [position(who, [one], truth, truth | {who: shown}, tariff)[0] for shown in deviations(truth[who])]
    assert max(honest, *lies) - honest == best_lie(one, truth, who, tariff)


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_no_false_reading_brings_more_than_what_partners_fell_short_by_is_worth(world):
    """With several trades a lie may also hide that a share of it went to a partner who took nothing."""
    trades, truth, tariff, who = world
    honest, _ = position(who, trades, truth, truth, tariff)
    missing = 0
    for one in settle_slot(trades, truth, tariff):
        missing += one.wh - one.taken_wh if one.seller == who else 0
        missing += one.wh - one.delivered_wh if one.buyer == who else 0
    worth = tariff.price_cap + tariff.grid_fee - tariff.price_floor
    for shown in deviations(truth[who]):
        money, _ = position(who, trades, truth, truth | {who: shown}, tariff)
        assert money - honest <= missing * worth + rounding(trades, tariff)


def test_a_seller_of_two_whose_one_buyer_took_nothing_gains_by_showing_what_the_other_one_took():
    """What a meter counted is shared over all its trades before anybody knows who took his part."""
    tariff = SlotTariff(0, 9, 0)
    trades = [trade(0, "a", "b", 1, (4, 4), 0), trade(1, "a", "c", 1, (4, 4), 0)]
    truth = {"a": Meter(0, UNIT), "b": Meter(0, 0), "c": Meter(UNIT, 0)}
    shares = [(one.delivered_wh, one.settled_wh) for one in settle_slot(trades, truth, tariff)]
    assert shares == [(UNIT // 2, 0), (UNIT // 2, UNIT // 2)]
    honest, _ = position("a", trades, truth, truth, tariff)
    lie, _ = position("a", trades, truth, truth | {"a": Meter(0, 2 * UNIT)}, tariff)
    assert lie > honest


def test_no_rule_that_pays_exactly_the_harm_can_do_without_that():
    """A seller of 10 whose buyer took 6 shows 10 or 6: the buyer's meter is the same, and so is the ledger.

    Who exported 10 is owed the harm of 4, who exported 6 nothing, as nobody was harmed. Were it the same for
    both, either harm would go unpaid or a penalty be paid for none. So the answer must depend on the seller's
    word alone, and this is what the word is worth.
    """
    one, tariff = trade(0, "a", "b", 10, (4, 4), 0), SlotTariff(1, 9, 0)
    took_6 = {"b": Meter(6 * UNIT, 0)}
    full, short = ({"a": Meter(0, wh * UNIT)} | took_6 for wh in (10, 6))
    harm = 4 * UNIT * (4 - tariff.price_floor)
    (kept,), (fell,) = settle_slot([one], full, tariff), settle_slot([one], short, tariff)
    assert (kept.buyer_penalty, fell.buyer_penalty) == (harm, 0)
    assert position("a", [one], full, full, tariff)[0] == (10 * UNIT) * 4  # as if the buyer had kept to it
    assert best_lie(one, short, "a", tariff) == harm


@settings(max_examples=200, deadline=None)
@given(worlds(), st.data())
def test_what_is_shown_too_much_and_then_missing_where_a_partner_keeps_to_his_trade_does_not_pay(world, data):
    """Registers go on from slot to slot, so that what was shown too much is shown too little later."""
    trades, truth, tariff, who = world
    one = next(one for one in trades if who in (one.seller, one.buyer))
    later = replace(one, slot=2)
    plenty = {point: Meter(99 * UNIT, 99 * UNIT) for point in POINTS}
    sells = who == one.seller
    own = data.draw(st.integers(0, one.wh // UNIT)) * UNIT
    then = plenty | {who: Meter(0, own) if sells else Meter(own, 0)}
    honest = position(who, [one], truth, truth, tariff)[0] + position(who, [later], then, then, tariff)[0]
    for moved in range(UNIT, own + 1, UNIT):
        now, left = truth[who], own - moved
        more = Meter(now.imported_wh, now.exported_wh + moved) if sells else Meter(now.imported_wh + moved, 0)
        less = Meter(0, left) if sells else Meter(left, 0)
        money = position(who, [one], truth, truth | {who: more}, tariff)[0]
        money += position(who, [later], then, then | {who: less}, tariff)[0]
        assert money <= honest


@pytest.mark.parametrize("sells", [True, False], ids=["seller", "buyer"])
@pytest.mark.parametrize("true_wh", [0, 4, 10])
@pytest.mark.parametrize("partner_wh", [0, 6, 10])
def test_an_upheld_claim_leaves_nothing_of_any_false_reading(sells, true_wh, partner_wh):
    """On the ledger itself; whoever showed nothing at all in time is a case of it."""
    gains = set()
    for shown in (true_wh, None, 0, 3, 7, 10, 25):
        street = Delivery()
        street.settles(*((shown, partner_wh) if sells else (partner_wh, shown)))
        about = street.roof if sells else street.house
        if shown != true_wh:
            meter = {"exported_wh" if sells else "imported_wh": true_wh}
            street.decides(street.claims(CY if sells else BO, about, **meter))
        gains.add(street.gains())
    assert len(gains) == 1


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
