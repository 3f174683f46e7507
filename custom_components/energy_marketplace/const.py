"""Names that the integration's modules share."""

from datetime import timedelta
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "energy_marketplace"
PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TIME,
]
SUBENTRY_ASSET: Final = "asset"
EVENT_NEWS: Final = "energy_marketplace_news"
"""What the bus is told of a trade, an order or a payment that is worth a line in the logbook."""

# A member's entry.
CONF_ACCOUNT: Final = "account"
CONF_ADDRESS: Final = "address"
CONF_INVITE: Final = "invite"
CONF_HYBRID: Final = "hybrid"
CONF_NETWORK: Final = "network"
CONF_NODE_KEY: Final = "node_key"
CONF_PHRASE: Final = "phrase"
CONF_TEST: Final = "test"
CONF_KEEP_DAYS: Final = "keep_days"
KEEP_DAYS: Final = 400
"""How long the secrets of readings stay at home unless their owner says otherwise: a year, and its bill."""

# An asset's subentry; its unique id is the asset's id on the ledger.
CONF_ASSET_TYPE: Final = "asset_type"
CONF_BEHIND: Final = "behind"
CONF_CONTROL: Final = "control"
CONF_FEEDER: Final = "feeder"
CONF_HEAT: Final = "heat"
CONF_MAX_BUY_PRICE: Final = "max_buy_price"
CONF_METER: Final = "meter"
CONF_MIN_SELL_PRICE: Final = "min_sell_price"
CONF_RATED_EXPORT_W: Final = "rated_export_w"
CONF_RATED_IMPORT_W: Final = "rated_import_w"
CONF_SETTINGS: Final = "settings"

# A meter, within an asset's subentry.
CONF_BAUDRATE: Final = "baudrate"
CONF_FRAMING: Final = "framing"
CONF_EXPORTED_ENTITY: Final = "exported_entity"
CONF_IMPORTED_ENTITY: Final = "imported_entity"
CONF_INVERTED: Final = "inverted"
CONF_PARITY: Final = "parity"
CONF_POWER_ENTITY: Final = "power_entity"
CONF_PROFILE: Final = "profile"
CONF_REGISTERS: Final = "registers"
CONF_SCAN_INTERVAL_S: Final = "scan_interval_s"
CONF_STOP_BITS: Final = "stopbits"
CONF_UNIT_ID: Final = "unit_id"
METER_ENTITIES: Final = "entities"
METER_SERIAL: Final = "serial"
METER_TCP: Final = "tcp"
PROFILE_AUTO: Final = "auto"
PROFILE_REGISTERS: Final = "registers"

DEFAULT_SCAN_INTERVAL_S: Final = 10
SAMPLES_PER_SLOT: Final = 6
UPDATE_INTERVAL: Final = timedelta(minutes=1)

ASSET_TYPES: Final = (
    "solar",
    "wind",
    "hydro",
    "biogas",
    "battery",
    "charger",
    "heat_pump",
    "boiler",
    "appliance",
    "home",
    "other",
)
"""The ledger's asset types, in the order in which the flow offers them."""

SOURCES: Final = {
    "solar": "solar",
    "wind": "wind",
    "hydro": "hydro",
    "biogas": "biogas",
    "battery": "storage",
}
"""The source that the energy of an asset type counts as; other types that export name none."""

LOADS: Final = ("charger", "heat_pump", "boiler", "appliance")
"""The asset types that need some energy by some time, whenever it suits."""

HEATERS: Final = {"boiler": 1.0, "heat_pump": 3.0}
"""The loads that warm a tank, and the heat that each Wh of electricity usually makes (Wh)."""

LEAST_MINUTES: Final = {"boiler": 0, "heat_pump": 10}
"""How long what warms a tank usually has to run, and to rest, before it may be switched again."""

STRATEGIES: Final = ("save_money", "own_sunshine", "help_street", "only_sell", "only_buy")
"""What automatic trading is after, in the order in which it is offered."""

CONTROL_ENTITY: Final = "entity"
CONTROL_ON: Final = "on"
CONTROL_OFF: Final = "off"
CONTROL_KEEP_ON: Final = "keep_on"
CONTROL_LEVEL: Final = "level"
CONTROL_PLUGGED: Final = "plugged"

HEAT_SENSOR: Final = "temperature"
HEAT_LOW: Final = "low_c"
HEAT_HIGH: Final = "high_c"
HEAT_LITRES: Final = "litres"
HEAT_COP: Final = "cop"
HEAT_RUN: Final = "least_run"
HEAT_REST: Final = "least_rest"
