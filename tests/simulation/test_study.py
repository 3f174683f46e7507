"""The study of the agent: small runs of it, and that its sums add up."""

import json
import sys

import numpy as np
import pytest

from simulation.study import __main__ as program
from simulation.study.house import House
from simulation.study.recordings import (
    HOMES,
    PER_DAY,
    HomePlan,
    RecordingsError,
    Visit,
    composed,
    recorded,
    simbench_folder,
)
from simulation.study.report import figures, table
from simulation.study.run import MINDS, Days, days_of, play
from simulation.study.street import START_SLOT

DAYS = Days(learned=3, lived=1)
SUNNY = HomePlan("Sunny", "", 2_500, roof="x", roof_w=8_000, battery_wh=6_000)
NEEDY = HomePlan("Needy", "", 4_000, car="x", car_w=3_700, heat="x", heat_year_kwh=3_000)


@pytest.fixture(scope="module")
def runs():
    """One day of two homes, of each mind."""
    recordings = composed([SUNNY, NEEDY], 5)
    said = []
    found = {mind: [play(recordings, MINDS[mind], DAYS, said.append)] for mind in MINDS}
    assert said == ["day 1 of 1"] * len(MINDS)
    return found


def test_two_homes_trade_for_a_day_and_neither_pays_more_than_with_the_supplier(runs):
    usual, agent = (days_of(runs[mind][0], DAYS) for mind in ("usual", "agent"))
    assert sum(day.sold_wh for day in agent) > 2_000
    for alone, together in zip(usual, agent, strict=True):
        assert together.bill < alone.bill
    assert runs["agent"][0].refusals == ()


def test_foresight_is_hardly_beaten_and_keeps_its_word(runs):
    bills = {mind: sum(day.bill for day in days_of(one[0], DAYS)) for mind, one in runs.items()}
    assert bills["foresight"] < bills["greedy"]
    days = days_of(runs["foresight"][0], DAYS)
    assert sum(day.short_sold_wh + day.short_bought_wh for day in days) < 0.02 * sum(d.sold_wh for d in days)


def test_what_one_home_is_paid_the_other_pays(runs):
    """What the market saves both is the spread of the supplier's prices, less the fee, on what settled."""
    played = runs["agent"][0]
    settled = sum(trade.settled_wh or 0 for trade in played.trades)
    days = days_of(played, DAYS)
    short = sum(trade.wh - min(trade.delivered_wh or 0, trade.taken_wh or 0) for trade in played.trades)
    assert sum(day.gained for day in days) == settled * (300_000 - 80_000)
    assert sum(day.sold_wh for day in days) == settled + short


def test_cars_leave_full_and_homes_stay_warm(runs):
    for mind in ("agent", "usual", "foresight"):
        assert sum(runs[mind][0].missed_wh.values()) == 0
        assert sum(runs[mind][0].cold_slots.values()) <= 8


def test_the_study_finds_the_same_every_time(runs):
    again = play(composed([SUNNY, NEEDY], 5), MINDS["agent"], DAYS, lambda _: None)
    assert [day.bill for day in days_of(again, DAYS)] == [day.bill for day in days_of(runs["agent"][0], DAYS)]


def test_figures_and_table_tell_of_every_mind(runs):
    found = figures(runs, DAYS)
    assert json.loads(json.dumps(found)) == found
    assert found["agent"]["dearer_than"]["usual"]["days"] == 0
    assert found["usual"]["dearer_than"]["alone"]["days"] > 0
    assert len(table(found).splitlines()) == 2 + len(MINDS)


def test_a_visit_ends_with_what_the_car_has():
    recording = composed([NEEDY], 3)[0]
    house = House(recording)
    house.begin(0)
    first = recording.visits[0]
    house.arrive(first.arrives)
    assert house.charge_car(5_000) == 925
    house.arrive(first.ready)
    assert house.missed_wh == first.needs_wh - 925
    assert house.car_needs_wh == 0


PROFILE = """time;H0-A_pload;car_pload;hp_pload
{rows}"""


@pytest.fixture
def folder(tmp_path):
    """Three days in SimBench's format."""
    loads, roofs = ["time;H0-A_pload;car_pload;hp_pload"], ["time;PV1"]
    for slot in range(3 * PER_DAY):
        charging = 1 if slot % PER_DAY in range(76, 84) else 0
        loads.append(f"x;0.5;{charging};{slot % 2}")
        roofs.append(f"x;{0.25 if slot % PER_DAY in range(40, 60) else 0}")
    (tmp_path / "LoadProfile.csv").write_text("\n".join(loads))
    (tmp_path / "RESProfile.csv").write_text("\n".join(roofs))
    return tmp_path


def test_recordings_are_read_as_they_were_measured(folder):
    plan = HomePlan(
        "A", "H0-A", 288, roof="PV1", roof_w=4_000, car="car", car_w=4_000, heat="hp", heat_year_kwh=144
    )
    (home,) = recorded(simbench_folder(folder), [plan], 1, 2)
    assert home.base_wh.tolist() == [1_000.0] * 2 * PER_DAY
    assert home.roof_wh[39:41].tolist() == [0.0, 250.0]
    assert home.heat_wh[:2].tolist() == [0.0, 1_000.0]
    # Eight quarter hours at 4 kW from 19:00; ready at seven.
    assert home.visits[0] == Visit(76, PER_DAY + 28, 8_000)


def test_missing_recordings_say_how_to_get_them(tmp_path, monkeypatch, capsys):
    with pytest.raises(RecordingsError, match="LoadProfile"):
        simbench_folder(tmp_path)
    monkeypatch.setattr(sys, "argv", ["study"])
    assert program.main() == 2
    assert "scripts/study" in capsys.readouterr().err


def test_the_program_prints_a_table_and_json(monkeypatch, capsys, folder):
    shared = ["study", "--composed", "--homes", "2", "--days", "1", "--learn", "1", "--minds", "usual"]
    monkeypatch.setattr(sys, "argv", shared)
    assert program.main() == 0
    out = capsys.readouterr()
    assert "| usual |" in out.out
    assert "season 1: day 1 of 1" in out.err
    monkeypatch.setattr(sys, "argv", [*shared, "--json"])
    assert program.main() == 0
    assert json.loads(capsys.readouterr().out)["usual"]["home_days"] == 2


def test_ten_different_homes_live_on_days_of_the_recorded_year():
    assert len({plan.name for plan in HOMES}) == 10
    assert len({(plan.people, plan.later_weeks) for plan in HOMES}) == 10
    assert np.datetime64("2016-01-01", "s").astype(int) == START_SLOT * 900
