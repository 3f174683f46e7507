"""Certificates as a table, with the attribute names of EnergyTag's granular certificates."""

import csv
import datetime
import io
from typing import Final

from energy_ledger.api import types
from energy_ledger.api.documents import CSV, Document

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
    writer.writerows(_line(part, slot_s) for part in page.items)
    return Document(text.getvalue().encode(), CSV, "certificates.csv", page.next)


def _line(part: types.Certificate, slot_s: int) -> tuple[str | int, ...]:
    start = part.slot * slot_s
    consumed = "" if part.consumed_slot is None else _moment(part.consumed_slot * slot_s)
    return (
        part.id,
        part.first,
        part.end - 1,
        part.wh,
        part.state,
        part.holder,
        part.asset,
        "electricity",
        part.source or "",
        part.technology or "",
        part.commissioned or "",
        part.rated_w,
        part.location or "",
        _moment(start),
        _moment(start + slot_s),
        _moment(part.issued // _SECOND_MS),
        _moment(part.expires // _SECOND_MS),
        part.issuer,
        part.purpose,
        str(part.storage).lower(),
        part.consumer or "",
        consumed,
        part.cancelled_for or "",
        part.claimed_for or "",
    )


def _moment(second: int) -> str:
    return datetime.datetime.fromtimestamp(second, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
