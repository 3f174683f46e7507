"""Tables of docs/protocol.md that are made from the node's code, each between two marks in the page."""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_args

from energy_ledger.kinds import KINDS
from energy_ledger.ledger import states
from energy_ledger.ledger.rights import RIGHTS, Right
from energy_ledger.ledger.states import MemberState

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
_MARKS = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: str, rows: Iterable[str]) -> str:
    """Write a table in Markdown; head and rows come with bars between their cells."""
    line = "|".join("---" for _ in head.split("|"))
    return "".join(f"{row}\n" for row in (f"| {head} |", f"|{line}|", *(f"| {row} |" for row in rows)))


def rights() -> str:
    """Who may send each kind, and in which states of membership."""
    rows = (f"`{kind}` | {_who(right)} | {_while(right)}" for kind, right in RIGHTS.items() if kind in KINDS)
    return table("kind | who | while", rows)


def _who(right: Right) -> str:
    if right.role is not None:
        return right.role
    return "member, auditor too" if right.auditors else "member"


def _while(right: Right) -> str:
    return ", ".join(state for state in get_args(MemberState.__value__) if state in right.states)


def _states(transitions: Mapping[tuple[str | None, str], str]) -> str:
    begun = [(after, event) for (before, event), after in transitions.items() if before is None]
    names = dict.fromkeys(transitions.values())
    rows = [f"— | {', '.join(f'`{after}` ({event})' for after, event in begun)}"]
    for name in names:
        following = [
            f"`{after}` ({event})" for (before, event), after in transitions.items() if before == name
        ]
        rows.append(f"`{name}` | {', '.join(following) or '—'}")
    return table("state | next (by)", rows)


TABLES = {
    "rights": rights,
    "member": lambda: _states(states.MEMBER),
    "asset": lambda: _states(states.ASSET),
    "order": lambda: _states(states.ORDER),
    "redemption": lambda: _states(states.REDEMPTION),
    "trade": lambda: _states(states.TRADE),
    "claim": lambda: _states(states.CLAIM),
    "certificate": lambda: _states(states.CERTIFICATE),
}


def main() -> int:
    """Write or compare the page."""
    text = PAGE.read_text("utf-8")
    found = [name for _, name, _ in _MARKS.findall(text)]
    missing = [name for name in TABLES if name not in found]
    if missing:
        print(f"docs/protocol.md has no place for the tables {', '.join(missing)}")
        return 1
    made = _MARKS.sub(lambda mark: mark[1] + TABLES[mark[2]]() + mark[3], text)
    if made == text:
        return 0
    if sys.argv[1:] == ["--check"]:
        print("docs/protocol.md has tables that the code contradicts; run scripts/write-tables")
        return 1
    PAGE.write_text(made, "utf-8")
    print("docs/protocol.md written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
