"""The actions of a wallet and those of a founder: paying, issuing money, credit, invites, new members."""

from typing import Any

import segno
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse

from .ledger.units import money_to_nano
from .orders import local_time
from .schema import vol
from .service_input import (
    ATTR_CONFIG_ENTRY,
    address,
    amount,
    entry_of,
    explained,
    given,
    invalid,
    number,
    text,
)

ATTR_AMOUNT = "amount"
ATTR_LIMIT = "limit"
ATTR_MEMBER = "member"
ATTR_MEMO = "memo"
ATTR_NODES = "nodes"
ATTR_REFERENCE = "reference"
ATTR_TO = "to"
ATTR_VALID_DAYS = "valid_days"

_LONGEST_TEXT = 140
_LONGEST_VALID_DAYS = 365
_ENTRY: dict[Any, Any] = {vol.Optional(ATTR_CONFIG_ENTRY): str}

TRANSFER_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_TO): object,
        vol.Required(ATTR_AMOUNT): object,
        vol.Optional(ATTR_MEMO): object,
        **_ENTRY,
    }
)
VOUCHER_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_TO): object,
        vol.Required(ATTR_AMOUNT): object,
        vol.Required(ATTR_REFERENCE): object,
        **_ENTRY,
    }
)
CREDIT_SCHEMA = vol.Schema({vol.Required(ATTR_MEMBER): object, vol.Required(ATTR_LIMIT): object, **_ENTRY})
INVITE_SCHEMA = vol.Schema(
    {vol.Optional(ATTR_VALID_DAYS, default=7): object, vol.Optional(ATTR_NODES): object, **_ENTRY}
)
APPROVE_SCHEMA = vol.Schema({vol.Required(ATTR_MEMBER): object, **_ENTRY})


async def transfer(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Pay another member."""
    market = entry_of(hass, call).runtime_data.market
    to, nano = address(call, ATTR_TO, market), amount(call, ATTR_AMOUNT)
    memo = text(call, ATTR_MEMO, _LONGEST_TEXT) if given(call, ATTR_MEMO) else None
    with explained():
        receipt = await market.member.transfer(to, nano, memo)
    return {"transaction": receipt.id, "state": receipt.state}


async def issue_voucher(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Issue money to a member against a payment received."""
    market = entry_of(hass, call).runtime_data.market
    to, nano = address(call, ATTR_TO, market), amount(call, ATTR_AMOUNT)
    reference = text(call, ATTR_REFERENCE, _LONGEST_TEXT)
    with explained():
        receipt = await market.member.issue(to, nano, reference)
    return {"transaction": receipt.id, "state": receipt.state}


async def set_credit(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Set how far below zero a member may go; 0 ends its credit."""
    market = entry_of(hass, call).runtime_data.market
    member = address(call, ATTR_MEMBER, market)
    ends = str(call.data[ATTR_LIMIT]).strip() in ("0", "0.0")
    limit = money_to_nano(0) if ends else amount(call, ATTR_LIMIT)
    with explained():
        receipt = await market.member.set_credit(member, limit)
    return {"transaction": receipt.id, "state": receipt.state}


async def create_invite(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return a new invite; it is used once, and its text is a secret until then."""
    entry = entry_of(hass, call)
    member = entry.runtime_data.market.member
    given = call.data.get(ATTR_NODES) or [entry.data[CONF_URL]]
    nodes = [str(node) for node in (given if isinstance(given, list) else [given])]
    if not all(node.startswith(("http://", "https://")) for node in nodes):
        raise invalid("bad_node_address", field=ATTR_NODES)
    days = number(call, ATTR_VALID_DAYS)
    if days > _LONGEST_VALID_DAYS:
        raise invalid("too_many", field=ATTR_VALID_DAYS, most=_LONGEST_VALID_DAYS)
    with explained():
        account = await member.client.account(member.address)
        if "founder" not in account.roles:
            raise invalid("refused_not_allowed", message="")
        invite = await member.make_invite(nodes=nodes, valid_s=int(days * 86_400))
    return {
        "invite": invite.text(),
        "qr": await hass.async_add_executor_job(_picture, invite.text()),
        "expires": local_time(invite.expires),
        "nodes": list(invite.nodes),
        "peers": list(invite.peers),
    }


def _picture(text: str) -> str:
    """Return a text as a QR code, for an image's address (data:)."""
    code = segno.make(text, error="l", micro=False)
    return str(code.svg_data_uri(scale=4, border=3))


async def approve_member(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Let a pending member in."""
    market = entry_of(hass, call).runtime_data.market
    member = address(call, ATTR_MEMBER, market)
    with explained():
        receipt = await market.member.approve(member)
    return {"transaction": receipt.id, "state": receipt.state}
