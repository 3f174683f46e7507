"""The genesis: the signed founding act that names a network and fixes its rules."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta, Struct

from energy_ledger import crypto
from energy_ledger.keys import PublicKey, account_of, address_of, check_keys, verify_all
from energy_ledger.payloads import MAX_COMMITTEE, FeederId, Hash, Label, Natural
from energy_ledger.refusals import Refused
from energy_ledger.strict import check_text, convert, loads
from energy_ledger.transactions import Envelope
from energy_ledger.units import INT64_MAX, MAX_TARIFF, MINUTES_PER_DAY, MINUTES_PER_WEEK, SECONDS_PER_MINUTE

GENESIS_TAG: Final = crypto.tag("genesis")
EPOCH_MINUTE: Final = 3 * MINUTES_PER_DAY
"""The minute of the week with which the Unix epoch began: a Thursday, 00:00 UTC."""
_MAX_BYTES = 65_536
MIN_BURST: Final = 2_000_000
"""A bucket of work holds at least the longest clearing, signatures included."""

Price = Annotated[int, Meta(ge=0, le=MAX_TARIFF)]
Limit = Annotated[int, Meta(ge=0, le=INT64_MAX)]


class Founder(Struct, frozen=True, forbid_unknown_fields=True):
    """Who founds the network: its first member, founder and treasurer."""

    name: Label
    keys: tuple[PublicKey, ...]


class TariffStep(Struct, frozen=True, forbid_unknown_fields=True):
    """A value of a tariff that holds from a minute of the week on; Monday 00:00 UTC is minute 0."""

    minute: Annotated[int, Meta(ge=0, lt=MINUTES_PER_WEEK)]
    value: Price


Week = Annotated[tuple[TariffStep, ...], Meta(min_length=1, max_length=MINUTES_PER_WEEK // 5)]


class SlotTariff(NamedTuple):
    """Price limits and fee of one slot, nano per Wh."""

    price_floor: int
    price_cap: int
    grid_fee: int


class Tariff(Struct, frozen=True, forbid_unknown_fields=True):
    """Price limits and fee of the network, nano per Wh: each one price, or a week's schedule of them."""

    price_floor: Price | Week
    price_cap: Price | Week
    grid_fee: Price | Week

    def at(self, second: int) -> SlotTariff:
        """Return what holds at a moment, in seconds since the Unix epoch."""
        minute = second // SECONDS_PER_MINUTE + EPOCH_MINUTE
        return SlotTariff(*(_value(one, minute) for one in (self.price_floor, self.price_cap, self.grid_fee)))


def _value(schedule: int | tuple[TariffStep, ...], minute: int) -> int:
    if isinstance(schedule, int):
        return schedule
    place = bisect_right(schedule, minute % MINUTES_PER_WEEK, key=attrgetter("minute"))
    return schedule[place - 1].value


class Feeder(Struct, frozen=True, forbid_unknown_fields=True):
    """A branch of the grid under `parent`; limits in Wh per slot, None where there is none."""

    id: Annotated[FeederId, Meta(min_length=1)]
    parent: FeederId = ""
    up_limit_wh: Limit | None = None
    down_limit_wh: Limit | None = None


class Quota(Struct, frozen=True, forbid_unknown_fields=True):
    """The bucket of work of each account: what it holds, and how fast it fills; `ledger.quotas` counts it.

    By default some 6 small transactions a second for ever, and 12,000 at once.
    """

    work_per_s: Annotated[int, Meta(ge=1, le=10**9)] = 10_000
    burst: Annotated[int, Meta(ge=MIN_BURST, le=10**12)] = 20_000_000


class Rules(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="genesis"):
    """What the genesis says; the times without unit suffix are ms, those in `_s` seconds."""

    name: Label
    created: Natural
    test: bool
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    founder: Founder
    committee: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=MAX_COMMITTEE)]
    slot_s: Annotated[int, Meta(ge=1, le=3600)]
    horizon_slots: Annotated[int, Meta(ge=1, le=10_000)]
    round_s: Annotated[int, Meta(ge=1, le=86_400)]
    proposal_window_s: Annotated[int, Meta(ge=1, le=86_400)]
    gate_s: Annotated[int, Meta(ge=0, le=86_400)]
    grace_slots: Annotated[int, Meta(ge=1, le=10_000)]
    tariff: Tariff
    feeders: Annotated[tuple[Feeder, ...], Meta(max_length=1000)]
    approval: Literal["invite", "manual"]
    readings: Literal["traded", "net"]
    quota: Quota = Quota()
    claim_window_s: Annotated[int, Meta(ge=0, le=31_536_000)] = 86_400
    certificate_life_s: Annotated[int, Meta(ge=1, le=10**9)] = 31_536_000

    def tariff_of(self, slot: int) -> SlotTariff:
        """Return the tariff of a slot: what holds when it starts."""
        return self.tariff.at(slot * self.slot_s)


