"""The genesis: the signed text that a network is named after."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .address import Address
from .digests import digest
from .hybrid import Hybrid, HybridUnavailableError
from .transactions import Envelope, dump, seal
from .wallet import PublicKey, Wallet, account_of, verifies

_DAY_MINUTES = 1_440


class GenesisError(ValueError):
    """A genesis that is none, or not of the expected network."""


@dataclass(frozen=True, kw_only=True)
class Tariff:
    """Prices around the market (nano per Wh): what the grid pays and costs, and the fee on traded energy.

    `week` has the steps (minute of the week, value) of those that follow the hours.
    """

    price_floor: int = 80_000
    price_cap: int = 300_000
    grid_fee: int = 5_000
    week: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the tariff as it stands in a genesis."""
        flat = {"price_floor": self.price_floor, "price_cap": self.price_cap, "grid_fee": self.grid_fee}
        steps = {
            name: [{"minute": minute, "value": value} for minute, value in week]
            for name, week in self.week.items()
        }
        return flat | steps


def nightly(day: int, night: int, begins: int, ends: int) -> tuple[tuple[int, int], ...]:
    """Return a week (minute, value) in which the night's value holds from `begins` to `ends`.

    Both are minutes of the UTC day; a night may pass midnight. They differ.
    """
    steps = {
        (of_day * _DAY_MINUTES + minute) % (7 * _DAY_MINUTES): value
        for of_day in range(7)
        for minute, value in ((begins, night), (ends, day))
    }
    steps.setdefault(0, steps[max(steps)])
    return tuple(sorted(steps.items()))


@dataclass(frozen=True, kw_only=True)
class GenesisOptions:
    """What a founder decides; the defaults suit a street with quarter-hour slots."""

    name: str
    founder_name: str
    test: bool = False
    currency: str = "EUR"
    slot_s: int = 900
    horizon_slots: int = 144
    round_s: int = 300
    proposal_window_s: int = 30
    gate_s: int = 60
    grace_slots: int = 2
    tariff: Tariff = field(default_factory=Tariff)
    feeders: tuple[Mapping[str, Any], ...] = ()
    approval: Literal["invite", "manual"] = "invite"
    readings: Literal["traded", "net"] = "traded"
    hybrid: Hybrid | None = None


@dataclass(frozen=True)
class Genesis:
    """A verified genesis: network id (hex), its payload, and who founded it."""

    network: str
    founder: str
    founder_keys: list[PublicKey]
    payload: Mapping[str, Any]

    @property
    def is_hybrid(self) -> bool:
        """Whether its members have had two keys from the beginning."""
        return "hybrid" in self.payload

    @property
    def test(self) -> bool:
        """Whether addresses of this network start with tkwh."""
        return bool(self.payload["test"])


def build(options: GenesisOptions, wallet: Wallet, *, node_key: str, created: int) -> Envelope:
    """Return a genesis signed by its founder; `created` in ms, `node_key` of the first validator."""
    payload = {
        "kind": "genesis",
        "name": options.name,
        "created": created,
        "test": options.test,
        "currency": options.currency,
        "founder": {"name": options.founder_name, "keys": wallet.keys},
        "committee": [node_key],
        "slot_s": options.slot_s,
        "horizon_slots": options.horizon_slots,
        "round_s": options.round_s,
        "proposal_window_s": options.proposal_window_s,
        "gate_s": options.gate_s,
        "grace_slots": options.grace_slots,
        "tariff": options.tariff.as_dict(),
        "feeders": [dict(feeder) for feeder in options.feeders],
        "approval": options.approval,
        "readings": options.readings,
    }
    if options.hybrid is not None:
        payload["hybrid"] = options.hybrid.as_dict()
    return seal(wallet, dump(payload), what="genesis")


def network_id(envelope: Envelope) -> str:
    """Return the id (hex) of the network that a genesis founds."""
    return digest("genesis", envelope.payload.encode()).hex()


def verify(envelope: Envelope, network: str | None = None) -> Genesis:
    """Check a genesis: its signatures, and that it is the one of the expected network.

    Raises:
        GenesisError: it is not a genesis, not signed by its founder, or another network's.

    """
    found = network_id(envelope)
    if network is not None and found != network:
        raise GenesisError("the node belongs to another network than expected")
    try:
        payload = json.loads(envelope.payload)
        keys: list[PublicKey] = payload["founder"]["keys"]
        founder = str(Address(account_of(keys), payload["test"]))
        is_genesis = payload["kind"] == "genesis" and len(keys) == len(envelope.signatures)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GenesisError("the node sent something that is not a genesis") from error
    message = envelope.payload.encode()
    try:
        signed = all(
            verifies(key, "genesis", message, signature)
            for key, signature in zip(keys, envelope.signatures, strict=False)
        )
    except HybridUnavailableError as error:
        raise GenesisError(str(error)) from error
    if not is_genesis or not signed:
        raise GenesisError("the genesis is not signed by its founder")
    return Genesis(found, founder, keys, payload)
