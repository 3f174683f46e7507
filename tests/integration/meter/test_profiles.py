"""Every table against its maker's register list, and the loader against tables that say something wrong."""

import copy
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.energy_marketplace import meter
from custom_components.energy_marketplace.meter.probe import probe
from custom_components.energy_marketplace.meter.profiles import PROFILES
from custom_components.energy_marketplace.meter.profiles.fixed import FixedProfile
from custom_components.energy_marketplace.meter.profiles.table import (
    TABLES,
    TableError,
    load_tables,
    parse_table,
)
from custom_components.energy_marketplace.meter.readings import MeterError, MeterNonsenseError, Sample
from custom_components.energy_marketplace.meter.registers import Point, Register, read_layout
from custom_components.energy_marketplace.meter.sources.modbus_link import TcpLink, open_link
from tests.integration.meter.modbus_meter import HOLDING, INPUT, UNIT, Words, serving
from tests.integration.meter.register_examples import EXAMPLES, MISSING, Example
from tests.integration.meter.word_reader import AnyReader, WordReader

FIXED = {key: profile for key, profile in PROFILES.items() if isinstance(profile, FixedProfile)}
ONE_OF_EACH_SHAPE = (
    "abb_b23",
    "em24",
    "finder_7e23",
    "goodwe_inverter",
    "huawei_grid",
    "iem3155",
    "pac2200",
    "shelly_pro_3em",
    "sungrow_sh_grid",
    "victron_grid",
)
"""Together: integers of 16, 32 and 64 bits, both floats, both word orders, both functions, sums."""


def now() -> int:
    return 1_700_000_000_000


def expected(example: Example) -> Sample:
    return Sample(now(), example.imported_wh, example.exported_wh, example.power_w)


def test_every_table_has_an_example():
    assert EXAMPLES.keys() == FIXED.keys()


@pytest.mark.parametrize("key", EXAMPLES)
async def test_a_table_reads_what_the_register_list_says(key):
    assert await probe(WordReader(EXAMPLES[key].words()), PROFILES[key], clock=now) == expected(EXAMPLES[key])


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("key", ONE_OF_EACH_SHAPE)
async def test_every_shape_of_data_comes_through_a_real_modbus_server(key):
    words = EXAMPLES[key].words()
    async with serving(words) as port, open_link(TcpLink(host="127.0.0.1", port=port), UNIT) as reader:
        assert await probe(reader, PROFILES[key], clock=now) == expected(EXAMPLES[key])


@pytest.mark.usefixtures("socket_enabled")
async def test_words_that_an_owner_of_an_sdm72_published_are_read():
    words = Words()
    words.put(INPUT, 52, 50_195, 7819)
    words.put(INPUT, 72, 17_903, 45_703, 17_826, 26_757)
    async with serving(words) as port, open_link(TcpLink(host="127.0.0.1", port=port), UNIT) as reader:
        sample = await probe(reader, PROFILES["sdm72"], clock=now)
    assert (sample.imported_wh, sample.exported_wh) == (7_670_316, 5_197_065)
    assert sample.power_w == pytest.approx(-588.477, abs=0.001)


@pytest.mark.parametrize(("key", "function", "address", "kind", "order", "raw", "quantity"), MISSING)
async def test_what_a_meter_does_not_have_is_not_made_up(key, function, address, kind, order, raw, quantity):
    words = EXAMPLES[key].words()
    words.put_number(function, address, raw, kind, order)
    if quantity == "power":
        sample = await probe(WordReader(words), PROFILES[key], clock=now)
        assert (sample.power_w, sample.imported_wh) == (None, EXAMPLES[key].imported_wh)
    else:
        with pytest.raises(MeterNonsenseError, match=f"no {quantity} energy"):
            await probe(WordReader(words), PROFILES[key], clock=now)


