"""How commands speak: results on standard output, everything else on standard error."""

import json
import sys


class CommandError(Exception):
    """A command cannot do what was asked; the message is one line for a person."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def result(text: str) -> None:
    """Write a line of the result."""
    if sys.stdout is None:
        raise CommandError("standard output is closed, so there is nowhere to write the result")
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def result_json(value: object) -> None:
    """Write the result as one line of JSON."""
    result(json.dumps(value))


def complaint(text: str) -> None:
    """Write why something went wrong."""
    if sys.stderr is not None:
        sys.stderr.write(text + "\n")


def progress(text: str) -> None:
    """Show how far long work is, over the line before where a person watches."""
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def progress_over() -> None:
    """Take the line of progress away."""
    progress("")
