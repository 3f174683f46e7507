"""Finding the best slots: the promises of `best_window` and of what it is fed."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger.tariff import NetworkTariff
from custom_components.energy_marketplace.windows import SlotPrice, best_window, slot_prices

TARIFF = NetworkTariff(price_floor=80_000, price_cap=300_000, grid_fee=5_000)


def priced(*costs):
    return [SlotPrice(slot, cost, cost, known=True) for slot, cost in enumerate(costs, 100)]


def slots_of(window):
    return [item.slot for item in window.slots]


def test_the_cheapest_run_is_found_and_its_mean_price_told():
    window = best_window(priced(9, 5, 1, 3, 9), length=2)
    assert (slots_of(window), window.price) == ([102, 103], 2)


def test_the_dearest_run_is_found_for_giving():
    assert slots_of(best_window(priced(9, 5, 1, 8, 9), length=2, direction="export")) == [103, 104]


def test_slots_need_not_follow_each_other_when_they_may_be_apart():
    assert slots_of(best_window(priced(1, 9, 2, 9, 3), length=3, contiguous=False)) == [100, 102, 104]


def test_nothing_above_the_limit_is_taken():
    assert best_window(priced(3, 9, 3), length=2, limit=5) is None
    assert slots_of(best_window(priced(3, 9, 4), length=2, limit=5, contiguous=False)) == [100, 102]
    assert best_window(priced(3, 9), length=2, limit=5, direction="export") is None


def test_a_longer_window_than_there_are_slots_is_none():
    assert best_window(priced(1, 2), length=3) is None
    assert best_window(priced(1, 2), length=3, contiguous=False) is None


def test_what_nobody_traded_is_expected_as_on_the_days_before_or_as_the_grid():
    known = {100: 150_000, 200 - 96: 100_000, 200 - 192: 140_000}
    [agreed] = slot_prices(range(100, 101), known=known, tariff=TARIFF, slot_s=900)
    assert (agreed.buy, agreed.sell, agreed.known) == (155_000, 150_000, True)
    [expected] = slot_prices(range(200, 201), known=known, tariff=TARIFF, slot_s=900)
    assert (expected.buy, expected.sell, expected.known) == (125_000, 120_000, False)
    [grid] = slot_prices(range(300, 301), known={}, tariff=TARIFF, slot_s=900)
    assert (grid.buy, grid.sell, grid.known) == (305_000, 80_000, False)


@given(
    costs=st.lists(st.integers(0, 20), min_size=1, max_size=12),
    length=st.integers(1, 6),
    limit=st.none() | st.integers(0, 20),
    contiguous=st.booleans(),
    direction=st.sampled_from(["import", "export"]),
)
def test_no_other_choice_is_better(costs, length, limit, contiguous, direction):
    prices = priced(*costs)
    sign = 1 if direction == "import" else -1

    def fits(choice):
        within = limit is None or all(sign * costs[at] <= sign * limit for at in choice)
        return within and (not contiguous or list(choice) == list(range(choice[0], choice[0] + length)))

    able = [choice for choice in combinations(range(len(costs)), length) if fits(choice)]
    found = best_window(prices, length=length, direction=direction, limit=limit, contiguous=contiguous)
    if not able:
        assert found is None
    else:
        chosen = [slot - 100 for slot in slots_of(found)]
        assert fits(chosen)
        best = min(sign * sum(costs[at] for at in choice) for choice in able)
        assert sign * sum(costs[at] for at in chosen) == best