async def test_strings_that_are_not_there_give_nothing():
    words = EXAMPLES["goodwe_inverter"].words()
    for address in (35_105, 35_109, 35_113, 35_117):
        words.put(HOLDING, address, 0xFFFF, 0xFFFF)
    assert (await probe(WordReader(words), PROFILES["goodwe_inverter"], clock=now)).power_w == 0


def test_who_counts_one_direction_only_says_so():
    one_way = {key: profile.counts_only for key, profile in FIXED.items() if profile.counts_only}
    assert one_way.pop("we514") == "imported"
    assert PROFILES["we514"].name.endswith("(import only)")
    assert set(one_way.values()) == {"exported"}
    assert all(": production" in PROFILES[key].name for key in one_way)


def test_where_a_device_answers_is_in_its_name_unless_it_is_the_usual_place():
    places = {
        key: one.name.rpartition("(unit id ")[2] for key, one in FIXED.items() if "(unit id" in one.name
    }
    inverters = {"goodwe_inverter", "goodwe_grid", "goodwe_battery"}
    assert places == dict.fromkeys(inverters, "247)") | dict.fromkeys(
        ("sma_inverter", "sma_grid", "sma_battery"), "3)"
    ) | {"finder_7m": "33)"}


@pytest.mark.parametrize("key", FIXED)
def test_the_registers_of_a_point_do_not_overlap(key):
    layout = FIXED[key].layout
    places = [
        (register.function, register.address + offset)
        for point in layout.points
        for register in point.registers
        for offset in range(register.count)
    ]
    assert len(places) == len(set(places))


def test_names_are_those_of_the_translations():
    path = Path(meter.__file__).parents[1] / "translations" / "en.json"
    labels = json.loads(path.read_text("utf-8"))["selector"]["profile"]["options"]
    assert {key: labels[key] for key in PROFILES} == {key: one.name for key, one in PROFILES.items()}


@pytest.mark.parametrize("key", FIXED)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), faults=st.sampled_from([0.0, 0.0, 0.3]))
async def test_whatever_stands_in_the_registers_is_a_sample_or_a_meter_error(key, seed, faults):
    try:
        sample = await read_layout(AnyReader(seed, faults=faults), FIXED[key].layout, now)
    except MeterError:
        return
    assert 0 <= sample.imported_wh < 10**15
    assert 0 <= sample.exported_wh < 10**15
    assert sample.power_w is None or abs(sample.power_w) < 10**15


TABLE = {
    "maker": "Someone",
    "sources": ["a manual"],
    "left_out": {},
    "registers": {"function": "input", "word_order": "big"},
    "profiles": [
        {
            "key": "one",
            "product": "One",
            "measures": "meter",
            "power": {"at": 0, "type": "int16", "exponent": {"at": 9, "type": "int16", "missing": -32768}},
            "imported": {"at": 1, "type": "uint32"},
            "exported": None,
            "identity": {
                "certainty": "certain",
                "checks": [
                    {"at": 5, "type": "uint16", "equals": [7]},
                    {"at": 6, "words": 2, "starts": ["On"]},
                ],
            },
        }
    ],
}


def changed(path: str, value: object) -> dict:
    table = copy.deepcopy(TABLE)
    *way, last = path.split(".")
    place = table
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    if value is KeyError:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return table


async def test_a_power_of_ten_may_be_in_a_table():
    (profile,) = parse_table(TABLE)
    words = Words()
    words.put(INPUT, 0, 250, 0, 4321)
    words.put_number(INPUT, 9, -1, "int16")
    assert await probe(WordReader(words), profile, clock=now) == Sample(now(), 4321, 0, 25.0)


