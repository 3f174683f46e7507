"""Random streets of both programs: true meters, the integration's metering, and the ledger that settles.

Everybody is honest; whatever else can go wrong does. Meters roll over, are exchanged, fall silent and talk
nonsense, Home Assistant restarts, its backup runs a second time beside it, readings come twice, late,
otherwise than before or never, are put right by claims, and the ledger forgets everything but its rows after
any commit.
"""

import json
from collections import Counter, defaultdict
from random import Random
from typing import Any

from custom_components.energy_marketplace.meter.journal import Attestation, Journal, Traded
from custom_components.energy_marketplace.meter.readings import Gap, SlotReading
from custom_components.energy_marketplace.meter.slots import SlotMeter
from custom_components.energy_marketplace.trading.deliveries import traded_at
from energy_ledger.ledger.machine import Ledger, Outcome, Result
from energy_ledger.transactions import Transaction
from tests.ledger_node.ledger.life import Storage
from tests.ledger_node.ledger.street import ADA, NODE, SLOT_S, Street, fixed, offer
from tests.privacy.street import Memory
from tests.worlds.device import Device

SLOT_MS = SLOT_S * 1000
RATED_W = 3_600
MONEY = 10**9
NAMES = ("Bo", "Cy", "Di")


class Home:
    """A home with a meter, what reads it, and a backup of the same that somebody may start once more."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.random = world, world.random
        self.person = world.street.joins(name)
        world.street.gets(self.person, MONEY)
        self.asset = world.street.asset(self.person)
        self.device = Device(self.random, SLOT_MS, self.note)
        self.meter = self.fresh(None)
        self.offline = 0
        self.given_up: set[int] = set()

    async def begin(self) -> None:
        self.journal = await Journal.open(self.asset, Memory())
        self.copy = await Journal.open(self.asset, Memory())

    def note(self, what: str) -> None:
        self.world.seen[what] += 1

    def fresh(self, state: Any) -> SlotMeter:
        return SlotMeter(slot_s=SLOT_S, rated_w=RATED_W, max_gap_ms=1_000, state=state)

    async def lives(self, slot: int, traded: dict[int, Traded]) -> None:
        """Let a slot pass, and keep what is read of it, as the integration does."""
        for look in self.device.lives(slot):
            if look.exchange:
                try:
                    self.meter.exchange(*look.exchange)
                except ValueError:  # it had taken nonsense for the old meter's figures
                    self.note("exchange refused")
            for item in self.meter.feed(look.sample) if look.sample else ():
                await self.keep(item, traded)
            if look.restarted:
                self.meter = self.fresh(json.loads(json.dumps(self.meter.as_dict())))

    async def keep(self, item: SlotReading | Gap, traded: dict[int, Traded]) -> None:
        parts = [item]
        if isinstance(item, Gap):
            parts = [part for part in item.proven if part.slot in traded and self.world.readings == "traded"]
            self.note("proven in part" if parts else "gap")
        for part in parts:
            await self.journal.add(part)
            await self.copy.add(part)

    async def attests(self, traded: dict[int, Traded]) -> None:
        """Send what is due, unless the line is dead; send again what may have got lost on the way."""
        self.offline = self.random.randint(1, 4) if self.random.random() < 0.1 else max(0, self.offline - 1)
        if self.offline:
            self.note("offline")
            return
        for one in self.journal.due(traded, self.world.readings):
            if one.slot not in self.given_up:
                transaction = self.reading(one)
                (result,) = self.world.sends(transaction)
                await self.answered(one, transaction, result)
                self.again(one, transaction, traded)

    async def answered(self, one: Attestation, transaction: Transaction, result: Result) -> None:
        if result.state == "applied":
            self.note("read")
            await self.journal.attested(one.slot, transaction.id)
        else:
            assert result.code == "too_late"
            self.note("late")
            self.given_up.add(one.slot)

    def reading(self, one: Attestation, **changes: Any) -> Transaction:
        fields = {
            "asset": one.asset, "slot": one.slot, "imported_wh": one.imported_wh,
            "exported_wh": one.exported_wh, "commitment": one.commitment,
        }  # fmt: skip
        return self.world.street.write(self.person, "reading.attest", sign=False, **fields | changes)

    def again(self, one: Attestation, transaction: Transaction, traded: dict[int, Traded]) -> None:
        """Attest a slot once more; the first reading stands, whatever comes then."""
        match self.random.randint(0, 9):
            case 0:
                self.note("repeated")
                second = transaction
            case 1:
                self.note("duplicated")
                second = self.reading(one)
            case 2:
                self.note("contradicted")
                second = self.reading(one, imported_wh=one.imported_wh + 9, exported_wh=one.exported_wh + 9)
            case 3:
                self.note("overlapping")
                other = self.copy.attestation(one.slot, traded.get(one.slot, Traded()), self.world.readings)
                assert other is not None
                assert other.commitment != one.commitment
                second = self.reading(other)
            case _:
                return
        for result in self.world.sends(second):
            assert result.state == "refused"

    async def puts_right(self, slot: int, traded: dict[int, Traded]) -> None:
        """Claim what the meter showed of a slot that was settled without it, or with less."""
        one = self.journal.attestation(slot, traded.get(slot, Traded()), self.world.readings)
        known = self.world.street.state.readings.get(f"{self.asset}/{slot}")
        if one is None or (
            known and (known.imported_wh, known.exported_wh) == (one.imported_wh, one.exported_wh)
        ):
            return
        fields = {
            "asset": self.asset,
            "slot": slot,
            "imported_wh": one.imported_wh,
            "exported_wh": one.exported_wh,
        }
        result = self.world.do(self.person, "claim.open", reason="my router was off", **fields)
        if result.state == "applied":
            self.note("corrected" if known else "brought later")
            self.world.do(ADA, "claim.decide", claim=result.id, upheld=True)


class World:
    """A street that lives for some slots; `latest` has the last version of every row."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.seen: Counter[str] = Counter()
        self.readings: Any = self.random.choice(["traded", "net"])
        self.street = Street(readings=self.readings, claim_window_s=self.random.choice([300, 1_000]))
        self.latest: dict[str, dict[str, Any]] = defaultdict(dict)
        self.homes = [Home(self, name) for name in NAMES]
        self.storage = Storage(self.street.ledger.rows())

    async def lives(self, slots: int) -> None:
        for home in self.homes:
            await home.begin()
        first = self.street.time // SLOT_MS + 1
        for slot in range(first, first + slots):
            await self.slot_passes(slot)
        for _ in range(15):
            self.street.time += SLOT_MS
            self.commit()

    async def slot_passes(self, slot: int) -> None:
        self.street.time = slot * SLOT_MS
        self.orders_are_placed(slot + 1)
        self.street.time += SLOT_MS // 2
        self.commit()
        if self.street.ledger.open_book() is not None:
            self.do(NODE, "clearing.propose", **self.street.proposal())
        for home in self.homes:
            await home.lives(slot, self.traded(home.asset))
        self.street.time = (slot + 1) * SLOT_MS
        self.commit()
        for home in self.homes:
            await home.attests(self.traded(home.asset))
        for late in list(self.street.state.slots.closed):
            for home in self.homes:
                if self.random.random() < 0.5:
                    await home.puts_right(late, self.traded(home.asset))

    def orders_are_placed(self, slot: int) -> None:
        for home in self.homes:
            ahead = {str(slot + further): self.random.randint(1, 40) for further in range(3)}
            terms = offer(self.random.randint(80_000, 120_000), {}) | {"slots": ahead}
            if self.random.random() < 0.6:
                terms = fixed(self.random.randint(150_000, 290_000), {}) | {"slots": ahead}
            self.do(home.person, "order.place", asset=home.asset, order=terms)

    def traded(self, asset: str) -> dict[int, Traded]:
        return traded_at(self.street.state.trades.values(), asset)

    def do(self, who: Any, kind: str, **fields: Any) -> Result:
        (result,) = self.sends(self.street.write(who, kind, sign=False, **fields))
        return result

    def sends(self, transaction: Transaction) -> tuple[Result, ...]:
        return self.commit(transaction).results

    def commit(self, *transactions: Transaction) -> Outcome:
        """Commit; then the ledger loses its memory, or not."""
        outcome = self.street.commit(transactions, [one.id for one in transactions])
        self.storage.write(outcome)
        for change in outcome.changes:
            if change.row is not None:
                self.latest[change.table][change.key] = change.row
        if self.random.random() < 0.3:
            self.street.ledger = Ledger.restore(self.street.genesis, self.storage.rows())
            assert self.street.ledger.root == outcome.root
            self.seen["crashed"] += 1
        return outcome
