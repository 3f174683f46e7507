"""Why something is refused: one exception with a code for programs and a sentence for people."""

from typing import Literal, get_args

type Code = Literal[
    # the payload's form
    "too_large",
    "not_utf8",
    "not_json",
    "duplicate_key",
    "float",
    "unknown_field",
    "missing_field",
    "wrong_type",
    "bad_value",
    # the envelope
    "wrong_network",
    "unknown_kind",
    "unknown_account",
    "bad_signature",
    "expired",
    "expires_too_late",
    # the order of an account's transactions
    "replayed",
    "sequence_used",
    "sequence_gap",
    "over_quota",
    # who may do it
    "not_allowed",
    "not_active",
    "unknown_member",
    "already_member",
    "last_founder",
    "has_assets",
    "needs_hybrid",
    "hybrid_unavailable",
    # joining
    "invite_invalid",
    "invite_expired",
    "invite_used",
    # assets
    "unknown_asset",
    "not_your_asset",
    "not_a_connection_point",
    "unknown_feeder",
    "has_open_orders",
    "asset_retired",
    # orders and money
    "slot_closed",
    "beyond_horizon",
    "window_too_short",
    "exceeds_rating",
    "not_enough_money",
    "unknown_order",
    "not_your_order",
    "order_closed",
    "unknown_redemption",
    "redemption_closed",
    # readings
    "slot_not_over",
    "reading_exists",
    "too_late",
    "unknown_reading",
    "commitment_mismatch",
    # claims
    "unknown_claim",
    "claim_exists",
    # certificates
    "unknown_certificate",
    "not_your_certificate",
    "certificate_closed",
    "certificate_reserved",
    "certificate_too_small",
    # clearings
    "unknown_round",
    "round_over",
    "clearing_wrong",
]

CODES: tuple[Code, ...] = get_args(Code.__value__)


class Refused(Exception):  # noqa: N818 - it is not a fault of the program
    """A transaction, invite or genesis that cannot be accepted.

    `code` is one of `CODES`, `field` the place in the payload it is about (None where it is about the whole),
    `message` a sentence for the person behind it.
    """

    def __init__(self, code: Code, field: str | None, message: str) -> None:
        super().__init__(code, field, message)
        self.code = code
        self.field = field
        self.message = message

    def __str__(self) -> str:
        """Show the refusal in one line."""
        return f"{self.code} ({self.field}): {self.message}" if self.field else f"{self.code}: {self.message}"
