"""What a node says when it is asked about history that it does not keep."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from energy_ledger.api.ports import Kind
from energy_ledger.api.problems import ProblemError, nothing
from energy_ledger.genesis import Rules
from energy_ledger.storage.reader import Begin
from energy_ledger.units import DAY_MS, MS_PER_S

_LASTING: Final[frozenset[Kind]] = frozenset({"account", "asset", "audit", "committee"})
"""What is never pruned."""


def begins(start: Begin) -> str:
    """Say from where on a node keeps history, as part of a sentence."""
    time = datetime.fromtimestamp(start.time // MS_PER_S, UTC).isoformat()
    return f"this node keeps history from commit {start.commit} ({time}) on"


def check_until(start: Begin, end: int, field: str) -> None:
    """Raise ProblemError `pruned` for a span of ledger time (ms) that ends before the history kept."""
    if start.commit and end <= start.time:
        raise ProblemError("pruned", begins(start), field)


def check_slots(start: Begin, rules: Rules, end: int) -> None:
    """Raise ProblemError `pruned` for a span of slots that ends (without `end`) before the history kept."""
    check_until(start, end * rules.slot_s * MS_PER_S, "until")


def check_days(start: Begin, end: int) -> None:
    """Raise ProblemError `pruned` for a span of days that ends (without `end`) before the history kept."""
    check_until(start, end * DAY_MS, "until")


def missing(start: Begin, rules: Rules, kind: Kind, key: str) -> ProblemError | None:
    """Return what to say of something that is not here, None where nothing is pruned that it may be among.

    What is named by a number was surely there once; of the rest nobody can tell.
    """
    if not start.commit or kind in _LASTING:
        return None
    with suppress(ValueError):
        if kind in ("round", "trade") and _close(rules, key.partition(".")[0]) <= start.time:
            return ProblemError("pruned", f"{kind} {key} is pruned: {begins(start)}")
    return nothing(kind, key, begins(start))


def _close(rules: Rules, number: str) -> int:
    """Return when a round closed (ms). Raises ValueError for what is no number of a round."""
    return int(number) * rules.round_s * MS_PER_S