class Genesis(Struct, frozen=True):
    """A founded network: its id (64 hex characters), its rules, and the envelope that proves them."""

    network: str
    rules: Rules
    envelope: Envelope

    @property
    def founder(self) -> str:
        """The founder's address."""
        return address_of(account_of(self.rules.founder.keys), self.rules.test)

    @property
    def node_keys(self) -> tuple[PublicKey, ...]:
        """The committee's keys, in its order."""
        return tuple(PublicKey(type="ed25519", public=public) for public in self.rules.committee)

    @property
    def node_accounts(self) -> tuple[str, ...]:
        """The addresses under which the committee's nodes propose clearings, in its order."""
        return tuple(self.address([key]) for key in self.node_keys)

    def address(self, keys: Sequence[PublicKey]) -> str:
        """Return the address that a key set has in this network."""
        return address_of(account_of(keys), self.rules.test)


def read_genesis(envelope: Envelope) -> Genesis:
    """Read a genesis and check it and its signatures. Raises Refused."""
    body = envelope.payload.encode("utf-8", "surrogatepass")
    if len(body) > _MAX_BYTES:
        raise Refused("too_large", None, f"A genesis has at most {_MAX_BYTES} bytes.")
    tree = loads(body)
    if isinstance(tree, dict) and "kind" not in tree:
        raise Refused("missing_field", "kind", "This field is missing.")
    rules = convert(tree, Rules)
    _check_rules(rules)
    signatures = tuple(map(bytes.fromhex, envelope.signatures))
    if not verify_all(rules.founder.keys, GENESIS_TAG, body, signatures):
        raise Refused("bad_signature", None, "The genesis is not signed by the founder's keys.")
    return Genesis(network=network_id(body), rules=rules, envelope=envelope)


def network_id(body: bytes) -> str:
    """Return the id of the network whose genesis has these bytes."""
    return crypto.digest(GENESIS_TAG, body).hex()


def _check_rules(rules: Rules) -> None:
    check_text(rules.name, "name")
    check_text(rules.founder.name, "founder.name")
    check_keys(rules.founder.keys, "founder.keys")
    if len(set(rules.committee)) != len(rules.committee):
        raise Refused("bad_value", "committee", "A node is named twice.")
    _check_times(rules)
    _check_tariff(rules.tariff)
    _check_feeders(rules.feeders)


def _check_times(rules: Rules) -> None:
    if rules.proposal_window_s > rules.round_s:
        message = "A round must be decided before the next one closes: at most round_s."
        raise Refused("bad_value", "proposal_window_s", message)
    if rules.proposal_window_s > rules.gate_s:
        message = "A round must be decided before the first slot it trades starts: at most gate_s."
        raise Refused("bad_value", "proposal_window_s", message)


def _check_tariff(tariff: Tariff) -> None:
    """Refuse a week that does not begin on Monday at 00:00, or whose floor is above the cap at some time."""
    for field in tariff.__struct_fields__:
        minutes = [step.minute for step in _steps(getattr(tariff, field))]
        if minutes[0] != 0:
            raise Refused("bad_value", f"tariff.{field}", "A week begins with minute 0, Monday 00:00 UTC.")
        if any(minute >= following for minute, following in pairwise(minutes)):
            raise Refused("bad_value", f"tariff.{field}", "The minutes must rise from step to step.")
    for step in (*_steps(tariff.price_floor), *_steps(tariff.price_cap)):
        if _value(tariff.price_floor, step.minute) > _value(tariff.price_cap, step.minute):
            raise Refused("bad_value", "tariff.price_floor", "The floor must not be above the cap.")


def _steps(schedule: int | tuple[TariffStep, ...]) -> tuple[TariffStep, ...]:
    return (TariffStep(0, schedule),) if isinstance(schedule, int) else schedule


def _check_feeders(feeders: tuple[Feeder, ...]) -> None:
    """Refuse feeders that are no tree under the busbar: a parent comes before its children."""
    known = [""]
    for index, feeder in enumerate(feeders):
        check_text(feeder.id, f"feeders[{index}].id")
        if feeder.id in known:
            raise Refused("bad_value", f"feeders[{index}].id", "This feeder is named twice.")
        if feeder.parent not in known:
            message = "The parent must come before this feeder in the list."
            raise Refused("bad_value", f"feeders[{index}].parent", message)
        known.append(feeder.id)
