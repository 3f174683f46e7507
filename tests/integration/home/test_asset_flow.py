"""Adding an asset with its meter, as a person does it; the meters are real Modbus servers."""

import asyncio

import pytest
from homeassistant.components.modbus import async_get_temporary_unit
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from modbus_connection import ModbusSerialParams

from custom_components.energy_marketplace import flow_meter, meter_source
from custom_components.energy_marketplace.assets import HomeAsset, async_set
from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.meter.detect import Candidate
from custom_components.energy_marketplace.meter.profiles import PROFILES, Certainty
from custom_components.energy_marketplace.meter.readings import MeterUnreachableError, Sample
from custom_components.energy_marketplace.trading.heat import Rhythm
from tests.integration.home.stand_in import StandIn
from tests.integration.home.stand_in import serving as serving_node
from tests.integration.meter.modbus_meter import HOLDING, INPUT, UNIT, Words, serving

HOME = {"name": "Home", "asset_type": "home", "rated_import_w": 17_250, "rated_export_w": 0, "behind": "grid"}


@pytest.fixture
def assets():
    return []


@pytest.fixture
async def meter():
    """An SDM120 that shows 1.5 kW, 1234.5 kWh imported, 67.25 kWh exported."""
    words = Words()
    words.put_number(INPUT, 0x0C, 1500.0, "float32")
    words.put_number(INPUT, 0x48, 1234.5, "float32")
    words.put_number(INPUT, 0x4A, 67.25, "float32")
    async with serving(words) as port:
        words.port = port
        yield words


def tcp(meter, **changes):
    return {"host": "127.0.0.1", "port": meter.port, "unit_id": UNIT, "profile": "sdm120"} | changes


def menu(choice):
    return {"next_step_id": choice}


async def walk(home, entry, *answers, context=None):
    flow = home.config_entries.subentries
    step = await flow.async_init((entry.entry_id, "asset"), context=context or {"source": SOURCE_USER})
    for answer in answers:
        step = await flow.async_configure(step["flow_id"], answer)
    await home.async_block_till_done()
    return step


async def add(home, entry, meter, **changes):
    done = await walk(home, entry, HOME | changes, menu("meter_tcp"), tcp(meter), {"inverted": False})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    return next(sub for sub in entry.subentries.values() if sub.title == done["title"])


async def test_a_meter_on_the_network_is_shown_before_it_is_kept(home, member, meter, node):
    step = await walk(home, member, HOME, menu("meter_tcp"), tcp(meter))
    assert step["step_id"] == "check"
    assert step["description_placeholders"] == {
        "power": "1500 W",
        "imported": "1234.500 kWh",
        "exported": "67.250 kWh",
    }
    assert node.assets == {}
    seen = {"inverted": False, "scan_interval_s": 5}
    done = await home.config_entries.subentries.async_configure(step["flow_id"], seen)
    await home.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    [running] = member.runtime_data.meters.values()
    assert running.update_interval.total_seconds() == 5
    [asset] = node.assets.values()
    [subentry] = member.subentries.values()
    assert subentry.unique_id == asset["id"]
    assert (asset["name"], asset["asset_type"], asset["rated_import_w"], asset["behind"]) == (
        "Home",
        "home",
        17_250,
        None,
    )
    assert float(home.states.get("sensor.home_power").state) == 1500
    assert float(home.states.get("sensor.home_imported_energy").state) == 1234.5


async def test_an_asset_hangs_behind_a_connection_point(home, member, meter, node):
    point = await add(home, member, meter)
    washer = await add(home, member, meter, name="Washer", asset_type="appliance", behind=point.unique_id)
    assert node.assets[washer.unique_id]["behind"] == point.unique_id


async def test_a_producer_names_its_source_and_price_limits(home, member, meter, node):
    roof = await add(
        home,
        member,
        meter,
        name="Roof",
        asset_type="solar",
        rated_import_w=0,
        rated_export_w=5_000,
        min_sell_price=0.09,
        max_buy_price=0.25,
    )
    assert node.assets[roof.unique_id]["source"] == "solar"
    assert (roof.data["min_sell_price"], roof.data["max_buy_price"]) == (90_000, 250_000)


async def test_an_asset_registered_by_a_broken_off_attempt_is_taken_up_again(home, member, meter, node):
    first = await add(home, member, meter)
    home.config_entries.async_remove_subentry(member, first.subentry_id)
    await home.async_block_till_done()
    again = await add(home, member, meter, rated_import_w=10_000)
    assert again.unique_id == first.unique_id
    assert len(node.assets) == 1
    assert node.assets[again.unique_id]["rated_import_w"] == 10_000