POINT = "profiles.0.imported"
CHECKS = "profiles.0.identity.checks"


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("maker", "", "maker is no text"),
        ("sources", [], "sources is no list of something"),
        ("left_out", {"Two": ""}, "why Two is left out is no text"),
        ("profiles", [], "profiles is no list"),
        ("profiles", KeyError, "the table lacks profiles"),
        ("sauces", [], "does not know sauces"),
        ("registers.function", "coil", "function is none of holding, input"),
        ("registers.word_order", "middle", "word_order is none of big, little"),
        ("profiles.0", 7, "a profile is no object"),
        ("profiles.0.measures", "moon", "measures is none of"),
        ("profiles.0.exported", KeyError, "a profile lacks exported"),
        ("profiles.0.export", None, "does not know export"),
        ("profiles.0.imported", None, "one: it counts no energy"),
        ("profiles.0.unit_id", 256, "unit_id is no whole number from 0 to 255"),
        ("profiles.0.gap_words", True, "gap_words is no whole number"),
        (f"{POINT}.at", -1, "one: imported: at is no whole number"),
        (f"{POINT}.at", "1", "at is no whole number"),
        (f"{POINT}.at", 65_535, "longer than the address space"),
        (f"{POINT}.type", "uint24", "type is none of int16"),
        (f"{POINT}.type", "string", "type is none of int16"),
        (f"{POINT}.factor", 10, "factor is no text"),
        (f"{POINT}.factor", "ten", "factor is no number"),
        (f"{POINT}.factor", "0", "factor is no number that counts"),
        (f"{POINT}.factor", "NaN", "factor is no number that counts"),
        (f"{POINT}.facter", "10", "does not know facter"),
        (f"{POINT}.missing", 1.5, "missing is no whole number"),
        (f"{POINT}.absolute", 1, "absolute is neither true nor false"),
        (f"{POINT}.plus", [{"at": 3}], "a point lacks type"),
        (f"{POINT}.exponent", {"at": 3, "type": "float32"}, "an exponent is a whole number of one word"),
        ("profiles.0.power", {"at": 0, "type": "float32", "missing": 1}, "a float says by itself"),
        ("profiles.0.identity.certainty", "sure", "certainty is none of certain, likely, possible"),
        (CHECKS, [], "checks is no list"),
        (CHECKS, [{"at": 5, "type": "uint16", "between": ["1", "2"]}], "a range alone makes nothing certain"),
        (f"{CHECKS}.0", {"at": 5, "type": "uint16"}, "checked by equals or by between"),
        (f"{CHECKS}.0", {"at": 5, "type": "uint16", "equals": []}, "equals is no list"),
        (f"{CHECKS}.0", {"at": 5, "type": "uint16", "between": ["2", "1"]}, "the least and the most"),
        (f"{CHECKS}.1.words", 0, "words is no whole number"),
        (f"{CHECKS}.1.starts", [""], "starts is no text"),
        (f"{CHECKS}.1.ends", ["e"], "does not know ends"),
    ],
)
def test_a_table_that_says_something_wrong_is_refused_with_the_place(path, value, complaint):
    with pytest.raises(TableError, match=complaint):
        parse_table(changed(path, value))


def test_two_profiles_do_not_share_a_key(tmp_path):
    twice = copy.deepcopy(TABLE)
    twice["profiles"] *= 2
    with pytest.raises(TableError, match="two profiles have one key"):
        parse_table(twice)
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(TABLE))
    with pytest.raises(TableError, match=r"b.json: \['one'\] are in another table already"):
        load_tables(tmp_path)


def test_a_file_that_is_no_table_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(TableError, match=r"broken\.json: Expecting"):
        load_tables(tmp_path)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_no_other_data_is_taken_for_a_table(data):
    with pytest.raises(TableError):
        parse_table(data)


def test_the_tables_are_those_that_are_shipped():
    assert load_tables(TABLES).keys() == FIXED.keys()


@pytest.mark.parametrize(
    ("kind", "factor", "span"),
    [("uint32", "1", 2**32), ("int32", "10", 10 * 2**31), ("uint16", "0.1", 6_553), ("float32", "1", None)],
)
def test_a_register_begins_again_where_its_type_ends(kind, factor, span):
    point = Point(register=Register(address=1, type=kind), factor=Decimal(factor))
    assert point.span == span
    assert Point(register=point.register, plus=(point,)).span is None
