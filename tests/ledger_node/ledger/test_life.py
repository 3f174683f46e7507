"""Whatever happens, no money is made or lost, no Wh counts twice, and a restored ledger goes on the same.

Seeds and the number of steps are drawn; a failing seed shrinks to the fewest steps that still fail.
"""

from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.events import canonical
from energy_ledger.ledger.settlement import review
from energy_ledger.refusals import CODES
from tests.ledger_node.ledger.life import EFFICIENCY, Life, written

seeds = st.integers(0, 2**32)
steps = st.integers(1, 80)


def check_money(life):
    """Balances and the community fund are what was issued; the fund never owes."""
    money = life.street.ledger.money
    assert money.balances + money.community == money.issued
    assert money.community >= 0


def check_holds(life):
    """What is held is what open orders and unsettled trades may still cost, account by account."""
    state, held = life.street.state, Counter()
    for order in state.orders.values():
        held[order.account] += order.held
        rest = order.total_wh - order.filled_wh
        assert order.held == (0 if order.is_offer else rest * order.order.price)
    for trade in unsettled_in(state):
        held[trade.buyer] += trade.hold
    for redemption in state.redemptions.values():
        held[redemption.account] += redemption.amount if redemption.state == "requested" else 0
    for account in state.accounts.values():
        assert account.held == held[account.account]


def check_fills(life):
    """No order is filled beyond what it asked for, in all or in a slot."""
    for order in life.street.state.orders.values():
        assert order.filled_wh == sum(order.fills.values()) < order.total_wh
        for slot, wh in order.fills.items():
            limit = getattr(order.order, "max_wh_per_slot", None)
            assert 0 < wh <= (limit if limit is not None else order.order.slots[str(slot)])


def check_meters(life):
    """Per connection point and slot, no more is settled than the meter showed."""
    sold, bought = Counter(), Counter()
    for trade in settled_trades(life):
        assert 0 <= trade["settled_wh"] + trade["passed_wh"] <= trade["wh"]
        assert 0 <= trade["seller_price"] <= trade["buyer_price"]
        sold[trade["sell_point"], trade["slot"]] += trade["settled_wh"]
        bought[trade["buy_point"], trade["slot"]] += trade["settled_wh"]
    for place, wh in sold.items():
        assert wh <= life.meters.get(place, (0, 0))[1]
    for place, wh in bought.items():
        assert wh <= life.meters.get(place, (0, 0))[0]


def unsettled_in(state):
    """Return the trades that wait for their slot or for their meters."""
    assert {matches.round for matches in state.matches.values()} == {
        one.round for one in state.sides.values()
    }
    waiting = [
        trade
        for matches in state.matches.values()
        for trade in matches.trades(state.sides[str(matches.round)].sides)
    ]
    return waiting + [state.trades[name] for name in state.index.unsettled()]


def settled_trades(life):
    """Return the last version of all trades that came to something, disputed ones too."""
    return [trade for trade in life.latest["trades"].values() if trade["settled_wh"] is not None]


def check_certificates(life):
    """No Wh is certified, used or claimed twice, and nothing that no meter showed, corrections included."""
    state, by_asset = life.street.state, defaultdict(list)
    exported, used, brought = Counter(), Counter(), Counter()
    for part in life.latest["certificates"].values():
        assert part["wh"] == part["end"] - part["first"] > 0
        assert part["id"] == f"{part['asset']}.{part['first']}"
        assert (part["claimed_for"] is not None) == (part["state"] == "claimed")
        by_asset[part["asset"]].append((part["first"], part["end"]))
        if part["state"] == "withdrawn":
            continue
        exported[state.assets[part["asset"]].point, part["slot"]] += part["wh"]
        if part["consumer"] is not None:
            assert part["consumed_slot"] == part["slot"]
            used[state.assets[part["consumer"]].point, part["slot"]] += part["wh"]
            brought[part["trade"]] += part["wh"]
    for asset, ranges in by_asset.items():
        starts, ends = zip(*sorted(ranges), strict=True)
        assert (0, *ends) == (*starts, state.tallies[asset].next)
    for place, wh in exported.items():
        assert wh <= life.meters[place][1]
    for place, wh in used.items():
        assert wh <= life.meters[place][0]
    for trade, wh in brought.items():
        row = life.latest["trades"][trade]
        assert wh <= row["settled_wh"] + row["passed_wh"]


def check_stores(life):
    """A store gives out what went in, less its loss."""
    parts, stores = life.latest["certificates"].values(), Counter()
    for part in parts:
        stores[part["asset"]] -= part["wh"] * 1000
        if part["consumer"] and part["state"] != "withdrawn":
            stores[part["consumer"]] += part["wh"] * EFFICIENCY
    for tally in life.street.state.tallies.values():
        asset = tally.asset
        if life.street.state.assets[asset].source == "storage":
            assert sum(tally.store.values()) == stores[asset]


