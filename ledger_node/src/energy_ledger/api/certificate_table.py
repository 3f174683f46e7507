"""Certificates with the attribute names of EnergyTag's granular certificates, as a table and as JSON."""

import csv
import datetime
import io
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from energy_ledger.api import types
from energy_ledger.api.documents import CSV, JSON, Document

type _Value = str | int | bool | None

_SECOND_MS: Final = 1000

_COLUMNS: Final = (
    "certificate_issuance_id",
    "certificate_bundle_id_range_start",
    "certificate_bundle_id_range_end",
    "bundle_quantity",
    "certificate_bundle_status",
    "account_id",
    "device_id",
    "energy_carrier",
    "energy_source",
    "device_technology_type",
    "device_production_start_date",
    "device_capacity",
    "device_location",
    "production_starting_interval",
    "production_ending_interval",
    "issuance_datestamp",
    "expiry_datestamp",
    "issuing_body",
    "production_purpose",
    "is_storage",
    "consuming_device_id",
    "consumption_starting_interval",
    "cancellation_purpose",
    "beneficiary",
)
"""EnergyTag's attributes; the range's end is the last Wh of the bundle, as there."""


def certificates_csv(page: types.Page[types.Certificate], slot_s: int) -> Document:
    """Write certificates as a table, one line each under a line of names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_cell(value) for value in _values(part, slot_s)] for part in page.items)
    return Document(text.getvalue().encode(), CSV, "certificates.csv", page.next)


def certificates_json(page: types.Page[types.Certificate], slot_s: int) -> Document:
    """Write certificates as `{"items": [{attribute: value}], "next"}`; what is not known of one is null."""
    items = [dict(zip(_COLUMNS, _values(part, slot_s), strict=True)) for part in page.items]
    body = msgspec.json.encode({"items": items, "next": page.next})
    return Document(body, JSON, "certificates.json", page.next)


WRITERS: Final[Mapping[str, Callable[[types.Page[types.Certificate], int], Document]]] = {
    "csv": certificates_csv,
    "energytag": certificates_json,
}
"""The formats besides the API's own, and what writes them."""


def _cell(value: _Value) -> str | int:
    """Write a value as tables hold it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value


def _values(part: types.Certificate, slot_s: int) -> tuple[_Value, ...]:
    """Return what a certificate says, in the order of the attributes."""
    start = part.slot * slot_s
    consumed = None if part.consumed_slot is None else _moment(part.consumed_slot * slot_s)
    return (
        part.id,
        part.first,
        part.end - 1,
        part.wh,
        part.state,
        part.holder,
        part.asset,
        "electricity",
        part.source,
        part.technology,
        part.commissioned,
        part.rated_w,
        part.location,
        _moment(start),
        _moment(start + slot_s),
        _moment(part.issued // _SECOND_MS),
        _moment(part.expires // _SECOND_MS),
        part.issuer,
        part.purpose,
        part.storage,
        part.consumer,
        consumed,
        part.cancelled_for,
        part.claimed_for,
    )


def _moment(second: int) -> str:
    return datetime.datetime.fromtimestamp(second, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
