"""`energy-ledger replay-dag`: the bare commit rule on a DAG that somebody drew.

Only the rule runs, no block validation: a block may have few ancestors or none, and list two of one author.
"""

import json
from dataclasses import dataclass
from typing import NoReturn

from energy_ledger.dag.base_committer import BaseCommitter, LeaderStatus
from energy_ledger.dag.blocks import BlockRef
from energy_ledger.dag.committee import Committee
from energy_ledger.dag.graph import Dag
from energy_ledger.dag.linearizer import Linearizer
from energy_ledger.dag.universal_committer import UniversalCommitter

MAX_ROUND = 1_000_000
"""Highest round that is replayed: the answer names every round up to the highest."""
_MOST_DIGITS = 1000


class ReplayError(ValueError):
    """The file is not a DAG that can be replayed; the message is one line for people."""


@dataclass(slots=True)
class _Drawing:
    """A DAG as drawn: its committee, its blocks by name, and the graph the rule runs on.

    Names stand in for digests; as UTF-8 they sort like the text itself.
    """

    committee: Committee
    dag: Dag
    names: dict[str, BlockRef]

    def find(self, name: str) -> BlockRef | None:
        """Return the block of this name, drawn or genesis."""
        return self.names.get(name) or self._genesis(name)

    def _genesis(self, name: str) -> BlockRef | None:
        number = name.removeprefix("G")
        if (
            number == name
            or not (number.isascii() and number.isdigit())
            or len(number) > len(str(self.committee.size))
        ):
            return None
        author = int(number)
        if str(author) != number or author >= self.committee.size:
            return None
        return BlockRef(0, author, _key(name))


def replay_dag(text: str) -> dict[str, object]:
    """Return the decision on every round and the linearised output of the decided prefix.

    The formats of `text` and of the answer are in `docs/consensus.md`. Raises ReplayError for bad input.
    """
    drawing = _read(_parse(text))
    universal = UniversalCommitter(BaseCommitter(drawing.dag, drawing.committee))
    statuses = universal.statuses()
    linearizer = Linearizer(drawing.dag)
    sequence = [
        ref
        for status in universal.take_decided()
        if status.block is not None
        for ref in linearizer.linearize(status.block).output
    ]
    return {
        "decisions": [_decision(status) for status in statuses],
        "sequence": [_name(ref) for ref in sequence],
    }


def _decision(status: LeaderStatus) -> dict[str, object]:
    return {
        "round": status.round,
        "leader": status.author,
        "decision": status.verdict.value,
        "block": None if status.block is None else _name(status.block),
        "rule": None if status.rule is None else status.rule.value,
    }


def _key(name: str) -> bytes:
    try:
        return name.encode()
    except UnicodeEncodeError as error:
        raise ReplayError(f"the id {name!a} is not Unicode text") from error


def _name(ref: BlockRef) -> str:
    return ref.digest.decode()


def _parse(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=_whole, parse_constant=_refuse_constant)
    except ReplayError:
        raise
    except RecursionError as error:
        raise ReplayError("not JSON that can be read: nested too deeply") from error
    except ValueError as error:
        raise ReplayError(f"not JSON: {error}") from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name in found if sum(name == other for other, _ in pairs) > 1)
        raise ReplayError(f"not JSON that can be read: an object has {twice!a} twice")
    return found


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ReplayError(f"not JSON that can be read: a number has {len(digits)} digits")
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise ReplayError(f"not JSON: {name} is no JSON number")


def _read(document: object) -> _Drawing:
    fields = _fields(document, "the file", required=("committee", "blocks"), optional=("quorum",))
    size = _integer(fields["committee"], "committee")
    quorum = _integer(fields["quorum"], "quorum") if "quorum" in fields else None
    try:
        committee = Committee.of(size, quorum)
    except ValueError as error:
        raise ReplayError(str(error)) from error
    drawing = _Drawing(committee, Dag(), {})
    for number, entry in enumerate(_list(fields["blocks"], "blocks"), 1):
        _read_block(drawing, entry, f"block {number}")
    return drawing


def _read_block(drawing: _Drawing, entry: object, place: str) -> None:
    fields = _fields(entry, place, required=("id", "author", "round", "ancestors"))
    name = _string(fields["id"], f"{place}: id")
    place = f"{place} ({name!a})"
    author = _integer(fields["author"], f"{place}: author")
    round_ = _integer(fields["round"], f"{place}: round")
    if not 0 <= author < drawing.committee.size:
        raise ReplayError(f"{place}: author {author} is not in a committee of {drawing.committee.size}")
    if not 1 <= round_ <= MAX_ROUND:
        raise ReplayError(f"{place}: round {round_} is not between 1 and {MAX_ROUND}")
    if drawing.find(name) is not None:
        raise ReplayError(f"{place}: the id is used twice or belongs to a genesis block")
    names = _list(fields["ancestors"], f"{place}: ancestors")
    ancestors = tuple(_ancestor(drawing, round_, one, place) for one in names)
    ref = BlockRef(round_, author, _key(name))
    drawing.names[name] = ref
    drawing.dag.add(ref, ancestors)


def _ancestor(drawing: _Drawing, round_: int, name: object, place: str) -> BlockRef:
    wanted = _string(name, f"{place}: ancestor")
    ref = drawing.find(wanted)
    if ref is None:
        raise ReplayError(f"{place}: ancestor {wanted!a} is unknown or comes later")
    if ref.round >= round_:
        raise ReplayError(f"{place}: ancestor {wanted!a} is of round {ref.round}, not of a lower one")
    return ref


def _fields(
    value: object, place: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, object]:
    fields = _typed(value, dict, place, "an object")
    missing = next((name for name in required if name not in fields), None)
    if missing is not None:
        raise ReplayError(f"{place}: {missing!a} is missing")
    unknown = next((name for name in fields if name not in (*required, *optional)), None)
    if unknown is not None:
        raise ReplayError(f"{place}: {unknown!a} is not a field here")
    return fields


def _list(value: object, place: str) -> list[object]:
    return _typed(value, list, place, "a list")


def _integer(value: object, place: str) -> int:
    return _typed(value, int, place, "an integer")


def _string(value: object, place: str) -> str:
    return _typed(value, str, place, "text")


def _typed[T](value: object, wanted: type[T], place: str, called: str) -> T:
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise ReplayError(f"{place} must be {called}")
    return value
