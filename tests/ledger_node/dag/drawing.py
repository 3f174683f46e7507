"""DAGs drawn by hand.

One line per round, one word per block. Authors are letters, A being author 0 (no G: G1 is a genesis block); a
prime marks a second block of the same author and round, two primes a third::

    1 | A      B      C      D
    2 | A      B(BCD) C      D(B'CD)
    3 | A      B      C(B1C2)

A word without parentheses lists the author's own block of the round before, then the others' of that round
(without primes). In parentheses stand the listed ancestors, in order: `B` is B's block of the round before,
`B1` that of round 1, `B'` its second block. Round 0 is genesis. A block's id is its word with the round: `B2`
or, for a primed one of round 1, `B'1`.
"""

import json
import re
from typing import Any

from energy_ledger.dag.replay import replay_dag

LETTERS = "ABCDEFHIJKLMNOPQRSTUVWXYZ"
_WORD = re.compile(r"([A-Z])('*)(?:\(([^)]*)\))?")
_ANCESTOR = re.compile(r"([A-Z])('*)(\d*)")


def block_id(letter: str, primes: str, round_: int) -> str:
    return f"G{LETTERS.index(letter)}" if round_ == 0 else f"{letter}{primes}{round_}"


def draw(committee: int, picture: str, quorum: int | None = None) -> dict[str, Any]:
    """Return the input of `replay-dag` for a picture."""
    blocks: list[dict[str, Any]] = []
    before = list(LETTERS[:committee])
    for line in picture.strip().splitlines():
        number, words = line.split("|")
        round_ = int(number)
        drawn = _WORD.findall(words)
        for letter, primes, listed in drawn:
            own_first = [letter] * (letter in before) + [one for one in before if one != letter]
            ancestors = [
                block_id(one, p, int(r) if r else round_ - 1)
                for one, p, r in _ANCESTOR.findall(listed or "".join(own_first))
            ]
            blocks.append(
                {
                    "id": block_id(letter, primes, round_),
                    "author": LETTERS.index(letter),
                    "round": round_,
                    "ancestors": ancestors,
                }
            )
        before = sorted({letter for letter, _, _ in drawn})
    return {"committee": committee, "blocks": blocks} | ({} if quorum is None else {"quorum": quorum})


def replay(drawing: dict[str, Any]) -> dict[str, Any]:
    return replay_dag(json.dumps(drawing))


def verdicts(drawing: dict[str, Any]) -> list[str]:
    """Return one short text per round: `commit B1 direct`, `skip indirect`, `undecided`."""
    return [
        " ".join(str(part) for part in (one["decision"], one["block"], one["rule"]) if part is not None)
        for one in replay(drawing)["decisions"]
    ]


def sequence(drawing: dict[str, Any]) -> str:
    return " ".join(replay(drawing)["sequence"])
