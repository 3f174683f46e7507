"""What the repository says of itself is said once, or the same everywhere."""

import importlib.util
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from energy_ledger.network import announce

from .paths import APP, INTEGRATION, ROOT, read_json, read_toml, read_yaml

PROJECT = read_toml(ROOT / "pyproject.toml")["project"]
MANIFEST = read_json(INTEGRATION / "manifest.json")
WORKFLOWS = {path.name: read_yaml(path) for path in (ROOT / ".github" / "workflows").iterdir()}
HOME_ASSISTANT = Path(importlib.util.find_spec("homeassistant").origin).parent

UNVERSIONED_ACTIONS = {"home-assistant/actions/hassfest@master", "hacs/action@main"}
"""Their makers publish no versions: they check by today's rules on purpose."""


def newest_entry(changelog):
    return re.search(r"^## \[?([\d.]+)", changelog.read_text("utf-8"), re.MULTILINE)[1]


def test_every_part_carries_the_same_version():
    versions = {
        "pyproject.toml": PROJECT["version"],
        "manifest.json": MANIFEST["version"],
        "ledger_node/pyproject.toml": read_toml(APP / "pyproject.toml")["project"]["version"],
        "ledger_node/config.yaml": read_yaml(APP / "config.yaml")["version"],
        "CHANGELOG.md": newest_entry(ROOT / "CHANGELOG.md"),
        "ledger_node/CHANGELOG.md": newest_entry(APP / "CHANGELOG.md"),
    }
    assert set(versions.values()) == {PROJECT["version"]}, versions


def test_the_manifest_has_its_keys_in_the_order_hassfest_wants():
    keys = list(MANIFEST)
    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]


def test_the_manifest_names_the_folder_and_asks_for_what_the_project_asks_for():
    assert MANIFEST["domain"] == INTEGRATION.name
    assert [name.lower() for name in MANIFEST["requirements"]] == PROJECT["dependencies"]
    assert MANIFEST["config_flow"] is True
    assert MANIFEST["iot_class"] == "local_push"


def test_the_manifest_depends_only_on_integrations_of_the_core():
    for domain in [*MANIFEST["dependencies"], *MANIFEST["after_dependencies"]]:
        assert (HOME_ASSISTANT / "components" / domain / "manifest.json").exists(), domain


def test_no_integration_of_the_core_gets_another_version_of_a_library():
    ours = dict(requirement.lower().split("==") for requirement in MANIFEST["requirements"])
    for path in (HOME_ASSISTANT / "components").glob("*/manifest.json"):
        for requirement in read_json(path).get("requirements", []):
            name, _, version = requirement.lower().partition("==")
            assert version in ("", ours.get(name, version)), f"{path.parent.name} pins {requirement}"


def test_home_assistant_looks_for_the_service_that_the_node_announces():
    assert announce.SERVICE in MANIFEST["zeroconf"]


def test_hacs_finds_on_a_release_what_the_release_attaches():
    hacs = read_json(ROOT / "hacs.json")
    steps = WORKFLOWS["release.yml"]["jobs"]["integration"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert hacs["zip_release"] is True
    assert f"scripts/release-zip {hacs['filename']}" in commands
    assert f'gh release upload "$TAG" {hacs["filename"]}' in commands


def test_the_released_zip_holds_the_integration_and_nothing_else(tmp_path):
    archive = tmp_path / "energy_marketplace.zip"
    subprocess.run([ROOT / "scripts" / "release-zip", archive], check=True)
    names = zipfile.ZipFile(archive).namelist()
    assert {"manifest.json", "__init__.py", "brand/icon.png"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.startswith(("/", ".."))]


def test_the_repository_is_an_app_repository():
    assert read_yaml(ROOT / "repository.yaml")["name"]


def test_the_licence_is_the_one_that_every_part_names():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert re.search(r"Apache License\s+Version 2\.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == read_toml(APP / "pyproject.toml")["project"]["license"] == "Apache-2.0"


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_workflows_use_versions_of_actions_and_scripts_that_exist(name):
    for job in WORKFLOWS[name]["jobs"].values():
        for step in [job, *job.get("steps", [])]:
            used = step.get("uses", "")
            assert (
                not used or used.startswith("./") or used in UNVERSIONED_ACTIONS or re.search(r"@v?\d", used)
            )
            for script in re.findall(r"(?:^|\s)((?:scripts|\.ci)/[\w-]+)", step.get("run", "")):
                assert (ROOT / script).exists(), script


def test_workflows_may_by_themselves_only_read():
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {"contents": "read"}, name


@pytest.fixture
def checkout(tmp_path):
    """A copy of the repository in which the address may be changed."""
    ignored = shutil.ignore_patterns(".git", ".cache", "__pycache__", ".mypy_cache", ".ruff_cache", "*.png")
    return Path(shutil.copytree(ROOT, tmp_path / "checkout", ignore=ignored))


def write_address(checkout, *arguments):
    command = [checkout / "scripts" / "write-address", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def set_address(checkout, address):
    project = checkout / "pyproject.toml"
    text = re.sub(r'(?m)^Repository = ".*"$', f'Repository = "{address}"', project.read_text("utf-8"))
    project.write_text(text, "utf-8")


def test_every_file_names_the_address_that_the_project_has():
    done = write_address(ROOT, "--check")
    assert done.returncode == 0, done.stderr


def test_a_new_address_reaches_every_file(checkout):
    set_address(checkout, "https://github.com/Sunny/street-energy")
    assert write_address(checkout, "--check").returncode == 1
    assert write_address(checkout).returncode == 0
    assert write_address(checkout, "--check").returncode == 0
    manifest = read_json(checkout / "custom_components/energy_marketplace/manifest.json")
    assert manifest["documentation"] == "https://github.com/Sunny/street-energy"
    assert manifest["codeowners"] == ["@Sunny"]
    assert read_yaml(checkout / "ledger_node/config.yaml")["image"] == "ghcr.io/sunny/energy-ledger"
    left = [
        path.relative_to(checkout).as_posix()
        for path in checkout.rglob("*")
        if path.is_file() and b"energy-marketplace/energy-marketplace" in path.read_bytes()
    ]
    assert [path for path in left if not path.startswith("tests/")] == []


def test_an_address_that_begins_like_the_old_one_is_not_written_twice(checkout):
    old = PROJECT["urls"]["Repository"]
    set_address(checkout, f"{old}-two")
    assert write_address(checkout).returncode == 0
    assert "-two-two" not in (checkout / "repository.yaml").read_text("utf-8")
    set_address(checkout, old)
    assert write_address(checkout).returncode == 0
    assert (checkout / "repository.yaml").read_text("utf-8") == (ROOT / "repository.yaml").read_text("utf-8")


def test_a_file_that_lost_the_address_is_named(checkout):
    config = checkout / "ledger_node" / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("\nurl: ", "\nurl: https://example.org/"), "utf-8")
    done = write_address(checkout, "--check")
    assert done.returncode == 1
    assert "ledger_node/config.yaml does not say url: https://" in done.stderr


@pytest.mark.parametrize(
    "address", ["", "http://github.com/a/b", "https://github.com/a", "https://github.com/a/b/c"]
)
def test_something_that_is_no_address_changes_nothing(checkout, address):
    set_address(checkout, address)
    before = (checkout / "repository.yaml").read_text("utf-8")
    done = write_address(checkout)
    assert done.returncode == 2
    assert "is not https://<host>/<owner>/<name>" in done.stderr
    assert (checkout / "repository.yaml").read_text("utf-8") == before
