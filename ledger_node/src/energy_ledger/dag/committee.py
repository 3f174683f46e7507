"""Who agrees: a committee of validators of equal weight, and how many of them make a quorum."""

from dataclasses import dataclass


def tolerated_faults(size: int) -> int:
    """Return f, the number of dishonest validators a committee of `size` withstands: floor((n - 1) / 3)."""
    return (size - 1) // 3


def quorum_of(size: int) -> int:
    """Return q = floor((n + f) / 2) + 1, the fewest validators such that any two such groups share f + 1.

    The textbook figure 2f + 1 is the same number only for n = 3f + 1. At n = 5 two groups of three
    share a single validator, who may be the liar; this formula gives 4 there.
    """
    return (size + tolerated_faults(size)) // 2 + 1


@dataclass(frozen=True, slots=True)
class Committee:
    """A committee of `size` validators, numbered from 0; `quorum` of them decide."""

    size: int
    quorum: int

    @classmethod
    def of(cls, size: int, quorum: int | None = None) -> Committee:
        """Make a committee; `quorum` replaces the safe figure (for studies of the rule only).

        Raises ValueError for an empty committee or a quorum outside 1..size.
        """
        if size < 1:
            raise ValueError(f"a committee has at least one validator, not {size}")
        chosen = quorum_of(size) if quorum is None else quorum
        if not 1 <= chosen <= size:
            raise ValueError(f"a quorum of {size} validators lies between 1 and {size}, not {chosen}")
        return cls(size, chosen)

    @property
    def faults(self) -> int:
        """The number of dishonest validators the committee withstands."""
        return tolerated_faults(self.size)

    def leader(self, round_: int) -> int:
        """Return the author whose block of this round is the leader."""
        return round_ % self.size
