"""The log of an asset tells of each of its certified Wh whose it is and what became of it.

The log's digest has a leaf of its own under the state root, so what is worked out here from the log alone is
proven, though a certificate has no leaf.
"""

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger_node.ledger.life import Life


class Tale:
    """What the events of an asset tell: (end, fate) of each stretch of its Wh by the number of the first."""

    def __init__(self, events):
        self.stretches = {}
        for event in events:
            self.hear(event["type"].removeprefix("certificate."), event["data"])

    def hear(self, what, data):
        match what:
            case "issued":
                self.put(data["first"], data["end"], (data["holder"], "active", None, None))
            case "transferred" | "claimed":
                self.put(data["first"], data["end"], fate(data, data["state"]))
            case "cancelled" | "withdrawn":
                for part in data.get("certificates", [data]):
                    self.put(part["first"], part["end"], fate(part, what))
            case "expired":
                self.expire([int(name.rpartition(".")[2]) for name in data["certificates"]], data["wh"])

    def put(self, first, end, meets):
        self.cut(first)
        self.cut(end)
        self.stretches = {k: v for k, v in self.stretches.items() if not first <= k < end}
        self.stretches[first] = end, meets

    def cut(self, at):
        for first, (end, meets) in list(self.stretches.items()):
            if first < at < end:
                self.stretches |= {first: (at, meets), at: (end, meets)}

    def expire(self, numbers, wh):
        for first in numbers:
            self.cut(first)
        for first in numbers:
            end, (holder, state, *_) = self.stretches[first]
            assert state == "active"
            wh -= end - first
            self.put(first, end, (holder, "expired", None, None))
        assert wh == 0

    def by_wh(self):
        return {wh: meets for first, (end, meets) in self.stretches.items() for wh in range(first, end)}


def fate(part, state):
    return part["holder"], state, part["consumer"], part.get("claimed_for")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 120))
def test_the_log_of_an_asset_alone_says_what_became_of_each_of_its_wh(seed, steps):
    life = Life(seed)
    for _ in range(steps):
        life.step()
    assert check(life) >= 0


def check(life):
    """Hold what the logs say against the rows; return how many Wh there are."""
    told = [json.loads(line) for outcome in life.street.outcomes for line in outcome.lines]
    wh = 0
    for asset in (one for points in life.points.values() for one in points):
        tale = Tale(one for one in told if asset in one["assets"] and one["data"].get("asset") == asset)
        rows = [row for row in life.latest["certificates"].values() if row["asset"] == asset]
        assert tale.by_wh() == {
            wh: fate(row, row["state"]) for row in rows for wh in range(row["first"], row["end"])
        }
        wh += len(tale.by_wh())
    return wh


def test_in_such_lives_certificates_meet_every_fate():
    seen = Counter()
    for seed in range(40):
        life = Life(seed)
        for _ in range(120):
            life.step()
        seen["wh"] += check(life)
        seen.update(row["state"] for row in life.latest["certificates"].values())
    assert set(seen) >= {"active", "cancelled", "claimed", "expired", "withdrawn"}
    assert seen["wh"] > 1_000
