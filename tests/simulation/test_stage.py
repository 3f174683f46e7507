"""A run of the demo begins clean, and says so when it cannot begin."""

import json
import socket
from pathlib import Path

import pytest
import yaml

from simulation.home_assistant import config
from simulation.stage import Stage, StageError, free_ports, is_free

pytestmark = pytest.mark.usefixtures("socket_enabled")


class Loader(yaml.SafeLoader):
    """Reads Home Assistant's YAML, in which other files are included."""


Loader.add_constructor("!include", lambda loader, node: f"file {node.value}")


@pytest.fixture
def free_port() -> int:
    return free_ports(1)[0]


def test_a_fresh_stage_keeps_nothing_of_the_run_before_but_its_logs(tmp_path: Path, free_port: int):
    for name in ("first", "second"):
        stage = Stage.fresh(free_port, tmp_path)
        assert not (tmp_path / "node").exists()
        (tmp_path / "node").mkdir()
        (tmp_path / "node" / "ledger.db").write_text(name)
        (stage.folder / "logs" / "node.log").write_text(name)
    Stage.fresh(free_port, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "logs.before"]
    assert (tmp_path / "logs.before" / "node.log").read_text() == "second"


def test_a_taken_port_is_named_before_anything_is_touched(tmp_path: Path):
    (tmp_path / "precious").touch()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(StageError, match=f"port {port} is taken"):
            Stage.fresh(port, tmp_path)
    assert (tmp_path / "precious").exists()


def test_free_ports_are_free_and_different():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(map(is_free, ports))


def test_home_assistant_is_configured_for_loopback_the_relay_and_the_neighbours_meters(tmp_path: Path):
    config.write(tmp_path / "ha", 8199, config.Wiring(5020, {"Rosa": 5021, "Inês": 5022}))
    written = yaml.load((tmp_path / "ha" / "configuration.yaml").read_text(), Loader)
    relay, *houses = written["modbus"]
    assert (relay["port"], relay["switches"][0]["write_type"]) == (5020, "coil")
    assert [(house["port"], house["sensors"][0]["name"]) for house in houses] == [
        (5021, "Rosa"),
        (5022, "Inês"),
    ]
    assert written["automation"] == "file automations.yaml"
    http = json.loads((tmp_path / "ha" / ".storage" / "http").read_text())["data"]["stable"]
    assert (http["server_host"], http["server_port"]) == (["127.0.0.1"], 8199)


def test_home_assistant_finds_the_integration_and_its_blueprints(tmp_path: Path):
    config.write(tmp_path / "ha", 8199, config.Wiring(5020, {}))
    assert (tmp_path / "ha" / "custom_components" / config.DOMAIN / "manifest.json").is_file()
    assert (tmp_path / "ha" / "blueprints" / "automation" / config.DOMAIN / "request_energy.yaml").is_file()
