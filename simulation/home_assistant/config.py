"""Makes the configuration directory that the demo's Home Assistant starts from."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "energy_marketplace"
WASH_BUTTON = "input_button.wash"

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
input_button:
  wash:
    name: Wash, please
    icon: mdi:washing-machine-alert
script:
scene:
logger:
  default: warning
  logs:
    custom_components.energy_marketplace: info
    # What is missing on this machine and not needed here: cameras' ffmpeg and libturbojpeg.
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
    homeassistant.loader: error

modbus:
  # The relay beside the machine's meter.
  - name: laundry
    type: tcp
    host: 127.0.0.1
    port: {relay_port}
    timeout: 2
    switches:
      - name: {relay_name}
        unique_id: washing_machine_relay
        slave: 1
        address: 0
        write_type: coil
        scan_interval: 5
        verify:
          input_type: coil
"""

NEIGHBOUR = """\
  # In the demo, neighbours let everybody look at their meters.
  - name: {key}
    type: tcp
    host: 127.0.0.1
    port: {port}
    timeout: 2
    sensors:
      - name: {name}
        unique_id: {key}_power
        slave: 1
        address: 52
        input_type: input
        data_type: float32
        precision: 0
        device_class: power
        state_class: measurement
        unit_of_measurement: W
        scan_interval: 5
"""


@dataclass(frozen=True)
class Wiring:
    """What Home Assistant's own Modbus integration reaches: the relay, and each neighbour's meter by name."""

    relay_port: int
    neighbours: Mapping[str, int]
    relay_name: str = "Washing machine"

    def yaml(self) -> str:
        """Return the configuration file."""
        meters = (
            NEIGHBOUR.format(key=neighbour_key(place), name=name, port=port)
            for place, (name, port) in enumerate(self.neighbours.items(), 1)
        )
        return CONFIGURATION.format(relay_port=self.relay_port, relay_name=self.relay_name) + "".join(meters)


def neighbour_key(place: int) -> str:
    """Return the name under which the house at a place of the street is wired."""
    return f"house_{place}"


def write(directory: Path, port: int, wiring: Wiring) -> None:
    """Write a fresh configuration: YAML, the HTTP server on loopback, the integration and its blueprints."""
    storage = directory / ".storage"
    storage.mkdir(parents=True)
    (directory / "configuration.yaml").write_text(wiring.yaml())
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
