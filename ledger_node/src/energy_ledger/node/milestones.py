"""Certified snapshots of the past that a node keeps so that its history can begin at one of them later.

A ledger of the past cannot be made again without all that led to it, so a node that prunes puts a copy of its
snapshot aside now and then: about ten over the time that it keeps. The file's name says commit and time.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from energy_ledger.proofs import NO_LEADER
from energy_ledger.storage.directory import LEDGER_START, sync_folder
from energy_ledger.storage.snapshot import SnapshotFile

STEPS: Final = 10
"""So many milestones stand in the time that is kept, so it is exact to a tenth."""
FOLDER: Final = "milestones"
_PART: Final = "part"


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much history a node keeps: by age in ledger time (ms), by the database's size (bytes); 0: all."""

    age_ms: int = 0
    cap_bytes: int = 0

    @property
    def prunes(self) -> bool:
        """Whether anything is ever pruned."""
        return bool(self.age_ms or self.cap_bytes)

    def spacing_ms(self, known_ms: int) -> int:
        """Return how far apart milestones are where history goes back for so long."""
        return min(self.age_ms or known_ms, known_ms) // STEPS


EVERYTHING: Final = Keeping()
"""Nothing is ever pruned."""


@dataclass(frozen=True, slots=True, order=True)
class Milestone:
    """A commit and its ledger time (ms) at which history can begin."""

    commit: int
    time: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.commit}-{self.time}"

    @classmethod
    def read(cls, name: str) -> Self | None:
        """Return what a file's name says, None when it is the name of something else."""
        commit, _, time = name.partition("-")
        return cls(int(commit), int(time)) if commit.isdecimal() and time.isdecimal() else None


def due(keeping: Keeping, milestones: Sequence[Milestone], now: int, begun: int) -> bool:
    """Tell whether to set another milestone at `now` (ledger time, ms); history goes back to `begun`."""
    if not milestones:
        return True
    known = now - begun
    return now - milestones[-1].time >= keeping.spacing_ms(known)


def superfluous(keeping: Keeping, milestones: Sequence[Milestone], begun: int) -> list[Milestone]:
    """Return which milestones stand closer together than they need to, now that history is longer."""
    if not milestones:
        return []
    spacing = keeping.spacing_ms(milestones[-1].time - begun)
    gone: list[Milestone] = []
    last = begun
    for one, following in pairwise(milestones):
        if following.time - last <= spacing:
            gone.append(one)
        else:
            last = one.time
    return gone


def chosen(
    keeping: Keeping, milestones: Sequence[Milestone], now: int, used_bytes: int, start: int
) -> Milestone | None:
    """Return where history is to begin from now on, None where it does already.

    By age that is the newest milestone that is old enough, by size the oldest: the next one follows when that
    was not enough. `now` is ledger time (ms), which no wrong clock of one machine can move; `start` is the
    commit from which on history is known.
    """
    later = [one for one in milestones if one.commit > start]
    if keeping.age_ms:
        old = [one for one in later if now - one.time >= keeping.age_ms]
        if old:
            return old[-1]
    if keeping.cap_bytes and used_bytes > keeping.cap_bytes and later:
        return later[0]
    return None


class Milestones:
    """The milestones in a data directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._folder = directory / FOLDER

    def all(self) -> list[Milestone]:
        """Return the milestones, oldest first."""
        if not self._folder.is_dir():
            return []
        found = (Milestone.read(path.name) for path in self._folder.iterdir())
        return sorted(one for one in found if one is not None)

    def path(self, milestone: Milestone) -> Path:
        """Return where a milestone lies."""
        return self._folder / milestone.name

    def start_file(self, commit: int) -> Path:
        """Return the snapshot with which a database begins that knows everything from this commit on.

        A node that ended just when its history was cut finds it among the milestones still.
        """
        found = (self.path(one) for one in self.all() if one.commit == commit)
        return next(found, self._directory / LEDGER_START)

    def add(self, snapshot: Path) -> Milestone | None:
        """Put a copy of a snapshot aside; None where none can begin a history: its epoch has no leader yet.

        Raises SnapshotError when it is none, OSError when there is no room.
        """
        self._folder.mkdir(exist_ok=True)
        part = self._folder / _PART
        shutil.copyfile(snapshot, part)
        with SnapshotFile.open(part) as file:
            state = file.manifest.certificate.state
        if state.leader == NO_LEADER:
            part.unlink()
            return None
        with part.open("rb") as written:
            os.fsync(written.fileno())
        milestone = Milestone(state.commit, state.time)
        part.replace(self.path(milestone))
        sync_folder(self._folder)
        return milestone

    def remove(self, milestone: Milestone) -> None:
        """Take a milestone away."""
        self.path(milestone).unlink(missing_ok=True)

    def begin_at(self, commit: int) -> None:
        """Have the snapshot with which the database begins in its place, and no older ones."""
        for one in self.all():
            if one.commit == commit:
                self.path(one).replace(self._directory / LEDGER_START)
                sync_folder(self._directory)
            elif one.commit < commit:
                self.remove(one)
