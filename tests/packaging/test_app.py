"""The app is what the Supervisor expects, and its files agree with each other."""

import os
import re
import struct
import subprocess
from pathlib import Path

import pytest

from energy_ledger.network.discovery import SERVICE as DISCOVERED
from energy_ledger.storage.directory import DataDirectory

from .paths import APP, INTEGRATION, LANGUAGES, ROOT, SERVICE, read_json, read_toml, read_yaml, requirements

CONFIG = read_yaml(APP / "config.yaml")
DOCKERFILE = (APP / "Dockerfile").read_text("utf-8")
PORT = "8710/tcp"
CONFIGS = ("config.yaml", "config.yml", "config.json")

REQUIRED_KEYS = {"name", "version", "slug", "description", "arch"}
KNOWN_KEYS = REQUIRED_KEYS | {
    *("machine", "url", "startup", "webui", "boot", "ports", "ports_description", "host_network", "host_ipc"),
    *("host_dbus", "host_pid", "host_uts", "devices", "homeassistant", "hassio_role", "hassio_api"),
    *("homeassistant_api", "docker_api", "privileged", "full_access", "apparmor", "map", "environment"),
    *("audio", "video", "gpio", "usb", "uart", "udev", "devicetree", "kernel_modules", "stdin", "legacy"),
    *("options", "schema", "image", "timeout", "tmpfs", "discovery", "services", "auth_api", "ingress"),
    *(
        "ingress_port",
        "ingress_entry",
        "ingress_stream",
        "panel_icon",
        "panel_title",
        "panel_admin",
        "backup",
    ),
    *("backup_pre", "backup_post", "backup_exclude", "stage", "init", "watchdog", "realtime", "journald"),
    *("breaking_versions", "ulimits"),
}
SCHEMA_ELEMENT = re.compile(
    r"(bool|email|url|port|(str|password|int|float)(\([^)]*,[^)]*\))?|match\(.+\)|list\([^|]+(\|[^|]+)*\))\??"
)


def png_size(path):
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG"
    return struct.unpack(">II", header[16:])


def test_the_supervisor_knows_every_key_and_misses_none():
    assert set(CONFIG) >= REQUIRED_KEYS
    assert set(CONFIG) <= KNOWN_KEYS


def test_name_slug_and_image_have_the_form_the_supervisor_demands():
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", CONFIG["slug"])
    assert re.fullmatch(r"([a-z\-.:\d]+/)*?([\-\w]+)/([\-\w]+)", CONFIG["image"])
    assert CONFIG["startup"] in {"initialize", "system", "services", "application", "once"}
    assert CONFIG["stage"] in {"stable", "experimental", "deprecated"}


def test_it_is_built_for_the_architectures_that_the_solver_has_wheels_for():
    assert CONFIG["arch"] == ["aarch64", "amd64"]
    built = read_yaml(ROOT / ".github" / "workflows" / "image.yml")["env"]["ARCHITECTURES"]
    assert sorted(re.findall(r'"(\w+)"', built)) == CONFIG["arch"]


def test_process_one_is_the_images_own():
    assert CONFIG["init"] is False


def test_the_service_it_announces_is_the_integration():
    assert CONFIG["discovery"] == [DISCOVERED]
    assert read_json(INTEGRATION / "manifest.json")["domain"] == DISCOVERED


def test_the_api_is_closed_to_the_house_at_first_and_the_port_for_links_is_open():
    """Links are encrypted and let in only who proves a key; the API is plain HTTP with a token."""
    assert CONFIG["ports"] == {PORT: None, "8711/tcp": 8711}
    assert CONFIG["watchdog"] == "http://[HOST]:[PORT:8710]/health"
    script = (SERVICE / "run").read_text("utf-8")
    assert '--port "${PORT:-8710}" --peer-port "${PEER_PORT:-8711}"' in script


def test_it_may_ask_the_supervisor_where_the_house_reaches_it_and_nothing_more():
    assert CONFIG["hassio_api"] is True
    assert "hassio_role" not in CONFIG


def test_the_watchdog_asks_a_path_that_needs_no_token():
    from energy_ledger.api.routes import ROUTES

    path = CONFIG["watchdog"].rpartition("]")[2]
    assert [route.open for route in ROUTES if (route.method, route.path) == ("GET", path)] == [True]


def test_a_backup_holds_keys_configuration_and_the_snapshot_of_a_clean_stop_but_no_database():
    place = DataDirectory(Path("/data"))
    assert CONFIG["backup"] == "cold"

    def is_excluded(path):
        return any(path.match(pattern) for pattern in CONFIG["backup_exclude"])

    for path in (place.database, place.ledger_start, place.snapshot_part, Path("/data/ledger.db-wal")):
        assert is_excluded(path)
    for name in ("node.key", "setup.token", "voice", "configuration", "snapshot", "options.json"):
        assert not is_excluded(place.path / name)


def test_every_option_has_a_default_and_a_type():
    assert set(CONFIG["options"]) == set(CONFIG["schema"])
    for kind in CONFIG["schema"].values():
        assert SCHEMA_ELEMENT.fullmatch(kind)


