"""What a network decides about itself and may decide anew: who comes in, how much, and who signs twice."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from energy_ledger.units import INT64_MAX

MIN_BURST: Final = 2_000_000
"""A bucket of work holds at least the longest clearing, signatures included."""
MAX_KINDS: Final = 64

Approval = Literal["invite", "manual"]


class Quota(Struct, frozen=True, forbid_unknown_fields=True):
    """The bucket of work of each account: what it holds, and how fast it fills; `ledger.quotas` counts it.

    By default some 6 small transactions a second for ever, and 12,000 at once.
    """

    work_per_s: Annotated[int, Meta(ge=1, le=10**9)] = 10_000
    burst: Annotated[int, Meta(ge=MIN_BURST, le=10**12)] = 20_000_000


class Sharing(Struct, frozen=True, forbid_unknown_fields=True):
    """The key by which energy that was not traded is allotted (`ledger.sharing`).

    `shares` are the weights of a static key, by member.
    """

    key: Literal["none", "static", "dynamic", "hierarchical"]
    shares: Annotated[dict[str, Annotated[int, Meta(ge=0, le=10**9)]], Meta(max_length=1000)] = {}


class Hybrid(Struct, frozen=True, forbid_unknown_fields=True):
    """What every key of an account must sign, in a network where each account also has an ML-DSA-44 key.

    These kinds, and transfers of more than so much (nano-units; None: no transfer).
    """

    kinds: Annotated[tuple[str, ...], Meta(max_length=MAX_KINDS)]
    transfer_above: Annotated[int, Meta(ge=0, le=INT64_MAX)] | None
