"""Options that several commands share."""

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

from energy_ledger.storage.directory import DataDirectory


def add_data(parser: ArgumentParser) -> None:
    """Add `--data`."""
    default = os.environ.get("ENERGY_LEDGER_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        required=default is None,
        default=None if default is None else Path(default),
        help="the node's data directory (default: $ENERGY_LEDGER_DATA)",
    )


def add_json(parser: ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Make a reader of option values that are whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise ArgumentTypeError(f"takes a whole number from {least} to {most}, not {text}")
        return int(text)

    return read


PORT = whole_number(0, 65_535)


def directory(arguments: Namespace) -> DataDirectory:
    """Return the data directory that was named."""
    return DataDirectory(arguments.data)