def test_the_default_log_level_is_one_of_those_offered():
    offered = CONFIG["schema"]["log_level"].removeprefix("list(").removesuffix(")").split("|")
    assert CONFIG["options"]["log_level"] in offered


def test_app_and_integration_ask_for_the_same_home_assistant():
    assert CONFIG["homeassistant"] == read_json(ROOT / "hacs.json")["homeassistant"]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_options_and_port_are_explained_in_every_language(language):
    text = read_yaml(APP / "translations" / f"{language}.yaml")
    assert set(text) == {"configuration", "network"}
    assert set(text["configuration"]) == set(CONFIG["schema"])
    assert all(set(option) == {"name", "description"} for option in text["configuration"].values())
    assert set(text["network"]) == set(CONFIG["ports"])


def test_no_language_is_left_in_english_and_none_is_missing():
    files = {path.stem: path.read_text("utf-8") for path in (APP / "translations").iterdir()}
    assert set(files) == LANGUAGES
    assert len(set(files.values())) == len(LANGUAGES)


def test_the_supervisor_finds_one_app_in_the_repository():
    folders = [folder for folder in ROOT.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    files = [ROOT / name for name in CONFIGS] + [
        path for folder in folders for path in folder.rglob("config.*")
    ]
    assert [path for path in files if path.name in CONFIGS and path.exists()] == [APP / "config.yaml"]
    assert not list(APP.glob("build.*"))


def test_the_base_image_is_pinned_to_its_content():
    bases = re.findall(r"^ARG BUILD_FROM=(\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 1
    assert re.fullmatch(r"ghcr\.io/home-assistant/base-debian:trixie-[\d.]+@sha256:[0-9a-f]{64}", bases[0])
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BUILD_FROM}"}


def test_the_image_carries_the_labels_of_an_app():
    for label in ('io.hass.type="app"', 'io.hass.arch="${BUILD_ARCH}"', 'io.hass.version="${BUILD_VERSION}"'):
        assert label in DOCKERFILE


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_everything_the_image_installs_is_pinned_and_hashed(name):
    pins = requirements(APP / name)
    assert pins
    for pin, hashes in pins.items():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+", pin)
        assert hashes > 0, f"{pin} has no hash"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_no_machines_package_index_is_in_the_requirements(name):
    assert "://" not in (APP / name).read_text("utf-8")
    assert "index" not in (APP / name).read_text("utf-8")


def test_the_image_installs_what_the_lock_file_says():
    script = ROOT / "scripts" / "export-requirements"
    done = subprocess.run([script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_image_is_built_with_the_projects_own_tools():
    pins = set(requirements(APP / "requirements-build.txt"))
    uv = re.search(r"^UV_VERSION=(\S+)", (ROOT / "scripts/lib/setup.sh").read_text("utf-8"), re.MULTILINE)
    assert f"uv=={uv[1]}" in pins
    assert set(read_toml(APP / "pyproject.toml")["build-system"]["requires"]) <= pins


def test_s6_starts_the_node_with_the_container():
    bundle = SERVICE.parent / "user" / "contents.d"
    assert [path.name for path in bundle.iterdir()] == ["energy-ledger"]
    assert (SERVICE / "type").read_text() == "longrun\n"
    assert (SERVICE / "dependencies.d" / "base").exists()
    for script in ("run", "finish"):
        assert os.access(SERVICE / script, os.X_OK)
        assert (SERVICE / script).read_text().startswith("#!/command/with-contenv bash\n")


@pytest.mark.parametrize(("ended", "code"), [(["0", "0"], "0"), (["3", "0"], "3"), (["256", "9"], "137")])
def test_when_the_node_ends_the_container_ends_with_its_exit_code(tmp_path, ended, code):
    halt = tmp_path / "bin" / "halt"
    halt.parent.mkdir()
    halt.write_text(f"#!/bin/sh\ntouch {tmp_path}/halted\n")
    halt.chmod(0o755)
    environment = {**os.environ, "RESULTS": str(tmp_path), "BASEDIR": str(tmp_path)}
    subprocess.run(["bash", SERVICE / "finish", *ended], env=environment, check=True)
    assert (tmp_path / "exitcode").read_text().strip() == code
    assert (tmp_path / "halted").exists()


def test_the_confinement_belongs_to_this_app_and_lets_the_node_write_only_its_data():
    text = (APP / "apparmor.txt").read_text("utf-8")
    assert re.findall(r"^profile (\w+)", text, re.MULTILINE) == [CONFIG["slug"]]
    node = text[text.index("profile node") :]
    writable = re.findall(r"^\s+(/\S+) \w*w\w*,", node, re.MULTILINE)
    assert writable == ["/dev/tty", "/data/**", "/tmp/{,**}"]


def test_pictures_have_the_sizes_that_home_assistant_shows():
    brand = INTEGRATION / "brand"
    assert png_size(APP / "icon.png") == (128, 128)
    assert png_size(brand / "icon.png") == (256, 256)
    assert png_size(brand / "icon@2x.png") == (512, 512)
    for name, shortest in (("logo", 256), ("logo@2x", 512), ("dark_logo", 256), ("dark_logo@2x", 512)):
        assert min(png_size(brand / f"{name}.png")) == shortest
    assert png_size(APP / "logo.png")[1] == 100
