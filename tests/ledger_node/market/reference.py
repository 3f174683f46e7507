"""The auction by brute force, for tiny books: what the pages of the market say, with no cleverness.

Orders are added one by one to a table from *surplus* (Wh that each place has left over) to the best score
that reaches it. A clearing is an entry whose surplus the feeders can carry away to nothing. Prices are
differences of welfare: the least price of a place is what one Wh more there would gain, the greatest what one
less would cost, when at every place energy can also be bought at the cap and sold at the floor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from energy_ledger.market.book import Bid, BlockBid, Book, FlexibleBid, Offer

type Surplus = tuple[int, ...]
type Score = tuple[int, int, int, int]
type Option = tuple[tuple[tuple[int, int], ...], Surplus, Score]
"""A way to fill one order: (slot, Wh) pairs, what it does to the surplus, and its score."""


def _add[T: tuple[int, ...]](one: T, other: T) -> T:
    return tuple(a + b for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


@dataclass(frozen=True)
class Choice:
    """What is accepted of blocks and all-or-nothing bids: fills by rank."""

    fills: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]
    surplus: Surplus
    score: Score


@dataclass(frozen=True)
class Result:
    """A final clearing: its score, what is accepted, the price of every place, and who was dropped."""

    score: Score
    choice: Choice
    prices: tuple[int, ...]
    dropped: frozenset[int]


class Reference:
    """A tiny book, ready to be cleared."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.places = len(book.nodes) * book.slots
        self.none: Surplus = (0,) * self.places
        self.carried: dict[Surplus, bool] = {}
        self.paths = {row: self._path(row) for row in range(1, len(book.nodes))}

    def _path(self, row: int) -> list[int]:
        """Rows from a feeder up to the last one before the busbar."""
        path = []
        while row:
            path.append(row)
            row = self.book.nodes[self.book.feeders[row - 1].parent]
        return path

    def place(self, feeder: str, slot: int) -> int:
        return self.book.nodes[feeder] * self.book.slots + slot

    def worth(self, order: Offer | Bid, slot: int) -> int:
        tariff = self.book.tariff
        if isinstance(order, Offer):
            return max(order.price, tariff.price_floor[slot])
        return min(order.price - tariff.grid_fee[slot], tariff.price_cap[slot])

    def takes_part(self, order: Offer | Bid, slot: int) -> bool:
        tariff = self.book.tariff
        return tariff.price_floor[slot] <= self.worth(order, slot) <= tariff.price_cap[slot]

    def option(self, rank: int, fills: Mapping[int, int]) -> Option:
        order = self.book.orders[rank]
        sign = 1 if isinstance(order, Offer) else -1
        surplus = list(self.none)
        for slot, wh in fills.items():
            surplus[self.place(order.feeder, slot)] += sign * wh
        total = sum(fills.values())
        score = (
            sum(-sign * wh * self.worth(order, slot) for slot, wh in fills.items()),
            total if isinstance(order, Offer) else 0,
            -rank * total,
            -sum(slot * wh for slot, wh in fills.items()),
        )
        return tuple((slot, wh) for slot, wh in sorted(fills.items()) if wh), tuple(surplus), score

    def amounts(self, rank: int) -> Iterator[Mapping[int, int]]:
        order = self.book.orders[rank]
        if isinstance(order, BlockBid):
            yield {}
            for start in range(order.earliest, order.deadline - len(order.profile_wh) + 1):
                yield dict(enumerate(order.profile_wh, start=start))
        elif isinstance(order, FlexibleBid):
            yield from self._flexible_amounts(order)
        else:
            slots = [slot for slot in order.slots if self.takes_part(order, slot)]
            for amounts in product(*(range(order.slots[slot] + 1) for slot in slots)):
                yield dict(zip(slots, amounts, strict=True))

    def _flexible_amounts(self, bid: FlexibleBid) -> Iterator[Mapping[int, int]]:
        window = range(bid.earliest, bid.deadline)
        slots = [slot for slot in window if bid.min_fill == "all" or self.takes_part(bid, slot)]
        for amounts in product(*(range(bid.room_wh(slot) + 1) for slot in slots)):
            total = sum(amounts)
            if total == 0 or total == bid.energy_wh or (bid.min_fill == "any" and total < bid.energy_wh):
                yield dict(zip(slots, amounts, strict=True))

    def is_choice(self, rank: int) -> bool:
        order = self.book.orders[rank]
        return isinstance(order, BlockBid) or (isinstance(order, FlexibleBid) and order.min_fill == "all")

    @cached_property
    def table(self) -> dict[Surplus, Score]:
        """Best score of the divisible orders for every surplus they can reach."""
        table: dict[Surplus, Score] = {self.none: (0, 0, 0, 0)}
        for rank in range(len(self.book.orders)):
            if not self.is_choice(rank):
                options = [self.option(rank, amounts) for amounts in self.amounts(rank)]
                grown: dict[Surplus, Score] = {}
                for surplus, score in table.items():
                    for _, change, gain in options:
                        key, value = _add(surplus, change), _add(score, gain)
                        grown[key] = max(grown.get(key, value), value)
                table = grown
        return table

    def carries(self, surplus: Surplus) -> bool:
        """Tell whether the feeders can take all surplus to where it lacks."""
        if surplus not in self.carried:
            self.carried[surplus] = self._carries(surplus)
        return self.carried[surplus]

    def _carries(self, surplus: Surplus) -> bool:
        slots = self.book.slots
        for slot in range(slots):
            if sum(surplus[slot::slots]):
                return False
            carried = dict.fromkeys(self.paths, 0)
            for row, path in self.paths.items():
                for step in path:
                    carried[step] += surplus[row * slots + slot]
            for row, wh in carried.items():
                feeder = self.book.feeders[row - 1]
                up, down = feeder.up_limit_wh[slot], feeder.down_limit_wh[slot]
                if (up is not None and wh > up) or (down is not None and -wh > down):
                    return False
        return True

    def choices(self, dropped: frozenset[int]) -> Iterator[Choice]:
        ranks = [
            rank for rank in range(len(self.book.orders)) if self.is_choice(rank) and rank not in dropped
        ]
        options = [[self.option(rank, amounts) for amounts in self.amounts(rank)] for rank in ranks]
        for chosen in product(*options):
            surplus, score = self.none, (0, 0, 0, 0)
            for _, change, gain in chosen:
                surplus, score = _add(surplus, change), _add(score, gain)
            fills = tuple((rank, fills) for rank, (fills, _, _) in zip(ranks, chosen, strict=True) if fills)
            yield Choice(fills, surplus, score)

    def best_score(self, choice: Choice) -> Score | None:
        """Score of the best fills of the divisible orders for a choice."""
        scores = [
            _add(score, choice.score)
            for surplus, score in self.table.items()
            if self.carries(_add(surplus, choice.surplus))
        ]
        return max(scores, default=None)

    def best(self, dropped: frozenset[int]) -> list[tuple[Score, Choice]]:
        """All choices that reach the best score."""
        found = [(self.best_score(choice), choice) for choice in self.choices(dropped)]
        top = max(score for score, _ in found if score is not None)
        return [(score, choice) for score, choice in found if score == top]

    def caps(self) -> list[int]:
        """The cap of every place."""
        return list(self.book.tariff.price_cap) * len(self.book.nodes)

    def _unit(self, place: int, wh: int) -> Surplus:
        return (*self.none[:place], wh, *self.none[place + 1 :])

    def _welfare(self, choice: Choice, extra: Surplus, ceiling: list[int]) -> int:
        """Greatest welfare if one Wh may also be bought at a ceiling or sold at a floor, anywhere."""
        floors = list(self.book.tariff.price_floor) * len(self.book.nodes)
        outside = [
            (self.none, 0),
            *((self._unit(place, 1), -price) for place, price in enumerate(ceiling)),
            *((self._unit(place, -1), price) for place, price in enumerate(floors)),
        ]
        given = _add(choice.surplus, extra)
        return max(
            score[0] + gain
            for surplus, score in self.table.items()
            for change, gain in outside
            if self.carries(_add(_add(surplus, given), change))
        )

    def greatest(self, choice: Choice, ceiling: list[int]) -> list[int]:
        """Greatest supporting prices nowhere above a ceiling, the choice being given."""
        now = self._welfare(choice, self.none, ceiling)
        return [now - self._welfare(choice, self._unit(place, -1), ceiling) for place in range(self.places)]

    def least(self, choice: Choice) -> list[int]:
        """Least supporting prices, the choice being given."""
        now = self._welfare(choice, self.none, self.caps())
        return [
            self._welfare(choice, self._unit(place, 1), self.caps()) - now for place in range(self.places)
        ]

    def gain(self, choice: Choice, rank: int, prices: list[int]) -> int:
        """What an accepted order gains at prices."""
        order = self.book.orders[rank]
        return sum(
            wh * (self.worth(order, slot) - prices[self.place(order.feeder, slot)])
            for slot, wh in dict(choice.fills)[rank]
        )

    def prices(self, choice: Choice) -> tuple[list[int], int | None]:
        """The charged prices, and who must be dropped because it loses at them."""
        least, greatest = self.least(choice), self.greatest(choice, self.caps())
        charged = [(low + high) // 2 for low, high in zip(least, greatest, strict=True)]
        accepted = [rank for rank, _ in choice.fills]
        losing = [rank for rank in accepted if self.gain(choice, rank, charged) < 0]
        if losing:
            ceiling = list(charged)
            for rank in losing:
                for slot, _ in dict(choice.fills)[rank]:
                    place = self.place(self.book.orders[rank].feeder, slot)
                    ceiling[place] = least[place]
            charged = self.greatest(choice, ceiling)
        losses = [(-self.gain(choice, rank, charged), rank) for rank in accepted]
        worst = max((loss for loss in losses if loss[0] > 0), default=None)
        return charged, None if worst is None else worst[1]

    def clear(self) -> list[Result]:
        """Every clearing that the rules allow; several only where they leave a choice."""
        results: list[Result] = []
        waiting: list[frozenset[int]] = [frozenset()]
        seen = set(waiting)
        while waiting:
            dropped = waiting.pop()
            for score, choice in self.best(dropped):
                charged, worst = self.prices(choice)
                if worst is None:
                    results.append(Result(score, choice, tuple(charged), dropped))
                elif dropped | {worst} not in seen:
                    seen.add(dropped | {worst})
                    waiting.append(dropped | {worst})
        return results
