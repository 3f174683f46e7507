"""The genesis: the signed founding act that names a network and fixes its rules."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from energy_ledger import crypto
from energy_ledger.fields import FeederId, Hash, Label, Natural
from energy_ledger.keys import (
    PublicKey,
    account_of,
    address_of,
    check_address,
    check_keys,
    is_hybrid,
    require_ml_dsa,
    verify_all,
)
from energy_ledger.kinds import check_hybrid
from energy_ledger.payloads import MAX_COMMITTEE
from energy_ledger.policies import Approval, Hybrid, Quota, Sharing
from energy_ledger.refusals import Refused
from energy_ledger.strict import check_text, convert, loads
from energy_ledger.tariffs import Schedule, Tariff, check_tariff
from energy_ledger.transactions import Envelope
from energy_ledger.units import INT64_MAX

GENESIS_TAG: Final = crypto.tag("genesis")
_MAX_BYTES = 65_536

Limit = Annotated[int, Meta(ge=0, le=INT64_MAX)]


class Founder(Struct, frozen=True, forbid_unknown_fields=True):
    """Who founds the network: its first member, founder and treasurer."""

    name: Label
    keys: tuple[PublicKey, ...]


class Feeder(Struct, frozen=True, forbid_unknown_fields=True):
    """A branch of the grid under `parent`; limits in Wh per slot, None where there is none."""

    id: Annotated[FeederId, Meta(min_length=1)]
    parent: FeederId = ""
    up_limit_wh: Limit | None = None
    down_limit_wh: Limit | None = None


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
    approval: Approval
    readings: Literal["traded", "net"]
    quota: Quota = Quota()
    hybrid: Hybrid | UnsetType = UNSET
    claim_window_s: Annotated[int, Meta(ge=0, le=31_536_000)] = 86_400
    certificate_life_s: Annotated[int, Meta(ge=1, le=10**9)] = 31_536_000
    sharing: Sharing = Sharing("none")

    def schedule(self, later: Iterable[tuple[int, Tariff]] = ()) -> Schedule:
        """Return the tariffs of the network: that of the genesis, and those that were set later."""
        return Schedule(self.slot_s, ((0, self.tariff), *sorted(later, key=itemgetter(0))))


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
    if rules.hybrid is not UNSET or is_hybrid(rules.founder.keys):
        require_ml_dsa("hybrid")
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
    check_tariff(rules.tariff, "tariff")
    _check_hybrid(rules)
    check_sharing(rules.sharing, rules.readings)
    _check_feeders(rules.feeders)


def _check_times(rules: Rules) -> None:
    if rules.proposal_window_s > rules.round_s:
        message = "A round must be decided before the next one closes: at most round_s."
        raise Refused("bad_value", "proposal_window_s", message)
    if rules.proposal_window_s > rules.gate_s:
        message = "A round must be decided before the first slot it trades starts: at most gate_s."
        raise Refused("bad_value", "proposal_window_s", message)


def _check_hybrid(rules: Rules) -> None:
    if rules.hybrid is UNSET:
        return
    check_hybrid(rules.hybrid)
    if not is_hybrid(rules.founder.keys):
        message = "In a hybrid network everybody has an ml-dsa-44 key, the founder first."
        raise Refused("needs_hybrid", "founder.keys", message)


def check_sharing(sharing: Sharing, readings: str) -> None:
    """Refuse a key that nobody could calculate, and shares that are no member's."""
    if sharing.key != "none" and readings != "net":
        message = "A sharing key needs the net reading of every slot: `readings` must be `net`."
        raise Refused("bad_value", "sharing.key", message)
    if sharing.shares and sharing.key != "static":
        raise Refused("bad_value", "sharing.shares", "Only a static key has shares.")
    for address in sharing.shares:
        check_address(address, "sharing.shares")


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
