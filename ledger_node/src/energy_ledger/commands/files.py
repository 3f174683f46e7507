"""Reading the files that commands are given."""

import sys
from pathlib import Path

from energy_ledger.commands.output import CommandError


def read_bytes(name: str) -> bytes:
    """Return what is in a file; `-` is standard input.

    Raises CommandError with exit status 2 when there is none.
    """
    if name == "-" and sys.stdin is None:
        raise CommandError("standard input is closed", 2)
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{_shown(name)} cannot be read: {error.strerror}", 2) from None
    except ValueError as error:  # a zero byte within the name
        raise CommandError(f"{_shown(name)} cannot be read: {error}", 2) from None


def read_text(name: str) -> str:
    """Return a file's text; raises CommandError with exit status 2 when it is none."""
    try:
        return read_bytes(name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{_shown(name)} is not UTF-8: byte {error.start} is wrong", 2) from None


def _shown(name: str) -> str:
    """Keep a name with line breaks on one line."""
    return name if name.isprintable() and name else ascii(name)
