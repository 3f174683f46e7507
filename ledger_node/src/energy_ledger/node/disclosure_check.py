"""Checks registers that a home showed somebody off the ledger, against what it attested."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta, Struct

from energy_ledger.fields import Hash, Natural
from energy_ledger.genesis import read_genesis
from energy_ledger.ledger.disclosures import commitment_of
from energy_ledger.node.audit_files import AuditFile
from energy_ledger.refusals import Refused
from energy_ledger.strict import convert, loads
from energy_ledger.units import MS_PER_S


class WrongDisclosureError(Exception):
    """What was shown is not what was committed to, or does not fit what was attested."""


class Disclosure(Struct, frozen=True, forbid_unknown_fields=True):
    """What a home shows: the exact text of a slot's registers, and the salt of the commitment to it."""

    asset: Hash
    slot: Natural
    registers: Annotated[str, Meta(max_length=4096)]
    salt: Hash


class Registers(Struct, frozen=True, forbid_unknown_fields=True):
    """A meter's cumulative registers (Wh) at one time (ms)."""

    at: Natural
    imported_wh: Natural
    exported_wh: Natural


class Shown(Struct, frozen=True, forbid_unknown_fields=True):
    """The registers at both ends of a slot."""

    asset: Hash
    slot: Natural
    start: Registers
    end: Registers


class Finding(Struct, frozen=True):
    """What the registers say (Wh), the commitment they give, and whether that one was attested.

    `attested` is None where there was no log to look into.
    """

    asset: str
    slot: int
    imported_wh: int
    exported_wh: int
    commitment: str
    attested: bool | None


def check(data: bytes, log: AuditFile | None, readings: Literal["traded", "net"] = "traded") -> Finding:
    """Check what was shown, and against a log that was checked before, where there is one.

    Raises WrongDisclosureError.
    """
    disclosure, shown = _open(data)
    if (shown.asset, shown.slot) != (disclosure.asset, disclosure.slot):
        raise WrongDisclosureError("the registers are of another asset or slot than it says")
    _check_direction(shown)
    commitment = commitment_of(bytes.fromhex(disclosure.salt), disclosure.registers)
    finding = Finding(
        asset=shown.asset,
        slot=shown.slot,
        imported_wh=shown.end.imported_wh - shown.start.imported_wh,
        exported_wh=shown.end.exported_wh - shown.start.exported_wh,
        commitment=commitment,
        attested=None if log is None else True,
    )
    if log is not None:
        _check_time(shown, read_genesis(log.genesis).rules.slot_s * MS_PER_S)
        _compare(finding, log, readings)
    return finding


def check_order(files: Iterable[bytes]) -> None:
    """Check that registers of several slots of one meter go on from slot to slot: none may fall back.

    What was shown too much in one slot has to be missing in a later one. Raises WrongDisclosureError.
    """
    opened = (_open(data)[1] for data in files)
    shown = sorted(opened, key=lambda one: (one.asset, one.slot))
    for before, after in pairwise(shown):
        end, start = before.end, after.start
        if before.asset != after.asset:
            continue
        if before.slot == after.slot:
            raise WrongDisclosureError(f"slot {after.slot} is there twice")
        fell = start.imported_wh < end.imported_wh or start.exported_wh < end.exported_wh
        moved = (start.imported_wh, start.exported_wh) != (end.imported_wh, end.exported_wh)
        if start.at < end.at or fell or (moved and start.at == end.at):
            text = f"the registers of slot {after.slot} do not go on from those of slot {before.slot}"
            raise WrongDisclosureError(text)


def _open(data: bytes) -> tuple[Disclosure, Shown]:
    disclosure = _read(data, Disclosure)
    return disclosure, _read(disclosure.registers.encode("utf-8"), Shown)


def _check_direction(shown: Shown) -> None:
    start, end = shown.start, shown.end
    if end.at < start.at or end.imported_wh < start.imported_wh or end.exported_wh < start.exported_wh:
        raise WrongDisclosureError("its registers or their times run backwards")


def _check_time(shown: Shown, slot_ms: int) -> None:
    """Check that the registers are of the slot: true ones of a longer time would show too much."""
    begins, ends = shown.slot * slot_ms, (shown.slot + 1) * slot_ms
    if shown.start.at < begins or shown.end.at > ends:
        raise WrongDisclosureError("its registers are of another time than the slot")


def _compare(finding: Finding, log: AuditFile, readings: str) -> None:
    """Check that this very commitment was attested, with no more energy than the registers show."""
    attested = [
        event["data"]
        for event in log.events
        if event["type"] == "reading.attested" and event["data"]["slot"] == finding.slot
    ]
    if log.asset != finding.asset or not attested:
        raise WrongDisclosureError("the log has no reading of this asset and slot")
    if all(reading["commitment"] != finding.commitment for reading in attested):
        raise WrongDisclosureError("this is not what the reading of the slot committed to")
    (reading,) = (one for one in attested if one["commitment"] == finding.commitment)
    for flow in ("imported_wh", "exported_wh"):
        said, measured = reading[flow], getattr(finding, flow)
        if said > measured or (readings == "net" and said != measured):
            text = f"it attested {said} Wh ({flow}), but its registers show {measured} Wh"
            raise WrongDisclosureError(text)


def _read[T](data: bytes, kind: type[T]) -> T:
    try:
        return convert(loads(data), kind)
    except Refused as refused:
        raise WrongDisclosureError(f"it cannot be read: {refused}") from None
