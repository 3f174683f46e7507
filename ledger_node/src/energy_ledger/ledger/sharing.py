"""Sharing keys: how energy that nobody bought is allotted to neighbours who took energy in the same slot.

Many countries bill energy communities by a key of allocation beside, or instead of, a market. What was
traded is settled; of the rest a slot has surpluses (exported and not sold) and needs (imported and not
bought). The key allots the surpluses to the needs, never more than a need; what is not allotted stays with
the grid. A record of its own: it moves no money and changes no reading.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from energy_ledger.ledger.shares import share
from energy_ledger.policies import Sharing


class Position(Struct, frozen=True, gc=False):
    """What a connection point has left of a slot beside its trades, Wh."""

    point: str
    account: str
    feeder: str
    surplus_wh: int
    need_wh: int


class Allotment(Struct, frozen=True, gc=False):
    """What a key made of a position: Wh given to neighbours and taken from them."""

    position: Position
    given_wh: int
    taken_wh: int


BUSBAR: Final = ""


def allot(
    positions: Sequence[Position], sharing: Sharing, parents: Mapping[str, str]
) -> tuple[Allotment, ...]:
    """Allot a slot's surpluses by the network's key; `parents` names the parent of each feeder."""
    match sharing.key:
        case "static":
            taken = _static(positions, sharing.shares)
        case "dynamic":
            taken = _dynamic(positions)
        case "hierarchical":
            return _hierarchical(positions, parents)
        case "none":
            taken = [0] * len(positions)
    given = _given(positions, sum(taken))
    return tuple(map(Allotment, positions, given, taken, strict=True))


def _given(positions: Sequence[Position], total: int) -> list[int]:
    """Return what each surplus gives of so much in all: pro rata, the largest remainders rounded up."""
    surpluses = [one.surplus_wh for one in positions]
    return share(total, surpluses) if total else [0] * len(positions)


def _dynamic(positions: Sequence[Position]) -> list[int]:
    """Allot pro rata by need."""
    needs = [one.need_wh for one in positions]
    total = min(sum(needs), sum(one.surplus_wh for one in positions))
    return share(total, needs) if total else [0] * len(positions)


def _static(positions: Sequence[Position], shares: Mapping[str, int]) -> list[int]:
    """Allot by fixed shares of the members, within one pro rata by need; what is not needed goes back."""
    surplus, whole = sum(one.surplus_wh for one in positions), sum(shares.values())
    taken = [0] * len(positions)
    for account in sorted({one.account for one in positions}):
        own = [place for place, one in enumerate(positions) if one.account == account]
        needs = [positions[place].need_wh for place in own]
        part = min(surplus * shares.get(account, 0) // whole if whole else 0, sum(needs))
        for place, wh in zip(own, share(part, needs) if part else [0] * len(own), strict=True):
            taken[place] = wh
    return taken


def _hierarchical(positions: Sequence[Position], parents: Mapping[str, str]) -> tuple[Allotment, ...]:
    """Allot by need within each feeder first, what is left within its parent, and so on up to the busbar."""
    given, taken = [0] * len(positions), [0] * len(positions)
    for feeder in sorted({*parents, BUSBAR}, key=lambda one: (-_depth(one, parents), one)):
        below = [place for place, one in enumerate(positions) if _is_below(one.feeder, feeder, parents)]
        rest = [_rest(positions[place], given[place], taken[place]) for place in below]
        moved = _dynamic(rest)
        for place, out, into in zip(below, _given(rest, sum(moved)), moved, strict=True):
            given[place] += out
            taken[place] += into
    return tuple(map(Allotment, positions, given, taken, strict=True))


def _rest(position: Position, given: int, taken: int) -> Position:
    return Position(
        position.point,
        position.account,
        position.feeder,
        position.surplus_wh - given,
        position.need_wh - taken,
    )


def _depth(feeder: str, parents: Mapping[str, str]) -> int:
    return 0 if feeder == BUSBAR else 1 + _depth(parents[feeder], parents)


def _is_below(feeder: str, top: str, parents: Mapping[str, str]) -> bool:
    """Tell whether a feeder is another one or hangs under it."""
    return feeder == top or (feeder != BUSBAR and _is_below(parents[feeder], top, parents))
