"""District figures add up, and compare the peak with what it would have been without shifting."""

from energy_ledger.ledger import district
from energy_ledger.ledger.trading_rows import DayTotal, Order, Reading
from energy_ledger.order_terms import FlexibleTerms


def day(**more):
    figures = {"imported_wh": 0, "exported_wh": 0, "produced_wh": 0, "self_consumed_wh": 0} | more
    return DayTotal(asset="a", day=1, account="x", commit=1, transaction="t", **figures)


def reading(asset, slot, imported, exported=0):
    return Reading(
        asset=asset, slot=slot, imported_wh=imported, exported_wh=exported, commitment="", account="x",
        commit=1, transaction="t",
    )  # fmt: skip


def load(identity, earliest, most, energy):
    terms = FlexibleTerms(
        price=1, energy_wh=energy, earliest=earliest, deadline=earliest + 20, max_wh_per_slot=most
    )
    return Order(
        id=identity, account="x", asset="a", order=terms, state="filled", held=0, placed=0, number=1, commit=1
    )


def test_local_energy_is_what_was_consumed_where_it_was_made():
    roof = day(produced_wh=9_000, self_consumed_wh=4_000, exported_wh=5_000, imported_wh=1_000)
    flat = day(imported_wh=6_000)
    energy = district.add_up([roof, flat], [], shared_wh=2_000)
    assert energy.consumed_wh == 11_000
    assert energy.local_wh == 6_000
    assert energy.balance_wh == -2_000
    assert district.ppm(energy.local_wh, energy.consumed_wh) == 545_454
    assert district.ppm(1, 0) is None


def test_the_peak_is_net_of_what_members_gave_and_of_equals_the_first():
    imports = district.net_imports([reading("a", 1, 500), reading("b", 1, 0, 200), reading("a", 2, 300)])
    assert imports == {1: 300, 2: 300}
    assert district.peak(imports) == district.Peak(1, 300)
    assert district.peak({}) is None


def test_the_baseline_runs_every_flexible_load_at_once():
    imports = {1: 100, 2: 100, 3: 100, 4: 300}
    order = load("car", earliest=1, most=150, energy=200)
    taken = {"car": {4: 200}}
    baseline = district.unshifted(imports, [order], taken)
    assert baseline == {1: 250, 2: 150, 3: 100, 4: 100}
    assert sum(baseline.values()) == sum(imports.values())
    assert district.moved([order], taken) == district.Moved(200, 200)


def test_a_load_that_ran_at_once_moved_nothing():
    order = load("car", earliest=1, most=150, energy=200)
    taken = {"car": {1: 150, 2: 50}}
    assert district.moved([order], taken) == district.Moved(200, 0)
    assert district.unshifted({1: 150, 2: 50}, [order], taken) == {1: 150, 2: 50}
