"""Commitments to meter registers: published with a reading, opened only if the home wants to.

The registers' text and the 32 random bytes of salt stay at home; their digest goes on the ledger.
"""

from .digests import digest
from .transactions import dump

SALT_BYTES = 32


def registers_text(asset: str, slot: int, start: tuple[int, int, int], end: tuple[int, int, int]) -> str:
    """Return the canonical text of a slot's registers; each end is (time in ms, imported Wh, exported Wh)."""
    return dump({"asset": asset, "slot": slot, "start": _registers(start), "end": _registers(end)})


def commit(salt: bytes, text: str) -> str:
    """Return the commitment (hex) to a registers text."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return digest("registers", salt + text.encode()).hex()


def _registers(values: tuple[int, int, int]) -> dict[str, int]:
    at, imported_wh, exported_wh = values
    return {"at": at, "imported_wh": imported_wh, "exported_wh": exported_wh}
