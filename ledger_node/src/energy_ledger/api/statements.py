"""Statements as files for people: a table for spreadsheets, and a page to print. Times are in UTC.

Money and prices are written exactly, in whole digits of the currency; nothing here goes through a float.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import Final

from energy_ledger.api.documents import CSV, HTML, Document
from energy_ledger.api.types import Statement, StatementKind, StatementLine
from energy_ledger.units import MS_PER_S

_NANO: Final = 10**9
_MICRO: Final = 10**6
_LAST_MS: Final = 253_402_300_799_000
"""The end of the year 9999, the last that a calendar here knows."""

_KINDS: Final[dict[StatementKind, str]] = {
    "bought": "Energy bought",
    "sold": "Energy sold",
    "issued": "Deposit",
    "redeemed": "Paid out",
    "transfer_in": "Transfer received",
    "transfer_out": "Transfer sent",
    "community_in": "From the community",
    "community_out": "Paid by the community",
}
_TOTALS: Final = (
    ("received", "Energy sold", 1),
    ("paid", "Energy bought", -1),
    ("fees", "Grid fees", -1),
    ("penalties_received", "Compensation received for missing energy", 1),
    ("penalties_paid", "Compensation paid for missing energy", -1),
    ("issued", "Deposits", 1),
    ("redeemed", "Paid out", -1),
    ("transferred_in", "Transfers received", 1),
    ("transferred_out", "Transfers sent", -1),
    ("community_in", "From the community", 1),
    ("community_out", "Paid by the community", -1),
)
"""Lines of the summary: the total, its words, and the sign with which it changed the balance."""


def _decimal(value: int, unit: int) -> str:
    """Write a whole number of parts of a unit: two digits after the point at least, none that say nothing."""
    digits = len(str(unit)) - 1
    whole, part = divmod(abs(value), unit)
    fraction = f"{part:0{digits}}".rstrip("0").ljust(2, "0")
    return f"{'-' if value < 0 else ''}{whole}.{fraction}"


def money(nano: int) -> str:
    """Write nano-units in the currency."""
    return _decimal(nano, _NANO)


def _price(nano_per_wh: int | None) -> str:
    """Write a price per Wh as one per kWh."""
    return "" if nano_per_wh is None else _decimal(nano_per_wh, _MICRO)


def _time(ms: int) -> str:
    moment = datetime.fromtimestamp(min(ms, _LAST_MS) // MS_PER_S, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _name(statement: Statement, suffix: str) -> str:
    day = _time(statement.start)[:10]
    return f"statement-{statement.account[-8:]}-{day}.{suffix}"


# --- a table ------------------------------------------------------------------------------------------------


def as_csv(statement: Statement) -> Document:
    """Write a statement as a table: one row per line, with the opening balance before the first."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    unit = statement.currency
    rows.writerow(
        ["time (UTC)", "what", "counterparty", "text", "trade", "slot", "energy (Wh)", f"price ({unit}/kWh)"]
        + [f"{part} ({unit})" for part in ("energy", "fee", "compensation", "amount", "balance")]
        + ["correction", "commit", "transaction"]
    )
    blank = [""] * 10
    rows.writerow([_time(statement.start), "Opening balance", *blank, money(statement.opening), "", "", ""])
    rows.writerows(map(_row, statement.lines))
    body = text.getvalue().encode("utf-8-sig")
    return Document(body, f"{CSV}; charset=utf-8", _name(statement, "csv"))


def _row(line: StatementLine) -> list[object]:
    return [
        _time(line.time),
        _KINDS[line.kind],
        line.other or "",
        _harmless(line.text or ""),
        line.trade or "",
        "" if line.slot is None else line.slot,
        line.wh,
        _price(line.price),
        money(line.energy),
        money(-line.fee),
        money(line.penalty_received - line.penalty_paid),
        money(line.amount),
        money(line.balance),
        "yes" if line.correction else "",
        line.commit,
        line.transaction or "",
    ]


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking somebody's words for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


# --- a page -------------------------------------------------------------------------------------------------

