"""Whether this node is in step with the network, and if not why, as a code and in words for a person."""

import time
from collections.abc import Iterator
from typing import Final

from energy_ledger.node.company import Company
from energy_ledger.node.neighbours import Neighbours
from energy_ledger.node.problem import Problem
from energy_ledger.node.running import Running
from energy_ledger.node.voice import SOLE_GRACE_S
from energy_ledger.quorum import quorum_of
from energy_ledger.units import MS_PER_S

CLOCK_OFF_MS: Final = 60_000
"""How far clocks may differ before it is worth a word."""
GAPS_S: Final = 10.0
"""How long blocks may be missing before it is worth a word."""


def problem_of(running: Running, neighbours: Neighbours | None) -> Problem | None:
    """Say what is wrong and what to do, the most pressing first; None when nothing is."""
    own = running.problem()
    if own is not None or neighbours is None:
        return own
    return next(_problems(running, neighbours), None)


def may_fail(running: Running, neighbours: Neighbours | None) -> int:
    """Return how many more validators may fail before nothing is ordered; negative: too few are here."""
    present = len(neighbours.company.present) if neighbours else 1
    return present - quorum_of(len(running.standing.committee))


def _problems(running: Running, neighbours: Neighbours) -> Iterator[Problem]:
    company = neighbours.company
    yield from _clock(company)
    if neighbours.snapshot_percent is not None:
        percent = neighbours.snapshot_percent
        yield Problem("snapshot", f"Taking a snapshot of the ledger: {percent} % of it is here.")
    if neighbours.target is not None:
        commit = running.standing.commit
        yield Problem("catching_up", f"Catching up: commit {commit} of {max(commit, neighbours.target)}.")
    if neighbours.unreachable is not None:
        text = (
            f"No linked node keeps the history before commit {neighbours.unreachable}, which this node is to "
            "take whole; link one that does, or start this one without --full-history."
        )
        yield Problem("history_pruned", text)
    if company.others and not company.all:
        text = "No other node is linked; check this machine's network and the addresses of the others."
        yield Problem("alone", text)
    yield from _voice(neighbours)
    yield from _quorum(neighbours)
    yield from _gaps(company)


def _clock(company: Company) -> Iterator[Problem]:
    """Compare the clock with the middle one of the others'."""
    ahead = sorted(one.clock_ahead for one in company.all)
    middle = ahead[(len(ahead) - 1) // 2] if ahead else 0
    if abs(middle) > CLOCK_OFF_MS:
        way = "behind" if middle > 0 else "ahead of"
        seconds = abs(middle) // MS_PER_S
        yield Problem(
            "clock", f"This machine's clock is {seconds} s {way} those of the others; set it right."
        )


def _voice(neighbours: Neighbours) -> Iterator[Problem]:
    company = neighbours.company
    if not (company.is_validator and company.is_muted):
        return
    missing = ", ".join(_names(neighbours, company.unheard)) or "the others"
    if company.ties.amnesiac and not company.others:
        yield Problem(
            "sole_waits",
            "This only validator has another database than the one it last spoke with. It waits "
            f"{SOLE_GRACE_S:.0f} s for nodes that followed it, and takes their history "
            f"({len(company.all)} linked). If one that did is off, switch it on now: its history will not "
            "fit any more afterwards.",
        )
    elif company.ties.amnesiac:
        yield Problem(
            "database_lost",
            "This validator lost its database, and is silent until every other validator has said what it "
            f"knows of it, or it is voted out. Missing: {missing}.",
        )
    elif company.status is not None and company.status.forgot:
        yield Problem(
            "database_old",
            "This validator has an old copy of its database: others have blocks of it that are not in there. "
            "It is silent until every other validator has said what it knows of it, or it is voted out. "
            f"Missing: {missing}.",
        )
    else:
        text = f"This validator asks the others for its newest block before it speaks. Missing: {missing}."
        yield Problem("asking", text)


def _quorum(neighbours: Neighbours) -> Iterator[Problem]:
    company = neighbours.company
    if not company.others or not company.is_validator:
        return
    present, size = len(company.present), len(company.committee)
    if present < quorum_of(size):
        absent = [key for key in company.others if key not in company.present]
        yield Problem(
            "no_quorum",
            f"Nothing is ordered now: {present} of {size} validators are here, {quorum_of(size)} must be. "
            f"Missing: {', '.join(_names(neighbours, absent))}.",
        )


def _gaps(company: Company) -> Iterator[Problem]:
    """Tell of blocks that an honest validator names and that did not come for a while."""
    if company.gaps_since is None or time.monotonic() - company.gaps_since <= GAPS_S:
        return
    if gaps := company.gaps:
        authors = sorted({ref.author + 1 for ref in gaps})
        namers = sorted({namer + 1 for names in gaps.values() for namer in names})
        text = f"{len(gaps)} blocks by validators {authors} are missing, which validators {namers} name."
        yield Problem("gaps", text)


def _names(neighbours: Neighbours, keys: list[bytes]) -> list[str]:
    return [_name(neighbours, key) for key in keys]


def _name(neighbours: Neighbours, key: bytes) -> str:
    trouble = neighbours.links.trouble(key)
    why = f" ({trouble})" if trouble else ""
    return f"node {neighbours.company.committee.index(key) + 1} {key.hex()[:8]}{why}"
