"""The actions of the integration: one table of what there is, who may do it, and what it answers."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers.service import async_register_admin_service

from . import service_certificates as certificates
from . import service_flexible as flexible
from . import service_governance as governance
from . import service_member as member
from . import service_orders as orders
from . import service_papers as papers
from . import service_privacy as privacy
from . import service_queries as queries
from . import service_windows as windows
from .const import DOMAIN
from .schema import vol

type Handler = Callable[[HomeAssistant, ServiceCall], Coroutine[Any, Any, ServiceResponse]]


@dataclass(frozen=True)
class Action:
    """An action: its handler, what it takes, whether it answers, whether only admins may."""

    handler: Handler
    schema: vol.Schema
    answers: SupportsResponse = SupportsResponse.OPTIONAL
    admin: bool = False


ACTIONS = {
    "place_offer": Action(orders.place_offer, orders.PLACE_SCHEMA),
    "place_bid": Action(orders.place_bid, orders.PLACE_SCHEMA),
    "request_energy": Action(orders.request, orders.REQUEST_SCHEMA),
    "request_block": Action(flexible.request_block, flexible.BLOCK_SCHEMA),
    "announce_flexibility": Action(flexible.announce_flexibility, flexible.ANNOUNCE_SCHEMA),
    "cancel_order": Action(orders.cancel_order, orders.CANCEL_SCHEMA),
    "get_orders": Action(queries.get_orders, queries.LIST_SCHEMA, SupportsResponse.ONLY),
    "get_trades": Action(queries.get_trades, queries.LIST_SCHEMA, SupportsResponse.ONLY),
    "get_audit_log": Action(queries.get_audit_log, queries.AUDIT_SCHEMA, SupportsResponse.ONLY),
    "export_audit": Action(privacy.export_audit, privacy.EXPORT_SCHEMA, SupportsResponse.ONLY),
    "disclose_reading": Action(
        privacy.disclose_reading, privacy.DISCLOSE_SCHEMA, SupportsResponse.ONLY, admin=True
    ),
    "delete_readings": Action(privacy.delete_readings, privacy.DELETE_SCHEMA, admin=True),
    "get_prices": Action(windows.get_prices, windows.PRICES_SCHEMA, SupportsResponse.ONLY),
    "find_best_window": Action(windows.find_best_window, windows.WINDOW_SCHEMA, SupportsResponse.ONLY),
    "get_statement": Action(papers.get_statement, papers.STATEMENT_SCHEMA, SupportsResponse.ONLY),
    "get_certificates": Action(papers.get_certificates, papers.CERTIFICATES_SCHEMA, SupportsResponse.ONLY),
    "get_redemptions": Action(papers.get_redemptions, papers.REDEMPTIONS_SCHEMA, SupportsResponse.ONLY),
    "open_claim": Action(certificates.open_claim, certificates.CLAIM_SCHEMA, admin=True),
    "exchange_meter": Action(certificates.exchange_meter, certificates.EXCHANGE_SCHEMA, admin=True),
    "redeem_voucher": Action(papers.redeem_voucher, papers.REDEEM_SCHEMA, admin=True),
    "settle_redemption": Action(papers.settle_redemption, papers.SETTLE_SCHEMA, admin=True),
    "transfer": Action(member.transfer, member.TRANSFER_SCHEMA, admin=True),
    "issue_voucher": Action(member.issue_voucher, member.VOUCHER_SCHEMA, admin=True),
    "set_credit": Action(member.set_credit, member.CREDIT_SCHEMA, admin=True),
    "create_invite": Action(member.create_invite, member.INVITE_SCHEMA, SupportsResponse.ONLY, admin=True),
    "approve_member": Action(member.approve_member, member.APPROVE_SCHEMA, admin=True),
    "suspend_member": Action(governance.suspend_member, governance.SUSPEND_SCHEMA, admin=True),
    "set_role": Action(governance.set_role, governance.ROLE_SCHEMA, admin=True),
    "set_tariff": Action(governance.set_tariff, governance.TARIFF_SCHEMA, admin=True),
    "retire_asset": Action(governance.retire_asset, governance.RETIRE_SCHEMA, admin=True),
    "leave_network": Action(governance.leave_network, governance.OWN_SCHEMA, admin=True),
    "rotate_keys": Action(governance.rotate_keys, governance.OWN_SCHEMA, SupportsResponse.ONLY, admin=True),
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for name, action in ACTIONS.items():
        handler = partial(action.handler, hass)
        if action.admin:
            async_register_admin_service(
                hass, DOMAIN, name, handler, schema=action.schema, supports_response=action.answers
            )
        else:
            hass.services.async_register(
                DOMAIN, name, handler, schema=action.schema, supports_response=action.answers
            )
