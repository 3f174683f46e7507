"""Where the files under test lie, and how they are read."""

import json
import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
APP = ROOT / "ledger_node"
INTEGRATION = ROOT / "custom_components" / "energy_marketplace"
SERVICE = APP / "rootfs" / "etc" / "s6-overlay" / "s6-rc.d" / "energy-ledger"
LANGUAGES = {"en", "pt", "pt-BR", "de", "es", "fr", "it", "nl", "nb"}


def read_yaml(path):
    return yaml.safe_load(path.read_text("utf-8"))


def read_json(path):
    return json.loads(path.read_text("utf-8"))


def read_toml(path):
    return tomllib.loads(path.read_text("utf-8"))


def requirements(path):
    """The pinned names of a requirements file, each with the number of its hashes."""
    entries = re.split(r"\n(?=\S)", path.read_text("utf-8").strip())
    pins = [entry for entry in entries if not entry.startswith("#")]
    return {pin.split(" ", 1)[0]: pin.count("--hash=sha256:") for pin in pins}
