"""How many of n validators may be dishonest, and how many decide; docs/consensus.md says why."""


def tolerated_faults(size: int) -> int:
    """Return f, the number of dishonest validators a committee of `size` withstands: floor((n - 1) / 3)."""
    return (size - 1) // 3


def quorum_of(size: int) -> int:
    """Return q = floor((n + f) / 2) + 1, the fewest validators such that any two such groups share f + 1.

    The textbook figure 2f + 1 is the same number only for n = 3f + 1. At n = 5 two groups of three
    share a single validator, who may be the liar; this formula gives 4 there.
    """
    return (size + tolerated_faults(size)) // 2 + 1
