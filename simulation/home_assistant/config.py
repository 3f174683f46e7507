"""Makes the configuration directory that the demo's Home Assistant starts from."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "energy_marketplace"

CONFIGURATION = """\
# Written anew by scripts/demo at every start.
homeassistant:
  name: Sunny Street 7
  country: PT
  language: en
  currency: EUR
  unit_system: metric
  time_zone: Europe/Lisbon
  latitude: 38.7107
  longitude: -9.1366
  elevation: 45
frontend:
config:
history:
logbook:
energy:
person:
zone:
sun:
system_health:
webhook:
blueprint:
automation: !include automations.yaml
script:
scene:
logger:
  default: warning
  logs:
    custom_components.energy_marketplace: info

# The relay beside the washing machine's meter.
modbus:
  - name: laundry
    type: tcp
    host: 127.0.0.1
    port: {relay_port}
    timeout: 2
    switches:
      - name: Washing machine
        unique_id: washing_machine_relay
        slave: {relay_unit}
        address: {relay_coil}
        write_type: coil
        scan_interval: 5
        verify:
          input_type: coil
"""


@dataclass(frozen=True)
class Relay:
    """Where the washing machine's relay answers on Modbus."""

    port: int
    unit: int
    coil: int


def write(directory: Path, port: int, relay: Relay) -> None:
    """Write a fresh configuration: YAML, the HTTP server on loopback, the integration and its blueprints."""
    storage = directory / ".storage"
    storage.mkdir(parents=True)
    text = CONFIGURATION.format(relay_port=relay.port, relay_unit=relay.unit, relay_coil=relay.coil)
    (directory / "configuration.yaml").write_text(text)
    (directory / "automations.yaml").write_text("[]\n")
    _store(storage, "http", 3, _http(port))
    # The YAML knows the location; answering this step over REST would add integrations that use the web.
    _store(storage, "onboarding", 4, {"done": ["core_config"]})
    _link_integration(directory)


def _http(port: int) -> dict[str, object]:
    stable = {
        "server_host": ["127.0.0.1"],
        "server_port": port,
        "cors_allowed_origins": ["https://cast.home-assistant.io"],
        "ip_ban_enabled": True,
        "login_attempts_threshold": -1,
        "ssl_profile": "intermediate_v6",
        "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00",
        "error": None,
        "error_message": None,
    }
    return {"stable": stable, "pending": None, "yaml_migration_done": True}


def _store(storage: Path, key: str, version: int, data: dict[str, object]) -> None:
    document = {"version": version, "minor_version": 1, "key": key, "data": data}
    (storage / key).write_text(json.dumps(document, indent=2))


def _link_integration(directory: Path) -> None:
    custom = directory / "custom_components"
    custom.mkdir()
    (custom / DOMAIN).symlink_to(ROOT / "custom_components" / DOMAIN, target_is_directory=True)
    shutil.copytree(ROOT / "blueprints", directory / "blueprints")
