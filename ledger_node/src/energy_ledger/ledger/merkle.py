"""The Merkle tree behind the state root: RFC 6962's shape, with sorted keys and digests kept between commits.

A tree that splits at the largest power of two below its number of leaves is the same as pairing neighbours
level by level and moving an odd last one up as it is; so a changed leaf costs one digest per level.
"""

from bisect import bisect_left

from energy_ledger.proofs import Step, leaf_digest, node_digest


class MerkleTree:
    """Leaves by key, and the root over them."""

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._places: dict[bytes, int] = {}
        self._levels: list[list[bytes]] = [[]]
        self._changed: dict[bytes, bytes] = {}

    def set(self, key: bytes, value: bytes) -> None:
        """Add or change a leaf."""
        self._changed[key] = leaf_digest(key, value)

    def root(self) -> bytes:
        """Return the root over all leaves; there must be one at least."""
        if self._changed:
            places = self._make_room()
            for key, leaf in self._changed.items():
                place = self._places[key]
                self._levels[0][place] = leaf
                places.append(place)
            self._changed.clear()
            self._update(sorted(places))
        return self._levels[-1][0]

    def path(self, key: bytes) -> tuple[Step, ...] | None:
        """Return the steps from a leaf up to the root; None when there is no such leaf."""
        self.root()
        place = self._places.get(key)
        if place is None:
            return None
        steps: list[Step] = []
        for level in self._levels[:-1]:
            neighbour = place ^ 1
            if neighbour < len(level):  # an odd last one moves up without a neighbour
                steps.append(Step("left" if neighbour < place else "right", level[neighbour]))
            place //= 2
        return tuple(steps)

    def _make_room(self) -> list[int]:
        """Insert the keys that are new; return the places that hold another leaf than before."""
        new = [key for key in self._changed if key not in self._places]
        if not new:
            return []
        first = bisect_left(self._keys, min(new))
        moved = {key: self._levels[0][place] for place, key in enumerate(self._keys[first:], first)}
        self._keys = sorted(self._keys + new)
        self._levels[0][first:] = [moved.get(key, b"") for key in self._keys[first:]]
        for place, key in enumerate(self._keys[first:], first):
            self._places[key] = place
        return list(range(first, len(self._keys)))

    def _update(self, places: list[int]) -> None:
        """Compute the digests above the named leaves anew."""
        level = 0
        while len(self._levels[level]) > 1:
            below = self._levels[level]
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            places = list(dict.fromkeys(place // 2 for place in places))
            _pair(below, self._levels[level], places)


def _pair(below: list[bytes], above: list[bytes], places: list[int]) -> None:
    """Compute the named places of a level from the level below."""
    above += [b""] * ((len(below) + 1) // 2 - len(above))
    last = len(below) - 1
    for place in places:
        left = 2 * place
        above[place] = below[left] if left == last else node_digest(below[left], below[left + 1])
