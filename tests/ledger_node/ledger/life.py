"""Random days on a street, for the tests of what must hold whatever happens.

Members place and cancel orders of every kind, pay each other, matchers clear rounds rightly or wrongly,
meters are attested, twice, otherwise than before, late or not at all, people claim that a meter showed
something else, contradict each other, and founders decide, certificates change hands, time passes. Everything
follows from one seed. Beside the ledger runs a twin that is given the same commits and is now and then
rebuilt from the rows that storage would have kept.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from energy_ledger.ledger.events import canonical
from energy_ledger.ledger.machine import Ledger, Outcome, Result
from energy_ledger.ledger.tables import Row
from energy_ledger.transactions import Transaction
from tests.ledger_node.ledger.street import ADA, COMMITMENT, NODE, TARIFF, Street, person

PEOPLE = [person(name) for name in ("Bo", "Cy", "Di")]
FEEDERS = [
    {"id": "north", "up_limit_wh": 40, "down_limit_wh": 30},
    {"id": "far", "parent": "north", "up_limit_wh": 20, "down_limit_wh": None},
]
MONEY = 3 * 10**7
EFFICIENCY = 900
START_MINUTE = 24 * 60 + 22 * 60 + 13
"""The minute of the week in which streets are founded: a Tuesday, 22:13 UTC."""


def written(*outcomes: Outcome) -> bytes:
    """Return all that commits brought about, as bytes to compare."""
    return canonical(
        [
            (
                one.results,
                one.lines,
                [(change.table, change.key, change.row, change.final) for change in one.changes],
                one.leaves,
                one.root,
            )
            for one in outcomes
        ]
    )


class Storage:
    """Keeps rows as a database would: the last version of each, as JSON, and only what is not final."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.current = {(row.table, row.key): canonical(row.row) for row in rows}

    def write(self, outcome: Outcome) -> None:
        for change in outcome.changes:
            if change.final:
                self.current.pop((change.table, change.key), None)
            else:
                self.current[change.table, change.key] = canonical(change.row)

    def rows(self) -> list[Row]:
        return [Row(table, key, json.loads(text)) for (table, key), text in self.current.items()]


