"""What goes along with the code: diagnostics, translations in nine languages, blueprints, the manifest."""

import json
import re
import string
from pathlib import Path

import pytest
import yaml
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.components.blueprint.schemas import BLUEPRINT_SCHEMA
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict

from custom_components.energy_marketplace import flow_errors, services
from custom_components.energy_marketplace.condition import CONDITIONS
from custom_components.energy_marketplace.const import ASSET_TYPES, DOMAIN
from custom_components.energy_marketplace.diagnostics import async_get_config_entry_diagnostics
from custom_components.energy_marketplace.meter.profiles import PROFILES
from custom_components.energy_marketplace.service_input import _TRANSLATED_REFUSALS
from custom_components.energy_marketplace.system_health import _async_info
from custom_components.energy_marketplace.trigger import TRIGGERS
from tests.integration.home.stand_in import TOKEN, trade
from tests.integration.home.waiting import until

ROOT = Path(__file__).parents[3]
HERE = ROOT / "custom_components" / DOMAIN
LANGUAGES = ("en", "pt", "pt-BR", "de", "es", "fr", "it", "nl", "nb")


def leaves(tree, path=""):
    """Yield (path, text) of a translation file."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def translation(language):
    return dict(leaves(json.loads((HERE / "translations" / f"{language}.json").read_text("utf-8"))))


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


async def test_diagnostics_hold_nothing_that_is_secret_or_says_who_it_is(home, node, member, wallet):
    me = member.data["address"]
    await node.push_trade(trade("1.0", 5, buyer=me))
    await until(lambda: member.runtime_data.market.connected)
    text = json.dumps(await async_get_config_entry_diagnostics(home, member))
    for secret in (*wallet.words, TOKEN, me, node.url, member.data["node_key"]):
        assert f'"{secret}"' not in text
        assert f" {secret} " not in text
    assert '"connected": true' in text
    assert '"slot_s": 900' in text


async def test_diagnostics_work_while_the_node_is_away(home, member):
    await home.config_entries.async_unload(member.entry_id)
    home.config_entries.async_update_entry(member, data={**member.data, "url": "http://127.0.0.1:9"})
    await home.config_entries.async_setup(member.entry_id)
    assert (await async_get_config_entry_diagnostics(home, member))["account"] is None


async def test_system_health_counts_members_and_nodes(home, member):
    assert await async_setup_component(home, "system_health", {})
    info = await _async_info(home)
    assert (info["members"], info["in_sync"]) == (1, True)


def test_the_manifest_lists_its_keys_in_the_order_hassfest_wants():
    manifest = json.loads((HERE / "manifest.json").read_text())
    keys = list(manifest)
    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_with_the_same_placeholders(language):
    english, other = translation("en"), translation(language)
    assert other.keys() == english.keys()
    for path, text in english.items():
        assert other[path].strip(), path
        assert placeholders(other[path]) == placeholders(text), path


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_translations_are_in_their_language(language):
    english, other = translation("en"), translation(language)
    same = [path for path, text in english.items() if other[path] == text and len(text.split()) > 3]
    assert same == []


def test_every_action_has_a_description_an_icon_and_the_fields_it_takes():
    texts = json.loads((HERE / "translations" / "en.json").read_text("utf-8"))["services"]
    icons = json.loads((HERE / "icons.json").read_text())["services"]
    described = yaml.safe_load((HERE / "services.yaml").read_text())
    assert texts.keys() == icons.keys() == described.keys() == services.ACTIONS.keys()
    for name, action in services.ACTIONS.items():
        taken = {str(key) for key in action.schema.schema}
        assert taken == described[name]["fields"].keys() == texts[name]["fields"].keys(), name


@pytest.mark.parametrize(("kind", "known"), [("triggers", TRIGGERS), ("conditions", CONDITIONS)])
def test_every_trigger_and_condition_has_a_description_an_icon_and_its_fields(kind, known):
    texts = json.loads((HERE / "translations" / "en.json").read_text("utf-8"))[kind]
    icons = json.loads((HERE / "icons.json").read_text())[kind]
    described = yaml.safe_load((HERE / f"{kind}.yaml").read_text())
    described = {name: described[name] for name in described if not name.startswith(".")}
    assert texts.keys() == icons.keys() == described.keys() == known.keys()
    for name, description in described.items():
        assert description["target"]["entity"]
        assert description.get("fields", {}).keys() == texts[name].get("fields", {}).keys(), name


def test_every_error_that_the_code_raises_has_its_sentence():
    texts = json.loads((HERE / "translations" / "en.json").read_text("utf-8"))
    code = "\n".join(path.read_text() for path in HERE.glob("*.py"))
    raised = set(re.findall(r'invalid\(\s*"(\w+)"', code)) | set(re.findall(r'_failed\("(\w+)"', code))
    raised |= set(re.findall(r'translation_key="(\w+)",\s*translation_placeholders', code)) - {"wallet"}
    raised |= {f"refused_{code}" for code in _TRANSLATED_REFUSALS}
    issues = texts["issues"].keys()
    assert raised - issues <= texts["exceptions"].keys()
    flow_keys = set(re.findall(r'FlowProblem\(\s*"(\w+)"', code))
    flow_keys |= {*flow_errors._BY_KIND.values(), *flow_errors._BY_CODE.values()}
    known = texts["config"]["error"].keys() | texts["config_subentries"]["asset"]["error"].keys()
    assert flow_keys <= known


def test_every_option_of_a_selector_has_its_text():
    selectors = json.loads((HERE / "translations" / "en.json").read_text("utf-8"))["selector"]
    assert selectors["asset_type"]["options"].keys() == set(ASSET_TYPES)
    assert selectors["profile"]["options"].keys() == {*PROFILES, "auto", "registers"}


@pytest.mark.parametrize("path", sorted((ROOT / "blueprints").rglob("*.yaml")), ids=lambda path: path.stem)
def test_blueprints_are_blueprints(path):
    blueprint = Blueprint(
        load_yaml_dict(str(path)), expected_domain="automation", path=str(path), schema=BLUEPRINT_SCHEMA
    )
    assert blueprint.validate() is None
    assert blueprint.name
