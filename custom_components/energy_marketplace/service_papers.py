"""The actions about money and proofs of origin: statement, certificates, turning vouchers back into money."""

import re
from typing import Any, cast

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.util.json import JsonValueType

from .ledger import transactions
from .ledger.units import slot_at
from .orders import currency, local_time
from .schema import vol
from .service_input import (
    ATTR_CONFIG_ENTRY,
    ATTR_DEVICE_ID,
    amount,
    entry_of,
    explained,
    given,
    invalid,
    moment_ms,
    text,
)
from .service_queries import whose

ATTR_AMOUNT = "amount"
ATTR_END = "end"
ATTR_NOTE = "note"
ATTR_PAID = "paid"
ATTR_REDEMPTION = "redemption"
ATTR_REFERENCE = "reference"
ATTR_START = "start"
_LONGEST_TEXT = 140
_MONEY = frozenset({"amount", "balance", "energy", "fee", "penalty_paid", "penalty_received", "price"})
_COUNTED = "_wh"
_ENTRY: dict[Any, Any] = {vol.Optional(ATTR_CONFIG_ENTRY): str}
_PERIOD: dict[Any, Any] = {vol.Optional(ATTR_START): object, vol.Optional(ATTR_END): object, **_ENTRY}

STATEMENT_SCHEMA = vol.Schema(_PERIOD)
CERTIFICATES_SCHEMA = vol.Schema({vol.Optional(ATTR_DEVICE_ID): object, **_PERIOD})
REDEEM_SCHEMA = vol.Schema(
    {vol.Required(ATTR_AMOUNT): object, vol.Required(ATTR_REFERENCE): object, **_ENTRY}
)
REDEMPTIONS_SCHEMA = vol.Schema(_ENTRY)
SETTLE_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_REDEMPTION): object,
        vol.Required(ATTR_PAID): bool,
        vol.Optional(ATTR_NOTE): object,
        **_ENTRY,
    }
)


async def get_statement(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return what moved the member's money in a period, line by line, in the network's currency."""
    market = entry_of(hass, call).runtime_data.market
    with explained():
        told = await market.member.client.statement(
            market.member.address, since=moment_ms(call, ATTR_START), until=moment_ms(call, ATTR_END)
        )
    return {
        "currency": told["currency"],
        "opening": currency(told["opening"]),
        "closing": currency(told["closing"]),
        "totals": {
            name: value / 1000 if name.endswith(_COUNTED) else currency(value)
            for name, value in told["totals"].items()
        },
        "lines": [_line(line) for line in told["lines"]],
    }


async def get_certificates(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return where the energy that a member or an asset bought came from, with the certificates.

    They are the community's own records, not guarantees of origin of a state.
    """
    entry, asset = whose(hass, call)
    market = entry.runtime_data.market
    slot_s, client = market.slot_s, market.member.client
    start, end = moment_ms(call, ATTR_START), moment_ms(call, ATTR_END)
    first = 0 if start is None else slot_at(start, slot_s)
    last = market.slot_now() + 1 if end is None else slot_at(end, slot_s)
    account = None if asset else market.member.address
    with explained():
        green = await client.green(account=account, asset=asset, first=first, end=last)
        rows = await client.certificates(holder=account, consumer=asset)
    return {
        "consumed": green["consumed_wh"] / 1000,
        "green": green["green_wh"] / 1000,
        "by_source": {source: wh / 1000 for source, wh in green["by_source"].items()},
        "by_asset": {producer: wh / 1000 for producer, wh in green["by_asset"].items()},
        "certificates": [_json(row) for row in rows if first <= row["slot"] < last],
    }


async def redeem_voucher(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Ask the treasurer for real money against money of the network."""
    market = entry_of(hass, call).runtime_data.market
    body = transactions.voucher_redeem(amount(call, ATTR_AMOUNT), text(call, ATTR_REFERENCE, _LONGEST_TEXT))
    with explained():
        receipt = await market.member.send(body)
    return {"redemption": receipt.id, "state": receipt.state}


async def get_redemptions(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return who asked for real money, and whether it was paid."""
    market = entry_of(hass, call).runtime_data.market
    with explained():
        rows = await market.member.client.redemptions()
    return {"redemptions": [_json(row) | {"amount": currency(row["amount"])} for row in rows]}


async def settle_redemption(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Say that a redemption was paid, or give its money back; the treasurer's verb."""
    market = entry_of(hass, call).runtime_data.market
    redemption = text(call, ATTR_REDEMPTION, 64)
    if re.fullmatch("[0-9a-f]{64}", redemption) is None:
        raise invalid("refused_unknown_redemption")
    note = text(call, ATTR_NOTE, _LONGEST_TEXT) if given(call, ATTR_NOTE) else None
    body = transactions.voucher_settle(redemption, paid=call.data[ATTR_PAID], note=note)
    with explained():
        receipt = await market.member.send(body)
    return {"transaction": receipt.id, "state": receipt.state}


def _line(line: Any) -> dict[str, JsonValueType]:
    """Return a line of a statement as people read it: kWh, currency, local time."""
    shown = {name: _amount(name, value) for name, value in line.items()}
    return cast("dict[str, JsonValueType]", shown | {"time": local_time(line["time"])})


def _amount(name: str, value: Any) -> Any:
    if not isinstance(value, int):
        return value
    if name == "price":
        return value / 1_000_000
    if name in _MONEY:
        return currency(value)
    return value / 1000 if name == "wh" or name.endswith(_COUNTED) else value


def _json(row: Any) -> dict[str, JsonValueType]:
    return cast("dict[str, JsonValueType]", dict(row))
