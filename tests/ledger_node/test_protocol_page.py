"""The protocol's page names what the code takes and tells: kinds with their fields, events, tags."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from energy_ledger.kinds import KINDS
from energy_ledger.ledger.events import EventType
from energy_ledger.ledger.rights import RIGHTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")
HEADER = {"network", "account", "sequence", "expires", "kind"}


def table(heading):
    """Return the rows of the first table under a heading, split into cells."""
    part = PAGE.partition(heading)[2]
    lines = part[part.index("\n|") :].lstrip().split("\n\n")[0].splitlines()
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[2:]]


def names(text):
    return re.findall(r"`([a-z_.0-9-]+)`", text)


ROWS = {names(kind)[0]: (fields, who.strip()) for kind, fields, who in table("\n## Kinds\n")}


def test_every_kind_has_its_row_and_no_row_is_of_none():
    assert set(ROWS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_told_with_all_its_fields_and_which_may_be_left_out(kind):
    told, _ = ROWS[kind]
    fields = {one.encode_name: one.required for one in msgspec.structs.fields(KINDS[kind])}
    own = {name: required for name, required in fields.items() if name not in HEADER}
    assert own.keys() <= set(names(told))
    if "at least one of" not in told:
        left_out = set(re.findall(r"`([a-z_]+)`\?", told))
        assert left_out == {name for name, required in own.items() if not required}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in RIGHTS])
def test_who_may_send_a_kind_is_told_as_the_table_of_rights_has_it(kind):
    role, (_, who) = RIGHTS[kind].role, ROWS[kind]
    members = ("member", "its owner", "its holder", "who cancelled it")
    assert who.startswith({"node": "a validator's node account", None: members}.get(role, role))


def test_every_event_is_told_and_none_that_is_not():
    told = {name for cells in table("cursors rise by one.") for name in names(cells[0])}
    assert told == set(get_args(EventType.__value__))


def test_every_tag_is_told_and_none_that_is_not():
    sources = ROOT / "ledger_node" / "src" / "energy_ledger"
    used = {
        tag
        for file in sources.rglob("*.py")
        for tag in re.findall(
            r"(?:\btag\(\"|\"energy-ledger/)([a-z0-9-]+)(?:/v1\\x00)?\"", file.read_text("utf-8")
        )
    }
    told = {
        name for cells in table("\n## Bytes and tags\n") for name in re.findall(r"`([a-z0-9/-]+)`", cells[0])
    }
    assert used <= told
    assert {name for name in told - used if not name.startswith("key/")} == set()
    assert len(used) > 15
