"""Tables of values that remember what changed since the last commit."""

from collections.abc import Callable, Iterable, Iterator, Mapping, ValuesView
from typing import Any, Final

from msgspec import Struct, convert

from energy_ledger.ledger.events import canonical
from energy_ledger.ledger.matches import Matches, RoundSides
from energy_ledger.ledger.rows import Entity, JsonRow, Used, UsedInvite, Work
from energy_ledger.ledger.trading_rows import ClosedOrder, Reading, Trade


class Row(Struct, frozen=True, gc=False):
    """A current row of a table, as storage keeps it."""

    table: str
    key: str
    row: JsonRow


_PLAIN: Final = (RoundSides, Matches, Trade, Reading, Used, UsedInvite, Work, ClosedOrder)
"""Kinds whose values write themselves as JSON just as their rows do."""


class Change(Struct, gc=False):
    """A value that a commit wrote (None: it is gone); `final`: the ledger will not touch it again.

    `value` is the entity itself, or the row that was kept of one.
    """

    table: str
    key: str
    value: Any
    final: bool
    _text: bytes | None = None

    @property
    def row(self) -> JsonRow | None:
        """The value as JSON types."""
        row: JsonRow | None = self.value if isinstance(self.value, dict | None) else self.value.row()
        return row

    @property
    def text(self) -> bytes:
        """The row as canonical JSON: what the root binds and the disk keeps, written once for both."""
        if self._text is None:
            self._text = canonical(self.value if isinstance(self.value, _PLAIN) else self.row)
        return self._text


class Table[E: Entity]:
    """The values of one kind that still matter, by key."""

    def __init__(self, kind: type[E]) -> None:
        self._kind = kind
        self._values: dict[str, E] = {}
        self.get: Callable[[str], E | None] = self._values.get
        """Returns the value with a key, or None. Nothing is asked more often, so nothing stands between."""
        self._changed: dict[str, E] = {}
        self._finished: dict[str, E | None] = {}

    @property
    def name(self) -> str:
        """The table's name in storage."""
        return self._kind.table

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a value with this key."""
        return key in self._values

    def __getitem__(self, key: str) -> E:
        """Return the value with this key, which must be there."""
        return self._values[key]

    def values(self) -> ValuesView[E]:
        """Return all values, in the order in which they came."""
        return self._values.values()

    def put(self, value: E) -> E:
        """Add or replace a value."""
        key = value.key
        self._values[key] = value
        self._changed[key] = value
        return value

    def add(self, values: Mapping[str, E]) -> None:
        """Add many values at once, by key."""
        self._values |= values
        self._changed |= values

    def finish(self, value: E) -> E:
        """Write the last state of a value and forget it."""
        key = value.key
        self._values.pop(key, None)
        self._changed.pop(key, None)
        self._finished[key] = value
        return value

    def forget(self, key: str) -> None:
        """Remove a value that nobody will ask for again."""
        del self._values[key]
        self._changed.pop(key, None)
        self._finished[key] = None

    def load(self, rows: Iterable[Any]) -> None:
        """Take values from rows that storage kept."""
        for row in rows:
            value = convert(row, self._kind, str_keys=True)
            self._values[value.key] = value

    def rows(self) -> Iterator[Row]:
        """Write all current values."""
        table = self.name
        return (Row(table, key, value.row()) for key, value in self._values.items())

    def take_changes(self) -> list[Change]:
        """Return what changed since the last call, and forget it."""
        table = self.name
        changes = [Change(table, key, value, False) for key, value in self._changed.items()]
        changes += [Change(table, key, value, True) for key, value in self._finished.items()]
        self._changed.clear()
        self._finished.clear()
        return changes
