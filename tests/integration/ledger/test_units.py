"""Conversions between what people read and what the ledger counts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger import units
from custom_components.energy_marketplace.ledger.units import NotExactError

nanos = st.integers(-units.MAX_INTEGER, units.MAX_INTEGER)


@given(nanos)
def test_money_and_prices_survive_the_way_to_people_and_back(number):
    assert units.money_to_nano(units.money_from_nano(number)) == number
    assert units.price_to_nano(units.price_from_nano(number)) == number
    assert units.energy_to_wh(units.energy_from_wh(number)) == number


def test_a_price_per_kwh_is_a_million_nano_per_wh():
    assert units.price_to_nano("0.25") == 250_000
    assert units.price_from_nano(250_000) == Decimal("0.25")
    assert units.price_to_nano(0.1) == 100_000  # a float means the digits it prints


def test_price_times_energy_is_money():
    assert 3_000 * units.price_to_nano("0.2") == units.money_to_nano("0.6")


@pytest.mark.parametrize("value", ["0.0000001", 1e-7, "NaN", "Infinity", "ten", "", "1e30", float("inf")])
def test_what_the_ledger_cannot_hold_is_refused(value):
    with pytest.raises(NotExactError):
        units.price_to_nano(value)


def test_slots_are_counted_from_the_epoch():
    assert units.slot_at(899_999, 900) == 0
    assert units.slot_at(900_000, 900) == 1
    assert units.slot_start_ms(units.slot_at(1_774_000_000_000, 900), 900) <= 1_774_000_000_000
    assert units.slot_wh(3_600, 900) == 900
