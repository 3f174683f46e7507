"""Many lines of JSON in one value: what belongs together is written, compressed and read together.

A line that stands alone costs a row, its entries in the indexes, and ids of 64 characters that its neighbours
repeat. A round of a whole street makes thousands of them at once.
"""

import sqlite3
from collections.abc import Callable, Iterable
from compression import zstd
from typing import Final

_LEVEL: Final = 1
"""The fastest that still takes out what repeats."""

type Run = Callable[[str, tuple[object, ...]], sqlite3.Cursor]
"""Runs a statement."""


def pack(lines: Iterable[bytes]) -> bytes:
    """Put lines, none of which holds a line feed, into one value."""
    return zstd.compress(b"\n".join(lines), level=_LEVEL)


def unpack(packed: bytes) -> list[bytes]:
    """Return the lines of a value that holds one at least."""
    return zstd.decompress(packed).split(b"\n")


def teach(connection: sqlite3.Connection) -> None:
    """Let SQL on a connection read packed values: `unpacked(value)`; two releases may pack differently."""
    connection.create_function("unpacked", 1, zstd.decompress, deterministic=True)
