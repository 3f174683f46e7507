"""Certificates by hand: giving Wh to another member, using them up, saying for whom they count, expiry.

Only what is final can be moved by hand: until then a corrected reading may still take Wh back.
"""

from functools import partial
from typing import Final

from msgspec.structs import replace

from energy_ledger.ledger.events import EventType
from energy_ledger.ledger.members import member
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import CERTIFICATE, advance, may
from energy_ledger.ledger.traced_rows import Certificate
from energy_ledger.payloads import CertificateCancel, CertificateClaim, CertificateTransfer
from energy_ledger.refusals import Refused

_CLOSED: Final = {
    "transfer": "It was used already; only what is unused can be given to somebody.",
    "cancel": "It was used already.",
    "claim": "It is not used yet; cancel it first.",
}


def plan_transfer(request: Request, payload: CertificateTransfer) -> Action:
    """Check certificate and recipient; then the Wh are the recipient's."""
    part = _held(request, payload.certificate, payload.wh, "transfer")
    member(request.state, payload.to, "to")
    return partial(_transfer, request, part, payload)


def plan_cancel(request: Request, payload: CertificateCancel) -> Action:
    """Check the certificate; then its Wh are used up."""
    part = _held(request, payload.certificate, payload.wh, "cancel")
    return partial(_cancel, request, part, payload)


def plan_claim(request: Request, payload: CertificateClaim) -> Action:
    """Check that the sender used the Wh up; then they count for the beneficiary."""
    part = _held(request, payload.certificate, payload.wh, "claim")
    return partial(_claim, request, part, payload)


def _held(request: Request, name: str, wh: int, event: str) -> Certificate:
    """Return a certificate of the sender's that may undergo the event. Raises Refused."""
    part = request.state.certificates.get(name)
    if part is None:
        message = "There is no such certificate, or there is nothing left to do with it."
        raise Refused("unknown_certificate", "certificate", message)
    if part.holder != request.sender.account:
        raise Refused("not_your_certificate", "certificate", "Another member holds this certificate.")
    if not request.state.slots.is_final(part.slot):
        message = "Its slot can still be corrected; it can be moved when the time for claims is over."
        raise Refused("certificate_reserved", "certificate", message)
    if not may(CERTIFICATE, part.state, event):
        raise Refused("certificate_closed", "certificate", _CLOSED[event])
    if wh > part.wh:
        raise Refused("certificate_too_small", "wh", f"This certificate has {part.wh} Wh.")
    return part


def _transfer(request: Request, part: Certificate, payload: CertificateTransfer) -> None:
    moved = replace(
        _cut(request.state, part, payload.wh),
        holder=payload.to,
        state=advance(CERTIFICATE, part.state, "transfer"),
    )
    _keep(request.state, moved)
    _say(request, "certificate.transferred", moved, part)


def _cancel(request: Request, part: Certificate, payload: CertificateCancel) -> None:
    used = replace(
        _cut(request.state, part, payload.wh),
        cancelled_for=payload.purpose,
        state=advance(CERTIFICATE, part.state, "cancel"),
    )
    _keep(request.state, used)
    _say(request, "certificate.cancelled", used, part)


def _claim(request: Request, part: Certificate, payload: CertificateClaim) -> None:
    claimed = replace(
        _cut(request.state, part, payload.wh),
        claimed_for=payload.beneficiary,
        state=advance(CERTIFICATE, part.state, "claim"),
    )
    request.state.certificates.finish(claimed)
    _say(request, "certificate.claimed", claimed, part)


def _cut(state: State, part: Certificate, wh: int) -> Certificate:
    """Return the upper so many Wh of a certificate; what is left of it keeps its id."""
    if wh == part.wh:
        return part
    left, upper = part.split(part.wh - wh)
    state.certificates.put(left)
    return upper


def _keep(state: State, part: Certificate) -> None:
    state.expiries.add(state.certificates.put(part))


def expire(state: State) -> None:
    """End the certificates that nobody used in time; what was used stays so, but can no longer be claimed."""
    ended: dict[str, list[Certificate]] = {}
    for name in dict.fromkeys(state.expiries.take(state.time)):
        part = state.certificates.get(name)
        if part is None:
            continue
        if may(CERTIFICATE, part.state, "expire"):
            part = replace(part, state=advance(CERTIFICATE, part.state, "expire"))
            ended.setdefault(part.asset, []).append(part)
        state.certificates.finish(part)
    for asset, parts in ended.items():
        data = {
            "asset": asset,
            "wh": sum(part.wh for part in parts),
            "certificates": [part.id for part in parts],
        }
        state.emit("certificate.expired", data, accounts=[part.holder for part in parts], assets=[asset])


def _say(request: Request, event: EventType, part: Certificate, before: Certificate) -> None:
    """Say what became of Wh, and of which certificate, of whom, they were."""
    request.state.emit(
        event,
        {"certificate": before.id, "from": before.holder, **part.row()},
        accounts=(before.holder, part.holder),
        assets=[part.asset],
        transaction=request.id,
    )
