"""Answers that are not written from a type: files for people and other programs."""

from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"
CSV: Final = "text/csv"
HTML: Final = "text/html"


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it is sent: its bytes, what they are, and the name under which a browser keeps it."""

    body: bytes
    content_type: str
    name: str
    next: str | None = None
    """The cursor of the following page, of a list."""