def check_review(life):
    """What was settled piece by piece as readings came in is what the whole slot comes to at once."""
    before = sorted(canonical(row) for row in life.street.ledger.rows() if row.table == "trades")
    for slot in list(life.street.state.slots.closed):
        review(life.street.state, slot)
    assert before == sorted(canonical(row) for row in life.street.ledger.rows() if row.table == "trades")


def check_trades(life):
    """A trade is matched until its slot starts, then it delivers, and it is settled when the grace ends."""
    state, timing = life.street.state, life.street.state.timing
    unsettled = unsettled_in(state)
    for trade in unsettled:
        assert (timing.end if trade.internal else timing.grace_over)(trade.slot) > state.time
        assert trade.state == ("matched" if timing.start(trade.slot) > state.time else "delivering")
    decided = any(event.type == "claim.decided" for event in life.street.outcomes[-1].events)
    for trade in state.trades.values():
        assert timing.final(trade.slot) > state.time or trade.slot in state.slots.claimed or decided
        disputed = any(
            (point, trade.slot) in state.slots.claims for point in (trade.sell_point, trade.buy_point)
        )
        assert (trade.state == "disputed") == (disputed and not trade.internal)
    places = {(point, t.slot) for t in state.trades.values() for point in (t.sell_point, t.buy_point)}
    assert state.index._at.keys() == places
    assert set(state.index.slots()) == {trade.slot for trade in unsettled}


@settings(max_examples=120, deadline=None)
@given(seeds, steps)
def test_money_meters_holds_and_trades_are_right_after_every_step(seed, steps):
    life = Life(seed)
    for _ in range(steps):
        life.step()
        check_money(life)
        check_holds(life)
        check_fills(life)
        check_trades(life)
        check_certificates(life)
        check_stores(life)
        check_review(life)
    check_meters(life)
    for outcome in life.street.outcomes:
        assert all(result.code is None or result.code in CODES for result in outcome.results)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_same_commits_give_the_same_ledger_and_events_without_gap(seed):
    """The twin of a life is compared commit by commit; here two whole lives are."""
    lives = [Life(seed) for _ in range(2)]
    for life in lives:
        for _ in range(40):
            life.step()
    first, second = (written(*life.street.outcomes) for life in lives)
    assert first == second
    for outcome in lives[0].street.outcomes:
        assert outcome.lines == tuple(event.encode() for event in outcome.events)
    cursors = [event.cursor for outcome in lives[0].street.outcomes for event in outcome.events]
    assert cursors == list(range(1, len(cursors) + 1))


class Fragile(Life):
    """A life in which the twin loses its memory after every single commit."""

    def commit(self, *transactions):
        results = super().commit(*transactions)
        self.the_twin_is_restored()
        return results


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 60))
def test_a_crash_between_any_two_commits_changes_nothing(seed, steps):
    """What follows is the same to the letter, results, events, rows and root, as `Life.commit` compares."""
    life = Fragile(seed)
    born = life.twin.commit
    for _ in range(steps):
        life.step()
    assert life.seen["crashed"] >= life.twin.commit - born
    check_money(life)
    check_meters(life)
    check_certificates(life)


def test_lives_are_rich_enough_to_prove_something():
    """Every event the ledger knows happens in a few long lives, penalties and feeder rents among them.

    So does all that can go wrong with readings: a repeated or a contradicting one, none, one that comes late,
    claims that contradict each other, corrections of what was read and of what was missing, and crashes.
    """
    seen = Counter()
    for seed in range(40):
        life = Life(seed)
        for _ in range(120):
            life.step()
        for trade in life.street.events("trade.settled"):
            seen["seller penalty"] += trade["seller_penalty"] > 0
            seen["buyer penalty"] += trade["buyer_penalty"] > 0
            seen["feeder rent"] += trade["seller_price"] < trade["buyer_price"]
            seen["settled"] += trade["settled_wh"] > 0
        seen.update(event.type for outcome in life.street.outcomes for event in outcome.events)
        seen["owing"] += any(account.balance < 0 for account in life.street.state.accounts.values())
        seen += life.seen
    for what in [
        "order.filled", "order.lapsed", "order.cancelled", "round.cleared", "round.void", "clearing.refused",
        "trade.metered", "trade.overdue", "seller penalty", "buyer penalty", "feeder rent", "settled",
        "repeated", "duplicated", "contradicted", "late", "corrected", "brought later", "crashed",
        "trade.reviewed",
    ]:  # fmt: skip
        assert seen[what] >= 5, (what, seen)
    for what in ["owing", "claims against each other", "certificate.withdrawn"]:
        assert seen[what], (what, seen)
