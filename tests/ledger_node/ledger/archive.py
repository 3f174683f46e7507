"""What an observer's disk would hold of a street, finished rows included."""

from collections import defaultdict

from msgspec import convert

from energy_ledger.ledger.recall import recall
from energy_ledger.ledger.trading_rows import Order, Round, Trade
from tests.ledger_node.ledger.street import matched_in


class Archive:
    """The last version of every row, finished ones too, by table and key."""

    def __init__(self, street):
        self.rows = defaultdict(dict)
        for outcome in street.outcomes:
            self.rows["trades"] |= {trade.id: trade.row() for trade in matched_in(outcome)}
            for change in outcome.changes:
                if change.row is not None:
                    self.rows[change.table][change.key] = change.row
        self.rules = street.genesis.rules
        self.tariffs = street.ledger.tariffs

    def values(self, kind):
        return [convert(row, kind, str_keys=True) for row in self.rows[kind.table].values()]

    def recall(self, number):
        row = convert(self.rows["rounds"][str(number)], Round)
        placed = {order.number: order for order in self.values(Order)}
        numbers = [number for first, last in row.numbers for number in range(first, last + 1)]
        return row, recall(
            self.rules, self.tariffs, row, [placed[number] for number in numbers], self.values(Trade)
        )
