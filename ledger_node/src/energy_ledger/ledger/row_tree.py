"""The digest over the rows that have no leaf of their own, cheap to keep while thousands of rows come and go.

Rows fall into a fixed number of buckets by the digest of their key. A bucket's digest covers its rows in the
order of their keys, and a binary tree of fixed shape leads from the buckets to the root. So it does not
matter in which order rows came, a row that is gone leaves no trace, and a changed one costs its bucket and
one digest per level.
"""

from typing import Final

from energy_ledger import crypto
from energy_ledger.proofs import leaf_digest, node_digest

ROWS_TAG: Final = crypto.tag("rows")
LEVELS: Final = 12
BUCKETS: Final = 1 << LEVELS
_WORD_BITS = 16


def bucket_of(key: bytes) -> int:
    """Return the bucket of a row: the first twelve bits of the digest of its key."""
    return int.from_bytes(crypto.digest(ROWS_TAG, key)[:2], "big") >> (_WORD_BITS - LEVELS)


def bucket_digest(leaves: dict[bytes, bytes]) -> bytes:
    """Return the digest over a bucket's leaf digests, by the keys of their rows."""
    return crypto.digest(ROWS_TAG, b"".join(leaves[key] for key in sorted(leaves)))


def _empty() -> tuple[bytes, ...]:
    """Return what each level of a tree without rows consists of, the buckets first."""
    digests = [bucket_digest({})]
    for _ in range(LEVELS):
        digests.append(node_digest(digests[-1], digests[-1]))
    return tuple(digests)


_EMPTY: Final = _empty()


class RowTree:
    """Rows by key, and the root over them."""

    def __init__(self) -> None:
        self._buckets: dict[int, dict[bytes, bytes]] = {}
        self._levels = [[digest] * (BUCKETS >> level) for level, digest in enumerate(_EMPTY)]
        self._touched: dict[int, None] = {}

    def set(self, key: bytes, value: bytes) -> None:
        """Add or change a row."""
        place = bucket_of(key)
        self._buckets.setdefault(place, {})[key] = leaf_digest(key, value)
        self._touched[place] = None

    def drop(self, key: bytes) -> None:
        """Take a row out, if it is there."""
        place = bucket_of(key)
        if self._buckets.get(place, {}).pop(key, None) is not None:
            self._touched[place] = None

    def root(self) -> bytes:
        """Return the root over all rows."""
        places = list(self._touched)
        self._touched.clear()
        for place in places:
            self._levels[0][place] = bucket_digest(self._buckets[place])
        for below, above in zip(self._levels, self._levels[1:], strict=False):
            places = list(dict.fromkeys(place // 2 for place in places))
            for place in places:
                above[place] = node_digest(below[2 * place], below[2 * place + 1])
        return self._levels[-1][0]