class Life:
    """One street, its twin, and the steps that life may take."""

    hindrances: tuple[str, ...] = ()
    """Why somebody may be refused what is otherwise everybody's right."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.meters: dict[tuple[str, int], tuple[int, int]] = {}
        self.said: list[tuple[Any, tuple[str, int], Transaction]] = []
        """Who attested what of which meter and slot."""
        self.seen: Counter[str] = Counter()
        """How often what can go wrong with readings did."""
        self.orders: list[str] = []
        self.latest: dict[str, dict[str, Any]] = defaultdict(dict)
        """The last version of every row, finished ones too, by table and key."""
        self.street = Street(
            readings=self.random.choice(["traded", "net"]),
            feeders=self.random.choice([[], FEEDERS]),
            tariff=self.random.choice([TARIFF, self.weekly_tariff()]),
            claim_window_s=self.random.choice([0, 150, 1_000]),
            certificate_life_s=self.random.choice([300, 100_000]),
        )
        self.points = {who: self.settle_in(who) for who in PEOPLE}
        self.storage = Storage(self.street.ledger.rows())
        self.twin = Ledger.restore(self.street.genesis, self.storage.rows())

    def weekly_tariff(self) -> dict[str, Any]:
        """Make a tariff that changes every few slots, at times when slots start and between."""
        random = self.random
        minutes = [0, *range(START_MINUTE, START_MINUTE + 240, random.randint(3, 9))]

        def week(least: int, most: int) -> list[dict[str, int]]:
            return [{"minute": minute, "value": random.randint(least, most)} for minute in minutes]

        return {
            "price_floor": week(50_000, 90_000),
            "price_cap": week(150_000, 300_000),
            "grid_fee": week(0, 9_000),
        }

    def settle_in(self, who: Any) -> list[str]:
        """Let somebody join with money, perhaps credit, a connection point and an asset behind it."""
        street = self.street
        feeder = self.random.choice(["", *(feeder.id for feeder in street.genesis.rules.feeders)])
        street.joins(who.name)
        street.gets(who, MONEY)
        if self.random.random() < 0.5:
            street.must(ADA, "credit.set", member=who.address, limit=MONEY)
        home = street.asset(who, feeder=feeder)
        battery = {"rated_import_w": 1_800, "source": "storage", "storage_efficiency": EFFICIENCY}
        return [home, street.asset(who, feeder=feeder, behind=home, **battery)]

    def step(self) -> None:
        """Do one thing of many."""
        steps = [*_STEPS]
        (action,) = self.random.choices(steps, weights=[_STEPS[step] for step in steps])
        action(self)

    def commit(self, *transactions: Transaction) -> tuple[Result, ...]:
        """Commit on the street and on its twin, whose answer must be the same to the letter."""
        verified = [one.id for one in transactions]
        trusted = self.street.trust(transactions)
        outcome = self.street.commit(transactions, verified)
        same = self.twin.apply(self.twin.commit + 1, self.street.time, transactions, trusted)
        assert written(same) == written(outcome)
        self.storage.write(same)
        for change in outcome.changes:
            if change.row is not None:
                self.latest[change.table][change.key] = change.row
        return outcome.results

    def do(self, who: Any, kind: str, **fields: Any) -> Result:
        return self.commit(self.street.write(who, kind, sign=False, **fields))[0]

    def time_passes(self) -> None:
        self.street.time += self.random.choice([0, 1, 10, 20, 45, 100, 100, 350]) * 1000
        self.commit()

    def the_next_thing_is_due(self) -> None:
        due = self.street.ledger.next_due()
        if due is not None:
            assert due > self.street.ledger.time
            self.street.time = max(self.street.time, due + self.random.choice([0, 0, 1, 3_000]))
            self.commit()

    def orders_are_placed(self) -> None:
        placed = [self.order() for _ in range(self.random.randint(1, 6))]
        self.orders += [one.id for one in placed]
        self.commit(*placed)

    def order(self) -> Transaction:
        who = self.random.choice(PEOPLE)
        asset = self.random.choice(self.points[who])
        return self.street.write(who, "order.place", sign=False, asset=asset, order=self.terms())

    def terms(self) -> dict[str, Any]:
        """Write terms of any kind; most of them may enter the book."""
        random = self.random
        first = self.street.state.timing.first_open_slot(self.street.time) - (random.random() < 0.05)
        slots = {
            str(first + random.randint(0, 3)): random.randint(1, 55) for _ in range(random.randint(1, 4))
        }
        earliest = first + random.randint(0, 3)
        window = {"earliest": earliest, "deadline": earliest + random.randint(1, 4)}
        kind = random.choice(["offer", "offer", "offer", "fixed", "flexible", "flexible", "block"])
        price = random.randint(60_000, 200_000) if kind == "offer" else random.randint(120_000, 320_000)
        terms: dict[str, Any] = {"type": kind, "price": price}
        if kind == "flexible":
            most = random.randint(1, 50)
            energy = random.randint(1, most * (window["deadline"] - earliest) + (random.random() < 0.1))
            terms |= {"energy_wh": energy, "max_wh_per_slot": most} | window
            terms |= {"min_fill": "all"} if random.random() < 0.3 else {}
        elif kind == "block":
            terms |= {"profile_wh": [random.randint(1, 30) for _ in range(random.randint(1, 3))]} | window
        else:
            terms |= {"slots": slots}
        return terms | self.wishes()

    def wishes(self) -> dict[str, Any]:
        random = self.random
        wishes: dict[str, Any] = {}
        if random.random() < 0.2:
            wishes["prefer"] = [random.choice([random.choice(PEOPLE).address, self.points[PEOPLE[0]][1]])]
        if random.random() < 0.2:
            wishes["prefer_sources"] = ["storage"]
        if random.random() < 0.2:
            wishes["expires"] = self.street.time + random.randint(0, 300_000)
        return wishes

    def an_order_is_cancelled(self) -> None:
        if self.orders:
            self.do(self.random.choice(PEOPLE), "order.cancel", order=self.random.choice(self.orders[-9:]))

    def money_moves(self) -> None:
        giver, taker = self.random.sample([*PEOPLE, ADA], 2)
        amount = self.random.randint(1, MONEY)
        if giver is ADA:
            self.do(ADA, "voucher.issue", to=taker.address, amount=amount, reference="cash")
        else:
            self.do(giver, "transfer", to=taker.address, amount=amount)

    def the_round_is_cleared(self) -> None:
        if self.street.ledger.open_book() is not None:
            result = self.do(NODE, "clearing.propose", **self.street.proposal())
            assert result.code in (None, "round_over"), result

    def a_wrong_clearing_is_proposed(self) -> None:
        """Bend a right proposal somewhere; what is accepted of that still must keep every promise."""
        if self.street.ledger.open_book() is None:
            return
        fields = self.street.proposal()
        column = fields["fills"][self.random.choice(["order", "slot", "wh"])]
        if column:
            column[self.random.randrange(len(column))] = self.random.randint(1, 50)
        for row in (*fields["node_duals"].values(), *fields["prices"].values()):
            if self.random.random() < 0.2:
                row[self.random.randrange(len(row))] = self.random.randint(0, 300_000)
        self.do(NODE, "clearing.propose", **fields)

    def meters_are_read(self) -> None:
        """Let a slot that is over, or nearly, be attested by most; rarely one of which nobody knows."""
        timing = self.street.state.timing
        traded = sorted(dict.fromkeys(self.street.state.index.slots()))
        slot = traded[0] if traded and self.random.random() < 0.9 else self.street.time // timing.slot_ms - 1
        self.street.time = max(self.street.time, timing.end(slot) - (self.random.random() < 0.1))
        for who in PEOPLE:
            if self.random.random() < 0.85:
                self.attest(who, slot)

    def attest(self, who: Any, slot: int) -> None:
        place = self.points[who][0], slot
        shown = tuple(self.random.choice([0, 90, self.random.randint(0, 60)]) for _ in range(2))
        said = self.reading(who, place, shown)
        (result,) = self.commit(said)
        if result.state == "applied":
            assert place not in self.meters
            self.meters[place] = shown
            self.said.append((who, place, said))

    def reading(self, who: Any, place: tuple[str, int], shown: tuple[int, ...]) -> Transaction:
        sequence = self.street.ledger.last_sequence(who.address) + 1
        self.street.sequences[who.address] = sequence
        fields = {"imported_wh": shown[0], "exported_wh": shown[1], "commitment": COMMITMENT}
        fields |= {"asset": place[0], "slot": place[1], "sequence": sequence}
        return self.street.write(who, "reading.attest", sign=False, **fields)

    def a_meter_is_read_again(self) -> None:
        """Say one of the last readings once more: the very transaction, the same figures anew, or others."""
        if not self.said:
            return
        who, place, said = self.random.choice(self.said[-4:])
        shown = said.payload.imported_wh, said.payload.exported_wh
        how = self.random.choice(["repeated", "duplicated", "contradicted"])
        if how == "contradicted":
            shown = shown[0] + self.random.choice([-shown[0], 7]), shown[1] + 11
        (result,) = self.commit(said if how == "repeated" else self.reading(who, place, shown))
        assert result.state == "refused"
        self.seen[how] += result.code in ("replayed", "reading_exists")

    def a_reading_comes_late(self) -> None:
        """Attest a meter of which nothing was heard in time, and claim what it showed after all."""
        places = [
            (who, self.points[who][0], slot)
            for slot in self.street.state.slots.closed
            for who in PEOPLE
            if (self.points[who][0], slot) not in self.meters
        ]
        if not places:
            return
        who, asset, slot = self.random.choice(places)
        shown = self.random.randint(0, 60), self.random.randint(1, 60)
        (result,) = self.commit(self.reading(who, (asset, slot), shown))
        assert result.code in ("too_late", *self.hindrances)
        fields = {"imported_wh": shown[0], "exported_wh": shown[1], "reason": "my router was off"}
        claimed = self.do(who, "claim.open", asset=asset, slot=slot, commitment=COMMITMENT, **fields)
        self.seen["late"] += claimed.state == "applied"

    def somebody_claims(self) -> None:
        """Claim about a meter and slot that may still be corrected, or not, rightly or wrongly."""
        random, state = self.random, self.street.state
        slot = random.choice(state.slots.closed or [self.street.time // state.timing.slot_ms])
        place = self.points[random.choice(PEOPLE)][0], slot
        claims = list(state.claims.values())
        if claims and random.random() < 0.5:
            place = random.choice(claims).place
        shown = random.randint(0, 70), random.randint(0, 70)
        others = [one for one in claims if one.place == place]
        fields = {"asset": place[0], "slot": place[1], "imported_wh": shown[0], "exported_wh": shown[1]}
        result = self.do(random.choice(PEOPLE), "claim.open", **fields, reason="I saw it")
        if result.state == "applied" and any((one.imported_wh, one.exported_wh) != shown for one in others):
            self.seen["claims against each other"] += 1

    def a_claim_is_decided(self) -> None:
        claims = list(self.street.state.claims.values())
        if not claims:
            return
        claim, upheld = self.random.choice(claims), self.random.random() < 0.7
        result = self.do(ADA, "claim.decide", claim=claim.id, upheld=upheld)
        assert result.code in (None, *self.hindrances), result
        if upheld and result.code is None:
            place = claim.place
            self.seen["corrected" if place in self.meters else "brought later"] += 1
            self.meters[place] = claim.imported_wh, claim.exported_wh

    def a_certificate_is_moved(self) -> None:
        """Let somebody, mostly its holder, give on, use or claim part of a certificate."""
        random, parts = self.random, list(self.street.state.certificates.values())
        if not parts:
            return
        part = random.choice(parts)
        holder = next(one for one in PEOPLE if one.address == part.holder)
        who = random.choice([holder, holder, holder, *PEOPLE])
        fields = {"certificate": part.id, "wh": random.randint(1, part.wh + (random.random() < 0.1))}
        match random.randint(0, 2):
            case 0:
                other = random.choice([one for one in PEOPLE if one is not who])
                self.do(who, "certificate.transfer", to=other.address, **fields)
            case 1:
                self.do(who, "certificate.cancel", purpose="a party", **fields)
            case _:
                self.do(who, "certificate.claim", beneficiary="the club", **fields)

    def the_twin_is_restored(self) -> None:
        """Rebuild the twin from storage, the rows in any order; it must know all that the ledger knows."""
        rows = self.storage.rows()
        self.random.shuffle(rows)
        street, twin = self.street.ledger, Ledger.restore(self.street.genesis, rows)
        assert twin.root == street.root
        assert twin.next_due() == street.next_due()
        assert twin.open_book() == street.open_book()
        assert twin.money == street.money
        here, there = (sorted(canonical(row) for row in ledger.rows()) for ledger in (street, twin))
        assert here == there
        self.twin = twin
        self.seen["crashed"] += 1


_STEPS: dict[Callable[[Life], None], int] = {
    Life.time_passes: 2,
    Life.the_next_thing_is_due: 8,
    Life.orders_are_placed: 8,
    Life.an_order_is_cancelled: 2,
    Life.money_moves: 2,
    Life.the_round_is_cleared: 8,
    Life.a_wrong_clearing_is_proposed: 2,
    Life.meters_are_read: 4,
    Life.a_meter_is_read_again: 3,
    Life.a_reading_comes_late: 3,
    Life.somebody_claims: 4,
    Life.a_claim_is_decided: 3,
    Life.a_certificate_is_moved: 3,
    Life.the_twin_is_restored: 2,
}