_STYLE: Final = resources.files("energy_ledger.api").joinpath("statement.css").read_text(encoding="utf-8")


def as_html(statement: Statement) -> Document:
    """Write a statement as one page that needs nothing else, to read and to print."""
    page = "".join(_page(statement))
    return Document(page.encode(), f"{HTML}; charset=utf-8", _name(statement, "html"))


def _page(statement: Statement) -> Iterator[str]:
    title = escape(f"Statement of {statement.name}")
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
    yield f'<p class="about">{escape(_span(statement))} (UTC)<br>{escape(statement.account)}<br>'
    yield f"Network {escape(statement.network)}</p>"
    yield _figures(statement)
    yield from _summary(statement)
    yield from _lines(statement)
    yield "</body></html>\n"


def _span(statement: Statement) -> str:
    start = f"From {_time(statement.start)}" if statement.start else "From the beginning"
    end = f"until {_time(statement.until)}" if statement.until <= _LAST_MS else "until now"
    return f"{start} {end}"


def _figures(statement: Statement) -> str:
    totals, unit = statement.totals, escape(statement.currency)
    figures = (
        ("Opening balance", f"{money(statement.opening)} {unit}"),
        ("Closing balance", f"{money(statement.closing)} {unit}"),
        ("Bought", f"{_decimal(totals.bought_wh, 1_000)} kWh"),
        ("Sold", f"{_decimal(totals.sold_wh, 1_000)} kWh"),
    )
    shown = "".join(f"<div>{name}<b>{value}</b></div>" for name, value in figures)
    return f'<div class="figures">{shown}</div>'


def _summary(statement: Statement) -> Iterator[str]:
    """Add up from the opening to the closing balance; what is nothing is left out."""
    unit = escape(statement.currency)
    yield f'<h2>Summary</h2><table><thead><tr><th></th><th class="n">{unit}</th></tr></thead>'
    yield _cells("Opening balance", statement.opening)
    for field, words, sign in _TOTALS:
        if value := getattr(statement.totals, field):
            yield _cells(words, sign * value)
    yield f"<tfoot>{_cells('Closing balance', statement.closing)}</tfoot></table>"


def _cells(words: str, nano: int) -> str:
    return f'<tr><td>{words}</td><td class="n">{money(nano)}</td></tr>'


_HEADS: Final = ("Time", "", "Wh", "per kWh", "Fee", "Compensation", "Amount", "Balance")


def _lines(statement: Statement) -> Iterator[str]:
    heads = "".join(f"<th{_number_class(place)}>{head}</th>" for place, head in enumerate(_HEADS))
    yield f'<h2>{len(statement.lines)} lines</h2><div class="wide"><table class="lines">'
    yield f"<thead><tr>{heads}</tr></thead>"
    for line in statement.lines:
        cells = "".join(f"<td{_number_class(n)}>{cell}</td>" for n, cell in enumerate(_line(line)))
        yield f"<tr>{cells}</tr>"
    yield "</table></div>"


def _number_class(place: int) -> str:
    return ' class="n"' if place > 1 else ""


def _line(line: StatementLine) -> Iterable[str]:
    compensation = line.penalty_received - line.penalty_paid
    what = f"{_KINDS[line.kind]}{', corrected' if line.correction else ''}"
    return (
        _time(line.time),
        f'{what}<br><span class="minor">{_about(line)}</span>',
        str(line.wh) if line.wh else "",
        _price(line.price),
        money(-line.fee) if line.fee else "",
        money(compensation) if compensation else "",
        money(line.amount),
        money(line.balance),
    )


def _about(line: StatementLine) -> str:
    """Say with whom, for what, and where it stands in the ledger."""
    parts = (
        f"trade {line.trade}" if line.trade else "",
        f"with {line.other}" if line.other else "",
        line.text or "",
    )
    return escape(" · ".join(part for part in parts if part))


WRITERS: Final[dict[str, Callable[[Statement], Document]]] = {"csv": as_csv, "html": as_html}
"""The forms a statement can have beside JSON."""
