"""Who agrees: a committee of validators of equal weight, and how many of them make a quorum."""

from dataclasses import dataclass

from energy_ledger.quorum import quorum_of, tolerated_faults


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
