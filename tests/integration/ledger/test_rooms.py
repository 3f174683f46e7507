"""The plain rooms of the integration stand without Home Assistant."""

import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).parents[3] / "custom_components" / "energy_marketplace"
NEEDS_THE_CORE = {"meter.sources.shared_link", "meter.sources.entities"}

# The house's own door imports the core, so the rooms are entered beside it.
PROGRAM = """
import importlib, sys, types
house = types.ModuleType("energy_marketplace")
house.__path__ = [sys.argv[1]]
sys.modules["energy_marketplace"] = house
for name in ("homeassistant", "voluptuous", "energy_ledger", "modbus_connection"):
    sys.modules[name] = None
for name in sys.argv[2:]:
    importlib.import_module("energy_marketplace." + name)
"""


def modules() -> list[str]:
    found = []
    for room in ("ledger", "meter", "trading"):
        for path in sorted((HOUSE / room).rglob("*.py")):
            parts = path.relative_to(HOUSE).with_suffix("").parts
            found.append(".".join(parts).removesuffix(".__init__"))
    return [name for name in found if name not in NEEDS_THE_CORE]


def test_ledger_meter_and_trading_import_neither_the_core_nor_the_node():
    assert len(modules()) > 25
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(HOUSE), *modules()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
