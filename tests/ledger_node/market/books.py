"""Random tiny books, rich in ties and conflicts, for comparison with brute force."""

from random import Random

from hypothesis import strategies as st

from energy_ledger.market.book import (
    BUSBAR,
    Bid,
    BlockBid,
    Book,
    Feeder,
    FixedBid,
    FlexibleBid,
    Offer,
    Tariff,
)
from tests.ledger_node.market.reference import Reference

MOST_SURPLUSES = 800
"""Books that can leave more different surpluses than this keep brute force busy for seconds."""
DIVISIBLE = ("fixed", "fixed", "flexible")
ANY_KIND = ("fixed", "flexible", "all", "block", "all", "block")


def books(*, choices: bool) -> st.SearchStrategy[Book]:
    """Books of a few orders; with `choices` many of them are blocks and all-or-nothing bids."""
    kinds = ANY_KIND if choices else DIVISIBLE
    found = st.integers(0, 2**32 - 1).map(lambda seed: _Maker(seed).book(kinds))
    return found.filter(lambda book: len(Reference(book).table) <= MOST_SURPLUSES)


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.slots = self.random.randint(1, 3)
        self.nodes = [BUSBAR]

    def book(self, kinds: tuple[str, ...]) -> Book:
        feeders = self.feeders()
        return Book(
            slots=self.slots,
            tariff=self.tariff(),
            feeders=feeders,
            offers=tuple(self.offer(f"o{index}") for index in range(self.random.randint(0, 4))),
            bids=tuple(
                self.bid(f"b{index}", self.random.choice(kinds)) for index in range(self.random.randint(0, 4))
            ),
        )

    def per_slot(self, least: int, most: int) -> list[int]:
        if self.random.random() < 0.6:
            return [self.random.randint(least, most)] * self.slots
        return [self.random.randint(least, most) for _ in range(self.slots)]

    def tariff(self) -> Tariff:
        floors = self.per_slot(0, 4)
        caps = [floor + more for floor, more in zip(floors, self.per_slot(0, 9), strict=True)]
        return Tariff(tuple(floors), tuple(caps), tuple(self.per_slot(0, 2)))

    def feeders(self) -> tuple[Feeder, ...]:
        feeders = []
        for index in range(self.random.choice([0, 0, 1, 2])):
            up, down = (
                tuple(self.random.choice([None, 0, 1, 2, 3, 5]) for _ in range(self.slots)) for _ in range(2)
            )
            feeders.append(Feeder(f"f{index}", up, down, self.random.choice(self.nodes)))
            self.nodes.append(f"f{index}")
        return tuple(feeders)

    def node(self) -> str:
        return self.random.choice(self.nodes)

    def amounts(self) -> dict[int, int]:
        return {slot: self.random.randint(1, 3) for slot in range(self.slots) if self.random.random() < 0.7}

    def window(self) -> tuple[int, int]:
        earliest = self.random.randint(0, self.slots - 1)
        return earliest, self.random.randint(earliest + 1, self.slots)

    def offer(self, name: str) -> Offer:
        return Offer(name, self.node(), self.random.randint(0, 9), self.amounts())

    def bid(self, name: str, kind: str) -> Bid:
        price = self.random.randint(2, 14)
        earliest, deadline = self.window()
        if kind == "fixed":
            return FixedBid(name, self.node(), price, self.amounts())
        if kind == "block":
            length = self.random.randint(1, deadline - earliest)
            profile = tuple(self.random.randint(1, 3) for _ in range(length))
            return BlockBid(name, self.node(), price, profile, earliest, deadline)
        most = self.random.randint(1, 3)
        energy = self.random.randint(1, min(5, most * (deadline - earliest)))
        if kind == "all":
            return FlexibleBid(name, self.node(), price, energy, earliest, deadline, most, "all")
        taken = {self.random.randrange(self.slots): 1} if self.random.random() < 0.1 else {}
        return FlexibleBid(name, self.node(), price, energy, earliest, deadline, most, "any", taken)