async def test_an_asset_like_one_that_was_retired_is_a_new_one(home, member, meter, node):
    first = await add(home, member, meter)
    home.config_entries.async_remove_subentry(member, first.subentry_id)
    await home.async_block_till_done()
    node.assets[first.unique_id]["state"] = "retired"
    again = await add(home, member, meter)
    assert again.unique_id != first.unique_id
    assert len(node.assets) == 2


async def test_a_refused_registration_leaves_nothing_behind(home, member, meter, node):
    node.refuse["asset.register"] = ("bad_value", "this name is too long")
    step = await walk(home, member, HOME, menu("meter_tcp"), tcp(meter), {"inverted": False})
    assert (step["step_id"], step["errors"]) == ("check", {"base": "refused"})
    assert step["description_placeholders"]["message"] == "this name is too long"
    assert dict(member.subentries) == {}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"port": 9}, "meter_unreachable"),
        ({"unit_id": 99}, "meter_nonsense"),
        ({"profile": "sdm630"}, "meter_nonsense"),
        ({"profile": "sunspec"}, "meter_nonsense"),
    ],
)
async def test_a_meter_that_cannot_be_read_is_explained(home, member, meter, change, error):
    step = await walk(home, member, HOME, menu("meter_tcp"), tcp(meter) | change)
    assert (step["step_id"], step["errors"]) == ("meter_tcp", {"base": error})


@pytest.mark.parametrize("name", ["", "x" * 65, "Roof\nnorth"])
async def test_a_name_that_the_ledger_would_refuse_is_explained_before_the_meter_is_asked(home, member, name):
    step = await walk(home, member, HOME | {"name": name})
    assert (step["step_id"], step["errors"]) == ("user", {"name": "bad_name"})


async def test_an_asset_without_any_power_is_explained(home, member):
    step = await walk(home, member, HOME | {"rated_import_w": 0})
    assert step["errors"] == {"rated_import_w": "no_rating"}
    step = await home.config_entries.subentries.async_configure(
        step["flow_id"], HOME | {"max_buy_price": 0.00000001}
    )
    assert step["errors"] == {"max_buy_price": "not_exact"}


def register(**changes):
    return {"type": "float32", "function": "input", "word_order": "big", "scale": "1"} | changes


async def test_a_meter_of_unknown_make_is_read_by_its_registers(home, member, meter, node):
    meter.put_number(HOLDING, 100, 4_200_000, "uint32", "little")
    energy = register(address=100, type="uint32", function="holding", word_order="little", scale="0.1")
    free = tcp(meter, profile="registers")
    step = await walk(
        home,
        member,
        HOME,
        menu("meter_tcp"),
        free,
        {"power": register(), "imported": energy, "exported": register()},
    )
    assert step["description_placeholders"] == {
        "power": "?",
        "imported": "420.000 kWh",
        "exported": "0.000 kWh",
    }


@pytest.mark.parametrize(
    ("imported", "error"),
    [
        (register(), "no_energy_register"),
        (register(address=0x48, scale="x"), "bad_register"),
        (register(address=9000), "meter_nonsense"),
    ],
)
async def test_registers_that_hold_no_energy_are_explained(home, member, meter, imported, error):
    step = await walk(
        home,
        member,
        HOME,
        menu("meter_tcp"),
        tcp(meter, profile="registers"),
        {"power": register(), "imported": imported, "exported": register()},
    )
    assert (step["step_id"], step["errors"]) == ("registers", {"base": error})


async def test_entities_serve_as_a_meter(home, member, node):
    energy = {"device_class": "energy", "unit_of_measurement": "kWh", "state_class": "total_increasing"}
    home.states.async_set("sensor.heat_pump_energy", "12.5", energy)
    home.states.async_set(
        "sensor.heat_pump_power", "0.75", {"device_class": "power", "unit_of_measurement": "kW"}
    )
    step = await walk(home, member, HOME, menu("meter_entities"), {})
    assert step["errors"] == {"imported_entity": "no_energy_entity"}
    configure = home.config_entries.subentries.async_configure
    step = await configure(step["flow_id"], {"imported_entity": "sensor.nothing"})
    assert step["errors"] == {"base": "meter_unreachable"}
    step = await configure(
        step["flow_id"],
        {"imported_entity": "sensor.heat_pump_energy", "power_entity": "sensor.heat_pump_power"},
    )
    assert step["description_placeholders"] == {
        "power": "750 W",
        "imported": "12.500 kWh",
        "exported": "0.000 kWh",
    }
    done = await configure(step["flow_id"], {"inverted": False})
    await home.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert home.states.get("sensor.home_power").state == "750.0"


