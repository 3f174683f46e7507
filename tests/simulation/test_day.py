"""The simulated day: the same for everybody who asks, and plausible."""

from hypothesis import given
from hypothesis import strategies as st

from simulation.day import QuickDay
from simulation.habits import Household
from simulation.weather import Weather

hours = st.floats(min_value=0, max_value=200)
seeds = st.integers(min_value=0, max_value=10**6)


def test_a_day_of_quick_motion_takes_as_long_as_its_speed_says():
    day = QuickDay(started_s=1000.0, start_hour=10.0, speed=45.0)
    assert day.hour(1000.0) == 10.0
    assert day.hour(1000.0 + 24 * 3600 / 45) == 34.0
    assert day.clock(1000.0 + 80 * 45) == "07:00"


@given(seeds, hours)
def test_the_same_seed_gives_the_same_sky_and_the_same_habits(seed: int, hour: float):
    assert Weather(seed).sunshine(hour) == Weather(seed).sunshine(hour)
    assert Household(seed).watts(hour) == Household(seed).watts(hour)


@given(seeds, hours)
def test_clouds_only_take_light_and_never_more_than_the_overcast_share(seed: int, hour: float):
    weather = Weather(seed, overcast=0.6)
    assert 0.4 * weather.clear_sky(hour) - 1e-9 <= weather.sunshine(hour) <= weather.clear_sky(hour) <= 1


@given(seeds, st.floats(min_value=21, max_value=29))
def test_the_sun_gives_nothing_at_night(seed: int, hour: float):
    assert Weather(seed).sunshine(hour) == 0


@given(seeds)
def test_a_home_uses_between_one_and_twenty_kilowatt_hours_a_day(seed: int):
    wh = sum(Household(seed).watts(quarter / 4) / 4 for quarter in range(96))
    assert 1_000 < wh < 20_000


def test_two_homes_do_not_live_the_same_day():
    first, second = ([Household(seed).watts(hour) for hour in range(24)] for seed in (1, 2))
    assert first != second
