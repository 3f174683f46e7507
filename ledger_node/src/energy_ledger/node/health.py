"""Whether this node is in step with the network, and if not why, in words for a person."""

from collections.abc import Iterator
from typing import Final

from energy_ledger.node.neighbours import Neighbours
from energy_ledger.node.running import Running
from energy_ledger.quorum import quorum_of
from energy_ledger.units import MS_PER_S

CLOCK_OFF_MS: Final = 60_000
"""How far clocks may differ before it is worth a word."""


def problem_of(running: Running, neighbours: Neighbours | None) -> str | None:
    """Say what is wrong and what to do, the most pressing first; None when nothing is."""
    own = running.problem()
    if own is not None or neighbours is None:
        return own
    return next(_problems(running, neighbours), None)


def may_fail(running: Running, neighbours: Neighbours | None) -> int:
    """Return how many more validators may fail before nothing is ordered; negative: too few are here."""
    present = len(neighbours.present) if neighbours else 1
    return present - quorum_of(len(running.standing.committee))


def _problems(running: Running, neighbours: Neighbours) -> Iterator[str]:
    yield from _clock(neighbours)
    if neighbours.target is not None:
        commit = running.standing.commit
        yield f"Catching up: commit {commit} of {max(commit, neighbours.target)}."
    if neighbours.others and not neighbours.all:
        yield "No other node is linked; check this machine's network and the addresses of the others."
    yield from _voice(neighbours)
    yield from _quorum(running, neighbours)


def _clock(neighbours: Neighbours) -> Iterator[str]:
    """Compare the clock with the middle one of the others'."""
    ahead = sorted(one.clock_ahead for one in neighbours.all)
    middle = ahead[(len(ahead) - 1) // 2] if ahead else 0
    if abs(middle) > CLOCK_OFF_MS:
        way = "behind" if middle > 0 else "ahead of"
        yield f"This machine's clock is {abs(middle) // MS_PER_S} s {way} those of the others; set it right."


def _voice(neighbours: Neighbours) -> Iterator[str]:
    if not (neighbours.is_validator and neighbours.is_muted):
        return
    missing = ", ".join(_names(neighbours, neighbours.unheard)) or "the others"
    if neighbours.ties.amnesiac:
        yield (
            "This validator lost its database, and is silent until every other validator has said what it "
            f"knows of it, or it is voted out. Missing: {missing}."
        )
    else:
        yield f"This validator asks the others for its newest block before it speaks. Missing: {missing}."


def _quorum(running: Running, neighbours: Neighbours) -> Iterator[str]:
    if not neighbours.others:
        return
    present, size = len(neighbours.present), len(running.standing.committee)
    if present < quorum_of(size):
        absent = [key for key in neighbours.others if key not in neighbours.present]
        yield (
            f"Nothing is ordered now: {present} of {size} validators are here, {quorum_of(size)} must be. "
            f"Missing: {', '.join(_names(neighbours, absent))}."
        )


def _names(neighbours: Neighbours, keys: list[bytes]) -> list[str]:
    return [_name(neighbours, key) for key in keys]


def _name(neighbours: Neighbours, key: bytes) -> str:
    trouble = neighbours.links.trouble(key)
    why = f" ({trouble})" if trouble else ""
    return f"node {neighbours.committee.index(key) + 1} {key.hex()[:8]}{why}"
