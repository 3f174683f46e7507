"""What a node answers about its district, from its own disk."""

import pytest

from energy_ledger.api.problems import ProblemError
from tests.ledger_node.node.chains import START
from tests.ledger_node.node.desk import SLOT_MS, WHOLE, desk
from tests.support.killing import house

DAY_MS = 86_400_000
TODAY = START // DAY_MS
NET = {"readings": "net", "sharing": {"key": "dynamic"}, "feeders": [{"id": "north"}]}


def midnight(day):
    return (TODAY + day) * DAY_MS


@pytest.fixture
async def street(tmp_path):
    """Bo sold 4 Wh to Cy, exported 10 in all, and Di took 5 that nobody sold."""
    made = desk(tmp_path, **NET)
    seller, buyer = made.settle_in("Bo"), made.settle_in("Cy")
    di = made.joins("Di")
    flat = made.do(di, "asset.register", **house("Di") | {"feeder": "north"})
    (bo, roof), (cy, home) = seller, buyer
    slot = made.now // 10_000 + 2
    for who, asset, kind, price in ((bo, roof, "offer", 90_000), (cy, home, "fixed", 200_000)):
        order = {"type": kind, "price": price, "slots": {str(slot): 4}}
        made.do(who, "order.place", asset=asset, order=order)
    made.passes((slot + 1) * 10_000)
    for who, asset, imported, exported in ((bo, roof, 0, 10), (cy, home, 4, 0), (di, flat, 5, 0)):
        fields = {"imported_wh": imported, "exported_wh": exported, "commitment": "0" * 64}
        made.do(who, "reading.attest", asset=asset, slot=slot, **fields)
    made.at(made.now + 1)
    yield made, slot, ((bo, roof), (cy, home), (di, flat))
    made.close()


def total(made, who, asset, day, imported, exported=0, produced=0, own=0):
    figures = {
        "imported_wh": imported,
        "exported_wh": exported,
        "produced_wh": produced,
        "self_consumed_wh": own,
    }
    return made.do(who, "reading.total", asset=asset, day=TODAY + day, **figures)


async def test_what_nobody_bought_is_allotted_by_the_networks_key(street):
    made, slot, ((_, roof), (_, home), (di, flat)) = street
    by_asset = {one.asset: one for one in await made.queries.allotments(slot, slot + 1)}
    assert (by_asset[roof].surplus_wh, by_asset[roof].given_wh) == (6, 5)
    assert (by_asset[home].need_wh, by_asset[home].taken_wh) == (0, 0)
    assert (by_asset[flat].need_wh, by_asset[flat].taken_wh) == (5, 5)
    lines = (await made.queries.allotments_csv(slot, slot + 1)).decode().splitlines()
    assert lines[0] == "slot,account,asset,surplus_wh,need_wh,given_wh,taken_wh"
    assert f"{slot},{di.address},{flat},0,5,0,5" in lines


async def test_the_districts_figures_add_up_the_members_days(street):
    made, slot, ((bo, roof), (cy, home), (di, flat)) = street
    made.at(midnight(1))
    total(made, bo, roof, 0, imported=3, exported=10, produced=30, own=20)
    total(made, cy, home, 0, imported=40)
    figures = await made.queries.district(TODAY, TODAY + 1)
    assert figures.days_complete == 0
    total(made, di, flat, 0, imported=50)
    made.at(made.now + 1)
    figures = await made.queries.district(TODAY, TODAY + 1)
    assert figures.days_complete == 1
    assert (figures.produced_wh, figures.consumed_wh) == (30, 113)
    assert (figures.self_consumed_wh, figures.traded_wh, figures.shared_wh) == (20, 4, 5)
    assert figures.local_wh == 29
    assert figures.self_sufficiency_ppm == 29 * 10**6 // 113
    assert figures.balance_wh == 10 - 93
    assert figures.positive is None
    assert (figures.peak_slot, figures.peak_import_wh) == (slot, -1)
    (trade,) = (await made.queries.page("trade", {}, WHOLE)).items
    assert figures.money_kept == trade.paid


