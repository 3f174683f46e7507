"""Domain-separated hashes: whatever is hashed or signed starts with a tag that says what it is.

Tag of *what*: the ASCII text ``energy-ledger/<what>/v1`` and one zero byte (docs/protocol.md, "Bytes and
tags").
"""

import hashlib
import json


def tagged(what: str, message: bytes) -> bytes:
    """Return the message behind the tag of what it is: these are the bytes that get signed."""
    return f"energy-ledger/{what}/v1".encode("ascii") + b"\x00" + message


def digest(what: str, message: bytes) -> bytes:
    """SHA-256 of the tagged message."""
    return hashlib.sha256(tagged(what, message)).digest()


def canonical(value: object) -> str:
    """Write a value as the JSON that the ledger hashes: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
