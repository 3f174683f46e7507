"""Adding an asset: what it is, where it hangs, its price limits, its meter; registering it on the ledger."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import split_entity_id
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from .assets import HomeAsset, assets_of
from .const import (
    ASSET_TYPES,
    CONF_ASSET_TYPE,
    CONF_BEHIND,
    CONF_CONTROL,
    CONF_FEEDER,
    CONF_HEAT,
    CONF_MAX_BUY_PRICE,
    CONF_METER,
    CONF_MIN_SELL_PRICE,
    CONF_RATED_EXPORT_W,
    CONF_RATED_IMPORT_W,
    CONF_SETTINGS,
    CONTROL_ENTITY,
    CONTROL_KEEP_ON,
    CONTROL_LEVEL,
    CONTROL_OFF,
    CONTROL_ON,
    CONTROL_PLUGGED,
    HEAT_COP,
    HEAT_HIGH,
    HEAT_LITRES,
    HEAT_LOW,
    HEAT_REST,
    HEAT_RUN,
    HEAT_SENSOR,
    HEATERS,
    SOURCES,
)
from .control import CONTROL_DOMAINS
from .flow_errors import FlowProblem, name_problem, problem_of
from .flow_meter import MeterSteps
from .flow_network import choice, price_selector, whole_number
from .ledger.answers import Asset
from .ledger.client import NodeError
from .ledger.units import NotExactError, price_from_nano, price_to_nano
from .schema import vol

if TYPE_CHECKING:
    from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator

GRID = "grid"
CONTROL_SCHEMA = vol.Schema(
    {
        vol.Optional(CONTROL_ENTITY): EntitySelector(EntitySelectorConfig(domain=list(CONTROL_DOMAINS))),
        vol.Optional(CONTROL_ON): TextSelector(),
        vol.Optional(CONTROL_OFF): TextSelector(),
        vol.Optional(CONTROL_KEEP_ON, default=False): BooleanSelector(),
        vol.Optional(CONTROL_LEVEL): EntitySelector(
            EntitySelectorConfig(domain="sensor", device_class="battery")
        ),
        vol.Optional(CONTROL_PLUGGED): EntitySelector(
            EntitySelectorConfig(domain=["binary_sensor", "input_boolean"])
        ),
    }
)
"""What an asset is switched by, and which entities say how it stands."""
HEAT_SCHEMA = vol.Schema(
    {
        vol.Optional(HEAT_SENSOR): EntitySelector(
            EntitySelectorConfig(domain="sensor", device_class="temperature")
        ),
        vol.Optional(HEAT_LOW, default=45): whole_number(5, 95, "°C"),
        vol.Optional(HEAT_HIGH, default=60): whole_number(5, 95, "°C"),
        vol.Optional(HEAT_LITRES, default=0): whole_number(0, 100_000, "L"),
        vol.Optional(HEAT_COP): NumberSelector(
            NumberSelectorConfig(min=0.5, max=10, step=0.1, mode=NumberSelectorMode.BOX)
        ),
        vol.Optional(HEAT_RUN): whole_number(0, 240, "min"),
        vol.Optional(HEAT_REST): whole_number(0, 240, "min"),
    }
)
"""What a boiler or heat pump warms, how far, and how often it may be switched."""
_NARROWEST_K = 2
_SWITCHING = (HEAT_RUN, HEAT_REST)
_LARGEST_W = 10_000_000
_RETIRED = "retired"
_TOLD = (CONF_RATED_IMPORT_W, CONF_RATED_EXPORT_W, CONF_BEHIND, CONF_FEEDER)
"""What, besides the name, the ledger knows and a reconfiguration may change."""


class AssetSubentryFlow(MeterSteps):
    """Add one asset to a member, or change it."""

    def __init__(self) -> None:
        """Know nothing yet."""
        super().__init__()
        self._answers: dict[str, Any] = {}

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the asset is."""
        if self._get_entry().state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="entry_not_loaded")
        return await self._describe("user", user_input, None)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what changed about the asset."""
        if self._get_entry().state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="entry_not_loaded")
        asset = HomeAsset.of(self._get_reconfigure_subentry())
        return await self._describe("reconfigure", user_input, asset)

    async def async_step_meter(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask how the asset is measured."""
        keep = ["keep_meter"] if self.source == SOURCE_RECONFIGURE else []
        return self.async_show_menu(
            step_id="meter", menu_options=[*keep, "meter_tcp", "meter_serial", "meter_entities"]
        )

    async def async_step_keep_meter(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change the asset and leave its meter."""
        problem = None
        if user_input is not None:
            result = await self.async_finish_meter(self._get_reconfigure_subentry().data[CONF_METER])
            if not isinstance(result, FlowProblem):
                return result
            problem = result
        return self._ask("keep_meter", vol.Schema({}), None, problem)

    async def async_finish_meter(self, meter: Mapping[str, Any]) -> SubentryFlowResult | FlowProblem:
        """Register the asset with its checked meter, or tell the ledger what changed, and keep it."""
        try:
            if self.source == SOURCE_RECONFIGURE:
                return await self._change(meter)
            asset = await self._register()
        except NodeError as error:
            return problem_of(error)
        data = {**self._data(), CONF_METER: dict(meter)}
        return self.async_create_entry(title=self._answers[CONF_NAME], data=data, unique_id=asset)

    @property
    def _coordinator(self) -> MarketCoordinator:
        entry: EnergyMarketplaceConfigEntry = self._get_entry()
        return entry.runtime_data.market

    async def _describe(
        self, step: str, user_input: dict[str, Any] | None, asset: HomeAsset | None
    ) -> SubentryFlowResult:
        problem = None
        if user_input is not None:
            problem = _problem_in(user_input)
            if problem is None:
                self._answers = user_input
                return await self.async_step_meter()
        shown = _shown(asset) if asset else {}
        return self._ask(step, self._schema(asset), user_input or shown, problem)

    def _schema(self, asset: HomeAsset | None) -> vol.Schema:
        """Return the form of an asset, None for a new one; of another kind nothing is asked about heat."""
        network = self._coordinator.network
        price = price_selector(f"{network.currency}/kWh")
        fields: dict[Any, Any] = {vol.Required(CONF_NAME): TextSelector()}
        if asset is None:
            fields[vol.Required(CONF_ASSET_TYPE)] = choice(ASSET_TYPES, CONF_ASSET_TYPE)
        fields |= {
            vol.Required(CONF_RATED_IMPORT_W, default=0): whole_number(0, _LARGEST_W, "W"),
            vol.Required(CONF_RATED_EXPORT_W, default=0): whole_number(0, _LARGEST_W, "W"),
            vol.Required(CONF_BEHIND, default=GRID): self._places(),
            vol.Optional(CONF_MIN_SELL_PRICE): price,
            vol.Optional(CONF_MAX_BUY_PRICE): price,
        }
        if network.feeders:
            feeders = [str(feeder["id"]) for feeder in network.feeders]
            fields[vol.Optional(CONF_FEEDER)] = choice(tuple(feeders), CONF_FEEDER)
        fields[vol.Optional(CONF_CONTROL, default={})] = section(CONTROL_SCHEMA, {"collapsed": True})
        if asset is None or asset.asset_type in HEATERS:
            fields[vol.Optional(CONF_HEAT, default={})] = section(HEAT_SCHEMA, {"collapsed": True})
        return vol.Schema(fields)

    def _places(self) -> SelectSelector:
        """Return the places where an asset can hang: the grid, or one of the home's connection points."""
        own = self.context.get("subentry_id")
        points = [
            SelectOptionDict(value=asset.id, label=asset.name)
            for asset in assets_of(self._get_entry())
            if asset.is_connection_point and asset.subentry_id != own
        ]
        return SelectSelector(
            SelectSelectorConfig(
                options=[SelectOptionDict(value=GRID, label=GRID), *points],
                translation_key="place",
                mode=SelectSelectorMode.DROPDOWN,
            )
        )

    def _data(self) -> dict[str, Any]:
        """Return the asset as its subentry keeps it."""
        answers = self._answers
        return {
            CONF_ASSET_TYPE: answers[CONF_ASSET_TYPE],
            CONF_RATED_IMPORT_W: answers[CONF_RATED_IMPORT_W],
            CONF_RATED_EXPORT_W: answers[CONF_RATED_EXPORT_W],
            CONF_BEHIND: None if answers[CONF_BEHIND] == GRID else answers[CONF_BEHIND],
            CONF_FEEDER: self._feeder(),
            CONF_MIN_SELL_PRICE: _nano(answers.get(CONF_MIN_SELL_PRICE)),
            CONF_MAX_BUY_PRICE: _nano(answers.get(CONF_MAX_BUY_PRICE)),
            CONF_CONTROL: {key: value for key, value in answers.get(CONF_CONTROL, {}).items() if value},
            CONF_HEAT: _heat(answers.get(CONF_HEAT, {})),
        }

    def _feeder(self) -> str:
        """Return the feeder: what hangs behind a connection point is on the same one."""
        behind = self._answers[CONF_BEHIND]
        points = {asset.id: asset.feeder for asset in assets_of(self._get_entry())}
        return str(points.get(behind, self._answers.get(CONF_FEEDER, "")))

    def _told(self) -> dict[str, Any]:
        """Return what the ledger is told of the asset and may be told anew."""
        data = self._data()
        return {CONF_NAME: self._answers[CONF_NAME]} | {key: data[key] for key in _TOLD}

    async def _register(self) -> str:
        """Return the asset's id on the ledger, after registering it there unless it is already."""
        data, told = self._data(), self._told()
        member = self._coordinator.member
        known = await self._registered_before()
        if known is not None:
            await self._update(known, told)
            return known.id
        source = SOURCES.get(data[CONF_ASSET_TYPE]) if data[CONF_RATED_EXPORT_W] else None
        receipt = await member.register_asset(asset_type=data[CONF_ASSET_TYPE], source=source, **told)
        return receipt.id

    async def _registered_before(self) -> Asset | None:
        """Return the same asset as an attempt that broke off, or a lost installation, registered it."""
        member = self._coordinator.member
        claimed = {asset.id for asset in assets_of(self._get_entry())}
        name, asset_type = self._answers[CONF_NAME], self._answers[CONF_ASSET_TYPE]
        return next(
            (
                asset
                for asset in await member.client.assets(account=member.address)
                if asset.id not in claimed
                and asset.state != _RETIRED
                and (asset.name, asset.asset_type) == (name, asset_type)
            ),
            None,
        )

    async def _change(self, meter: Mapping[str, Any]) -> SubentryFlowResult:
        """Tell the ledger what changed and keep it."""
        subentry = self._get_reconfigure_subentry()
        before = HomeAsset.of(subentry)
        self._answers[CONF_ASSET_TYPE] = before.asset_type
        await self._update(before, self._told())
        return self.async_update_and_abort(
            self._get_entry(),
            subentry,
            title=self._answers[CONF_NAME],
            data={
                **self._data(),
                CONF_METER: dict(meter),
                CONF_SETTINGS: subentry.data.get(CONF_SETTINGS, {}),
            },
        )

    async def _update(self, before: Asset | HomeAsset, told: Mapping[str, Any]) -> None:
        changed = {key: value for key, value in told.items() if getattr(before, key) != value}
        if changed:
            await self._coordinator.member.update_asset(before.id, **changed)


def _problem_in(answers: Mapping[str, Any]) -> FlowProblem | None:
    """Return what cannot be meant in a filled-in form."""
    if problem := name_problem(answers[CONF_NAME], CONF_NAME):
        return problem
    if not answers[CONF_RATED_IMPORT_W] and not answers[CONF_RATED_EXPORT_W]:
        return FlowProblem("no_rating", CONF_RATED_IMPORT_W)
    for key in (CONF_MIN_SELL_PRICE, CONF_MAX_BUY_PRICE):
        try:
            _nano(answers.get(key))
        except NotExactError as error:
            return problem_of(error, key)
    return _problem_in_control(answers.get(CONF_CONTROL, {})) or _problem_in_heat(answers)


def _problem_in_control(control: Mapping[str, Any]) -> FlowProblem | None:
    """Return what an entity cannot be set to when a delivery starts or ends."""
    domain = split_entity_id(control[CONTROL_ENTITY])[0] if CONTROL_ENTITY in control else ""
    given = [value for key in (CONTROL_ON, CONTROL_OFF) if (value := control.get(key))]
    if domain.endswith("select") and CONTROL_ON not in control:
        return FlowProblem("control_needs_option")
    if domain.endswith("number") and not all(_is_number(value) for value in given):
        return FlowProblem("control_needs_number")
    return None


def _problem_in_heat(answers: Mapping[str, Any]) -> FlowProblem | None:
    """Return why a band of temperatures cannot be kept."""
    heat = answers.get(CONF_HEAT, {})
    if HEAT_SENSOR not in heat:
        return None
    if answers.get(CONF_ASSET_TYPE, "boiler") not in HEATERS:
        return FlowProblem("not_heated")
    return FlowProblem("band_too_narrow") if heat[HEAT_HIGH] - heat[HEAT_LOW] < _NARROWEST_K else None


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _heat(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be kept of the heat: without a thermometer only how often it may be switched."""
    return {key: value for key, value in answers.items() if HEAT_SENSOR in answers or key in _SWITCHING}


def _nano(per_kwh: float | None) -> int | None:
    return None if per_kwh is None else price_to_nano(per_kwh)


def _shown(asset: HomeAsset) -> dict[str, Any]:
    """Return an asset as the form shows it."""
    prices = {CONF_MIN_SELL_PRICE: asset.min_sell_price, CONF_MAX_BUY_PRICE: asset.max_buy_price}
    return {
        CONF_NAME: asset.name,
        CONF_RATED_IMPORT_W: asset.rated_import_w,
        CONF_RATED_EXPORT_W: asset.rated_export_w,
        CONF_BEHIND: asset.behind or GRID,
        CONF_FEEDER: asset.feeder,
        CONF_CONTROL: dict(asset.control),
        CONF_HEAT: dict(asset.heat),
    } | {key: float(price_from_nano(nano)) for key, nano in prices.items() if nano is not None}