async def test_what_a_flexible_load_moved_is_told_beside_the_peak_that_there_would_have_been(tmp_path):
    """Cy's boiler could have taken its 4 Wh at once; it waited two slots for what Bo exported then."""
    made = desk(tmp_path, **NET)
    (bo, roof), (cy, home) = made.settle_in("Bo"), made.settle_in("Cy")
    first = made.now // SLOT_MS + 2
    offer = {"type": "offer", "price": 90_000, "slots": {str(first + 2): 4}}
    window = {"earliest": first, "deadline": first + 3, "max_wh_per_slot": 4}
    made.do(bo, "order.place", asset=roof, order=offer)
    made.do(
        cy, "order.place", asset=home, order={"type": "flexible", "price": 200_000, "energy_wh": 4} | window
    )
    for slot, imported, exported in ((first, 5, 0), (first + 1, 1, 0), (first + 2, 4, 4)):
        made.passes((slot + 1) * SLOT_MS)
        for who, asset, flow in ((cy, home, (imported, 0)), (bo, roof, (0, exported))):
            fields = {"imported_wh": flow[0], "exported_wh": flow[1], "commitment": "0" * 64}
            made.do(who, "reading.attest", asset=asset, slot=slot, **fields)
    made.at(made.now + 1)
    figures = await made.queries.district(TODAY, TODAY + 1)
    made.close()
    assert (figures.flexible_wh, figures.moved_wh) == (4, 4)
    assert (figures.peak_slot, figures.peak_import_wh) == (first, 5)
    assert figures.baseline_peak_import_wh == 5 + 4


def feeder_meter(made):
    meter = house("head") | {"asset_type": "feeder_meter", "feeder": "north", "source": None}
    return made.do(made.ada, "asset.register", **meter)


async def test_a_feeder_whose_meter_shows_more_than_its_members_is_seen_after_three_days(street):
    made, _, (_, _, (di, flat)) = street
    head = feeder_meter(made)
    for day in range(4):
        made.at(midnight(day + 1))
        total(made, made.ada, head, day, imported=10_000)
        total(made, di, flat, day, imported=10_000 if day == 0 else 7_000)
    made.at(made.now + 1)
    days = await made.queries.feeders(TODAY, TODAY + 4)
    assert [(one.difference_wh, one.persistent) for one in days] == [
        (0, False), (3_000, False), (3_000, False), (3_000, True),
    ]  # fmt: skip
    assert all(one.complete and one.feeder == "north" for one in days)


@pytest.mark.parametrize(
    ("metered", "members", "persistent"),
    [
        ((10_000, 10_000, 10_000), (9_001, 9_001, 9_001), False),  # less than 1 kWh
        ((10_000, 10_000, 10_000), (9_000, 9_000, 9_000), True),
        ((40_000, 40_000, 40_000), (38_001, 38_001, 38_001), False),  # less than 5 %
        ((40_000, 40_000, 40_000), (38_000, 38_000, 38_000), True),
        ((10_000, 10_000, 10_000), (5_000, None, 5_000), False),  # not complete
        ((10_000, 10_000, 10_000), (5_000, 15_000, 5_000), False),  # not the same way
    ],
)
async def test_a_difference_persists_when_it_is_large_and_goes_the_same_way_on_three_complete_days(
    street, metered, members, persistent
):
    made, _, (_, _, (di, flat)) = street
    head = feeder_meter(made)
    for day, (at_head, at_home) in enumerate(zip(metered, members, strict=True)):
        made.at(midnight(day + 1))
        total(made, made.ada, head, day, imported=at_head)
        if at_home is not None:
            total(made, di, flat, day, imported=at_home)
    made.at(made.now + 1)
    days = await made.queries.feeders(TODAY, TODAY + 3)
    assert [one.persistent for one in days] == [False, False, persistent]


@pytest.mark.parametrize("span", [(5, 5), (6, 5), (0, 100_000)])
async def test_a_span_that_is_none_is_refused(street, span):
    made, _, _ = street
    for ask in (made.queries.district, made.queries.feeders, made.queries.allotments):
        with pytest.raises(ProblemError):
            await ask(*span)