async def test_an_exchanged_meter_is_turned_round(home, member, meter):
    done = await walk(home, member, HOME, menu("meter_tcp"), tcp(meter), {"inverted": True})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert float(home.states.get("sensor.home_power").state) == -1500
    assert float(home.states.get("sensor.home_imported_energy").state) == 67.25


async def test_a_changed_asset_is_told_to_the_ledger(home, member, meter, node):
    subentry = await add(home, member, meter)
    context = {"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id}
    changed = {key: value for key, value in HOME.items() if key != "asset_type"}
    step = await walk(
        home,
        member,
        changed | {"name": "Villa", "rated_export_w": 3_000, "min_sell_price": 0.1},
        menu("keep_meter"),
        {},
        context=context,
    )
    assert step["reason"] == "reconfigure_successful"
    update = node.submitted[-1]
    assert update["kind"] == "asset.update"
    assert (update["name"], update["rated_export_w"]) == ("Villa", 3_000)
    assert "rated_import_w" not in update
    changed_entry = member.subentries[subentry.subentry_id]
    assert changed_entry.title == "Villa"
    assert changed_entry.data["min_sell_price"] == 100_000
    assert changed_entry.data["meter"] == subentry.data["meter"]


async def test_a_refused_change_changes_nothing(home, member, meter, node):
    subentry = await add(home, member, meter)
    node.refuse["asset.update"] = ("has_open_orders", "open orders")
    context = {"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id}
    changed = {key: value for key, value in HOME.items() if key != "asset_type"} | {"rated_import_w": 1}
    step = await walk(home, member, changed, menu("keep_meter"), {}, context=context)
    assert (step["step_id"], step["errors"]) == ("keep_meter", {"base": "has_open_orders"})
    assert member.subentries[subentry.subentry_id].data["rated_import_w"] == 17_250


async def test_a_meter_on_a_serial_line_that_is_not_there_is_explained(home, member):
    line = {"device": "/dev/nothing", "baudrate": 9600, "parity": "N", "stopbits": 1, "unit_id": 1}
    step = await walk(home, member, HOME, menu("meter_serial"), line | {"profile": "sdm120"})
    assert (step["step_id"], step["errors"]) == ("meter_serial", {"base": "meter_unreachable"})


async def test_a_line_that_others_use_with_other_settings_is_explained(home, member, meter):
    await add(home, member, meter)
    line = {"device": "/dev/shared", "baudrate": 9600, "parity": "N", "stopbits": 1, "unit_id": 1}
    others = ModbusSerialParams(device="/dev/shared", baudrate=19_200)
    async with async_get_temporary_unit(home, others, 5):
        step = await walk(home, member, HOME, menu("meter_serial"), line | {"profile": "sdm120"})
    assert step["errors"] == {"base": "link_in_use"}


class TestFeeders:
    """A network whose grid has branches."""

    @pytest.fixture
    async def node(self, home):
        stand_in = StandIn(feeders=({"id": "north"}, {"id": "south"}))
        async with serving_node(stand_in) as url:
            stand_in.url = url
            yield stand_in

    async def test_what_hangs_behind_a_connection_point_is_on_its_feeder(self, home, member, meter, node):
        point = await add(home, member, meter, feeder="south")
        washer = await add(home, member, meter, name="Washer", behind=point.unique_id, feeder="north")
        assert [node.assets[sub.unique_id]["feeder"] for sub in (point, washer)] == ["south", "south"]


async def test_assets_wait_until_the_member_runs(home, entry):
    step = await walk(home, entry)
    assert (step["type"], step["reason"]) == (FlowResultType.ABORT, "entry_not_loaded")


async def test_an_asset_is_not_changed_while_the_member_does_not_run(home, member, meter):
    added = await add(home, member, meter)
    await home.config_entries.async_unload(member.entry_id)
    context = {"source": SOURCE_RECONFIGURE, "subentry_id": added.subentry_id}
    step = await walk(home, member, context=context)
    assert (step["type"], step["reason"]) == (FlowResultType.ABORT, "entry_not_loaded")


async def test_a_removed_asset_takes_its_entities_along(home, member, meter):
    subentry = await add(home, member, meter)
    home.config_entries.async_remove_subentry(member, subentry.subentry_id)
    await home.async_block_till_done()
    assert home.states.get("sensor.home_power") is None
    assert home.config_entries.async_entries(DOMAIN)[0].state is ConfigEntryState.LOADED


async def detected(home, entry, meter, *answers, **changes):
    """Let the flow find out which meter answers; return the step after that."""
    flow = home.config_entries.subentries
    step = await walk(home, entry, HOME, menu("meter_tcp"), tcp(meter, profile="auto", **changes))
    assert (step["type"], step["step_id"]) == (FlowResultType.SHOW_PROGRESS, "detect")
    await home.async_block_till_done()
    step = await flow.async_configure(step["flow_id"])
    for answer in answers:
        step = await flow.async_configure(step["flow_id"], answer)
    return step


async def test_a_device_that_may_be_several_is_asked_about(home, member, meter, monkeypatch):
    async def found(hass, settings):
        await asyncio.sleep(0)
        return tuple(Candidate(PROFILES[key], Certainty.LIKELY, "SDM") for key in ("sdm120", "sdm630"))

    monkeypatch.setattr(flow_meter, "async_detect", found)
    step = await detected(home, member, meter)
    assert step["step_id"] == "profile"
    assert step["description_placeholders"]["said"] == "SDM"
    step = await home.config_entries.subentries.async_configure(step["flow_id"], {"profile": "sdm630"})
    assert step["errors"] == {"base": "meter_nonsense"}
    step = await home.config_entries.subentries.async_configure(step["flow_id"], {"profile": "sdm120"})
    assert step["step_id"] == "check"
    done = await home.config_entries.subentries.async_configure(step["flow_id"], {"inverted": False})
    assert done["data"]["meter"]["profile"] == "sdm120"
    await home.async_block_till_done()


async def test_one_kind_alone_is_taken(home, member, meter, monkeypatch):
    async def found(hass, settings):
        await asyncio.sleep(0)
        return (Candidate(PROFILES["sdm120"], Certainty.LIKELY, ""),)

    monkeypatch.setattr(flow_meter, "async_detect", found)
    step = await detected(home, member, meter)
    assert step["step_id"] == "check"


async def test_a_device_that_is_no_known_meter_is_told(home, member, meter, monkeypatch):
    async def found(hass, settings):
        await asyncio.sleep(0)
        return ()

    monkeypatch.setattr(flow_meter, "async_detect", found)
    step = await detected(home, member, meter)
    assert (step["step_id"], step["errors"]) == ("meter_tcp", {"profile": "meter_unknown"})


async def test_a_link_on_which_nobody_answers_is_told(home, member, meter, monkeypatch):
    async def silent(reader):
        await asyncio.sleep(0)
        raise MeterUnreachableError("nobody")

    monkeypatch.setattr(meter_source, "detect", silent)
    step = await detected(home, member, meter)
    assert (step["step_id"], step["errors"]) == ("meter_tcp", {"base": "meter_unreachable"})


async def test_frames_of_a_serial_line_over_the_network_are_a_choice(home, member, meter, monkeypatch):
    links = []

    async def look(reader, profile):
        links.append(reader)
        return Sample(at=0, imported_wh=1_000, exported_wh=0)

    monkeypatch.setattr(meter_source, "probe", look)
    step = await walk(home, member, HOME, menu("meter_tcp"), tcp(meter, framing="rtu"))
    assert step["step_id"] == "check"
    assert links
    assert meter_source._link({"type": "tcp", "host": "h", "port": 1, "framing": "rtu"}).framing == "rtu"


@pytest.mark.parametrize(
    ("control", "error"),
    [
        ({"entity": "select.mode"}, "control_needs_option"),
        ({"entity": "number.power", "on": "much"}, "control_needs_number"),
        ({"entity": "number.power", "off": "inf"}, "control_needs_number"),
    ],
)
async def test_what_an_entity_cannot_be_set_to_is_explained(home, member, control, error):
    step = await walk(home, member, HOME | {"control": control})
    assert (step["step_id"], step["errors"]) == ("user", {"base": error})


async def test_what_an_asset_is_switched_by_is_kept_and_shown_again(home, member, meter):
    added = await add(home, member, meter, control={"entity": "switch.machine", "keep_on": True})
    assert added.data["control"] == {"entity": "switch.machine", "keep_on": True}
    context = {"source": SOURCE_RECONFIGURE, "subentry_id": added.subentry_id}
    step = await walk(home, member, context=context)
    shown = next(key for key in step["data_schema"].schema if key == "control")
    inner = step["data_schema"].schema[shown].schema.schema
    suggested = {str(key): (key.description or {}).get("suggested_value") for key in inner}
    assert suggested["entity"] == "switch.machine"


async def test_settings_stay_when_an_asset_is_changed(home, member, meter):
    added = await add(home, member, meter)
    async_set(home, member, added.subentry_id, strategy="only_buy")
    context = {"source": SOURCE_RECONFIGURE, "subentry_id": added.subentry_id}
    changed = {key: value for key, value in HOME.items() if key != "asset_type"} | {"rated_import_w": 9_000}
    await walk(home, member, changed, menu("keep_meter"), {}, context=context)
    assert member.subentries[added.subentry_id].data["settings"] == {"strategy": "only_buy"}


TANK = {"temperature": "sensor.tank", "low_c": 45, "high_c": 60, "litres": 200}
BOILER = {"name": "Boiler", "asset_type": "boiler"}


async def test_a_boiler_tells_between_which_temperatures_it_is_kept(home, member, meter):
    point = await add(home, member, meter)
    boiler = await add(home, member, meter, **BOILER, behind=point.unique_id, heat=TANK)
    band = HomeAsset.of(boiler).band
    assert (band.low_c, band.high_c, band.litres, band.cop) == (45, 60, 200, 1.0)
    pump = await add(
        home,
        member,
        meter,
        name="Pump",
        asset_type="heat_pump",
        behind=point.unique_id,
        heat=TANK | {"cop": 3.4},
    )
    assert HomeAsset.of(pump).band.cop == 3.4


async def test_without_a_thermometer_nothing_is_kept_of_heat(home, member, meter):
    boiler = await add(home, member, meter, **BOILER, heat={"low_c": 40})
    assert boiler.data["heat"] == {}
    assert HomeAsset.of(boiler).band is None


async def test_how_often_a_heat_pump_may_be_switched_counts_without_a_thermometer_too(home, member, meter):
    kind = BOILER | {"asset_type": "heat_pump"}
    pump = await add(home, member, meter, **kind, heat={"least_run": 20, "least_rest": 5, "low_c": 40})
    assert pump.data["heat"] == {"least_run": 20, "least_rest": 5}
    assert HomeAsset.of(pump).rhythm == Rhythm(run_s=1_200, rest_s=300)


@pytest.mark.parametrize(("kind", "least_s"), [("heat_pump", 600), ("boiler", 0)])
async def test_where_nothing_is_said_a_heat_pump_runs_and_rests_for_ten_minutes(
    home, member, meter, kind, least_s
):
    pump = await add(home, member, meter, **BOILER | {"asset_type": kind})
    assert HomeAsset.of(pump).rhythm == Rhythm(run_s=least_s, rest_s=least_s)


@pytest.mark.parametrize(
    ("change", "heat", "error"),
    [
        (BOILER, {"high_c": 46}, "band_too_narrow"),
        (BOILER, {"low_c": 60, "high_c": 45}, "band_too_narrow"),
        ({"asset_type": "charger"}, {}, "not_heated"),
    ],
)
async def test_a_band_that_cannot_be_kept_is_explained(home, member, change, heat, error):
    step = await walk(home, member, HOME | change | {"heat": TANK | heat})
    assert (step["step_id"], step["errors"]) == ("user", {"base": error})


async def test_a_boilers_band_is_shown_and_changed(home, member, meter):
    boiler = await add(home, member, meter, **BOILER, heat=TANK)
    context = {"source": SOURCE_RECONFIGURE, "subentry_id": boiler.subentry_id}
    step = await walk(home, member, context=context)
    fields = step["data_schema"].schema["heat"].schema.schema
    shown = {field: field.description["suggested_value"] for field in fields if field.description}
    assert shown == TANK
    changed = {key: value for key, value in HOME.items() if key != "asset_type"} | {"name": "Boiler"}
    configure = home.config_entries.subentries.async_configure
    step = await configure(step["flow_id"], changed | {"heat": TANK | {"high_c": 46}})
    assert step["errors"] == {"base": "band_too_narrow"}
    step = await configure(step["flow_id"], changed | {"heat": TANK | {"high_c": 55}})
    step = await configure(step["flow_id"], menu("keep_meter"))
    step = await configure(step["flow_id"], {})
    await home.async_block_till_done()
    assert step["reason"] == "reconfigure_successful"
    assert HomeAsset.of(member.subentries[boiler.subentry_id]).heat["high_c"] == 55


async def test_nothing_is_asked_about_the_heat_of_what_is_not_heated(home, member, meter):
    point = await add(home, member, meter)
    context = {"source": SOURCE_RECONFIGURE, "subentry_id": point.subentry_id}
    step = await walk(home, member, context=context)
    assert "heat" not in step["data_schema"].schema
