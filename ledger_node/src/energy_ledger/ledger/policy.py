"""The network's own rules: the tariff from a slot on, who comes in, how much, and what all keys must sign."""

from functools import partial

from msgspec import UNSET
from msgspec.structs import replace

from energy_ledger.genesis import check_sharing
from energy_ledger.keys import KeySet, is_hybrid
from energy_ledger.kinds import check_hybrid
from energy_ledger.ledger.governing_rows import Policy, TariffEntry
from energy_ledger.ledger.rights import NODE
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.member_payloads import POLICIES, PolicySet, TariffSet
from energy_ledger.payloads import Join, Transfer
from energy_ledger.policies import Hybrid
from energy_ledger.refusals import Refused
from energy_ledger.transactions import Transaction


def signers(policy: Policy, transaction: Transaction, keys: KeySet) -> KeySet:
    """Return those keys of its account that must have signed a transaction, one signature each.

    All of them, unless the network has named the kinds that all must sign: then the others carry the Ed25519
    signature alone, so that what is small and frequent stays small. Who joins proves all of its keys.
    """
    if policy.hybrid is None or _needs_all(policy.hybrid, transaction):
        return keys
    return keys[:1]


def _needs_all(hybrid: Hybrid, transaction: Transaction) -> bool:
    payload, limit = transaction.payload, hybrid.transfer_above
    if isinstance(payload, Transfer) and limit is not None and payload.amount > limit:
        return True
    return isinstance(payload, Join) or transaction.kind in hybrid.kinds


def check_keys_fit(state: State, keys: KeySet, field: str) -> None:
    """Refuse keys that are not enough for a member of a hybrid network."""
    if state.policy.hybrid is not None and not is_hybrid(keys):
        message = "In this network every member has an ml-dsa-44 key beside the ed25519 key."
        raise Refused("needs_hybrid", field, message)


def plan_tariff(request: Request, payload: TariffSet) -> Action:
    """Check that no order can have been priced by another tariff yet; then this one holds from there on."""
    timing = request.state.timing
    first = timing.first_open_slot(request.time) + timing.horizon
    if payload.from_slot < first:
        message = f"Slots before {first} are traded by the present tariff already; begin there or later."
        raise Refused("slot_closed", "from_slot", message)
    return partial(_set_tariff, request, payload)


def _set_tariff(request: Request, payload: TariffSet) -> None:
    state = request.state
    entry = TariffEntry(from_slot=payload.from_slot, tariff=payload.tariff, transaction=request.id)
    state.set_tariff(entry)
    state.emit("tariff.set", entry.row(), accounts=[request.sender.account], transaction=request.id)


def plan_policy(request: Request, payload: PolicySet) -> Action:
    """Check that everybody can live by the new rules; then they hold."""
    if payload.hybrid is not UNSET:
        check_hybrid(payload.hybrid)
        _check_members(request.state)
    if payload.sharing is not UNSET:
        check_sharing(payload.sharing, request.state.rules.readings)
    changes = {field: value for field in POLICIES if (value := getattr(payload, field)) is not UNSET}
    return partial(_set_policy, request, replace(request.state.policy, **changes))


def _check_members(state: State) -> None:
    """Refuse to ask of everybody for a key that somebody has not."""
    lacking = [
        account.name
        for account in state.accounts.values()
        if NODE not in account.roles and account.status != "left" and not is_hybrid(account.keys)
    ]
    if lacking:
        message = f"{min(lacking)} has no ml-dsa-44 key yet; every member must have rotated to one first."
        raise Refused("needs_hybrid", "hybrid", message)


def _set_policy(request: Request, policy: Policy) -> None:
    state = request.state
    state.set_policy(policy)
    state.emit("policy.set", policy.row(), accounts=[request.sender.account], transaction=request.id)
