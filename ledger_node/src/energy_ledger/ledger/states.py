"""The states of all that has states in the ledger, and what moves it from one to the next.

Each table maps (state, event) to the next state; None is "not there yet". What a table does not name cannot
happen. Nothing else in the ledger assigns a state.
"""

from collections.abc import Mapping
from typing import Final, Literal

type Transitions[S: str] = Mapping[tuple[S | None, str], S]

type MemberState = Literal["pending", "active", "suspended", "leaving", "left"]
MEMBER: Final[Transitions[MemberState]] = {
    (None, "join"): "active",
    (None, "ask"): "pending",  # where the founder approves by hand
    ("pending", "approve"): "active",
    ("active", "suspend"): "suspended",
    ("suspended", "resume"): "active",
    ("active", "leave"): "leaving",
    ("suspended", "leave"): "leaving",
    ("leaving", "part"): "left",  # nothing of it is open any more
}

type AssetState = Literal["idle", "trading", "retired"]
ASSET: Final[Transitions[AssetState]] = {
    (None, "register"): "idle",
    ("idle", "describe"): "idle",
    ("idle", "rebuild"): "idle",  # ratings, feeder, place behind another: what orders were checked against
    ("idle", "trade"): "trading",
    ("trading", "trade"): "trading",
    ("trading", "describe"): "trading",
    ("trading", "rest"): "idle",
    ("idle", "retire"): "retired",
}

type OrderState = Literal["open", "filled", "cancelled", "lapsed"]
ORDER: Final[Transitions[OrderState]] = {
    (None, "place"): "open",
    ("open", "fill"): "filled",
    ("open", "cancel"): "cancelled",
    ("open", "lapse"): "lapsed",
}

type RoundState = Literal["open", "cleared", "void"]
ROUND: Final[Transitions[RoundState]] = {
    (None, "close"): "open",
    ("open", "clear"): "cleared",
    ("open", "end"): "void",
}

type TradeState = Literal["matched", "delivering", "metered", "overdue", "settled", "disputed"]
TRADE: Final[Transitions[TradeState]] = {
    (None, "match"): "matched",
    ("matched", "start"): "delivering",
    ("delivering", "meter"): "metered",  # both readings are in
    ("delivering", "miss"): "overdue",  # the grace is over
    ("delivering", "keep"): "settled",  # it never left its connection point, so no meter tells of it
    ("metered", "settle"): "settled",
    ("overdue", "settle"): "settled",  # a missing reading counts as zero
    ("settled", "dispute"): "disputed",  # somebody claims that a meter of it showed something else
    ("disputed", "decide"): "settled",
}

type ClaimState = Literal["open", "upheld", "rejected"]
CLAIM: Final[Transitions[ClaimState]] = {
    (None, "open"): "open",
    ("open", "uphold"): "upheld",
    ("open", "reject"): "rejected",
    ("open", "lapse"): "rejected",  # nobody decided
}

type CertificateState = Literal["active", "cancelled", "claimed", "withdrawn", "expired"]
CERTIFICATE: Final[Transitions[CertificateState]] = {
    (None, "issue"): "active",
    ("active", "transfer"): "active",
    ("active", "cancel"): "cancelled",  # the energy is used
    ("active", "expire"): "expired",
    ("active", "withdraw"): "withdrawn",  # a corrected reading took the energy back
    ("cancelled", "withdraw"): "withdrawn",
    ("cancelled", "reroute"): "cancelled",  # a corrected reading shows that it reached somebody else
    ("cancelled", "claim"): "claimed",
}

type RedemptionState = Literal["requested", "paid", "returned"]
REDEMPTION: Final[Transitions[RedemptionState]] = {
    (None, "request"): "requested",
    ("requested", "pay"): "paid",  # in real money; the vouchers are no more
    ("requested", "return"): "returned",
}


class ForbiddenTransitionError(Exception):
    """The ledger tried what its own table of states does not allow."""


def may[S: str](table: Transitions[S], state: S | None, event: str) -> bool:
    """Tell whether something in `state` can undergo `event`."""
    return (state, event) in table


def advance[S: str](table: Transitions[S], state: S | None, event: str) -> S:
    """Return the state that follows. Raises ForbiddenTransitionError."""
    try:
        return table[state, event]
    except KeyError:
        raise ForbiddenTransitionError(f"nothing that is {state} can {event}") from None
