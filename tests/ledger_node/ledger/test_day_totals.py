"""Day totals: counted once, in time, by whom they belong to; feeder meters compare and do nothing else."""

import pytest

from energy_ledger.refusals import Refused
from tests.ledger_node.ledger.street import (
    ADA,
    DAY,
    START,
    Street,
    fixed,
    genesis_fields,
    make_genesis,
    person,
)

BO = person("Bo")
TODAY = START // DAY
FULL = {"imported_wh": 5_000, "exported_wh": 2_000, "produced_wh": 6_000, "self_consumed_wh": 4_000}


@pytest.fixture
def street():
    street = Street()
    street.joins("Bo")
    street.home = street.asset(BO)
    return street


def tomorrow(street, seconds=0):
    street.at((TODAY + 1) * (DAY // 1000) - START // 1000 + seconds)


def counts(street, who=BO, **more):
    return {"asset": street.home, "day": TODAY} | FULL | more


def test_a_day_is_told_once_it_is_over(street):
    tomorrow(street)
    told = street.must(BO, "reading.total", **counts(street))
    row = counts(street) | {"account": BO.address, "commit": street.ledger.commit, "transaction": told}
    assert street.events("reading.totalled") == [row]
    assert street.row("day_totals", f"{street.home}/{TODAY}") == row
    assert street.refuses(BO, "reading.total", **counts(street)) == ("reading_exists", "day")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"day": TODAY + 1}, ("slot_not_over", "day")),
        ({"imported_wh": 3_600 * 24 + 1}, ("exceeds_rating", "imported_wh")),
        ({"exported_wh": 3_600 * 24 + 1}, ("exceeds_rating", "exported_wh")),
        ({"self_consumed_wh": 6_001}, ("bad_value", "self_consumed_wh")),
        ({"asset": "ab" * 32}, ("unknown_asset", "asset")),
    ],
)
def test_an_impossible_day_is_refused(street, changes, refusal):
    tomorrow(street)
    assert street.refuses(BO, "reading.total", **counts(street, **changes)) == refusal


def test_an_asset_behind_another_counts_no_day(street):
    roof = street.asset(BO, behind=street.home)
    tomorrow(street)
    assert street.refuses(BO, "reading.total", **counts(street, asset=roof)) == (
        "not_a_connection_point",
        "asset",
    )


def test_a_day_is_taken_for_a_week_and_then_let_go(street):
    tomorrow(street, 7 * 86_400 - 1)
    street.must(BO, "reading.total", **counts(street))
    tomorrow(street, 7 * 86_400)
    assert street.refuses(BO, "reading.total", **counts(street)) == ("too_late", "day")
    assert f"{street.home}/{TODAY}" in street.state.day_totals
    tomorrow(street, 9 * 86_400)
    assert f"{street.home}/{TODAY}" not in street.state.day_totals


def test_a_feeders_meter_is_the_founders_and_trades_nothing(street):
    meter = {"asset_type": "feeder_meter", "source": None}
    fields = {"name": "Head", "rated_import_w": 9_000, "rated_export_w": 9_000, "behind": None, "feeder": ""}
    fields |= meter
    assert street.refuses(BO, "asset.register", **fields) == ("not_allowed", "asset_type")
    behind = fields | {"behind": street.asset(ADA)}
    assert street.refuses(ADA, "asset.register", **behind) == ("bad_value", "behind")
    head = street.asset(ADA, **meter)
    order = fixed(200_000, {3: 10})
    assert street.refuses(ADA, "order.place", asset=head, order=order) == ("not_allowed", "asset")
    tomorrow(street)
    total = {"asset": head, "day": TODAY} | FULL
    assert street.refuses(ADA, "reading.total", **total) == ("bad_value", "produced_wh")
    street.must(ADA, "reading.total", **total | {"produced_wh": 0, "self_consumed_wh": 0})
    street.must(ADA, "asset.update", asset=head, name="At the transformer")


def refused_genesis(**changes):
    with pytest.raises(Refused) as refused:
        make_genesis(**changes)
    return refused.value.code, refused.value.field


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"sharing": {"key": "dynamic"}}, ("bad_value", "sharing.key")),
        ({"sharing": {"key": "dynamic", "shares": {}}, "readings": "traded"}, ("bad_value", "sharing.key")),
        (
            {"sharing": {"key": "dynamic", "shares": {BO.address: 1}}, "readings": "net"},
            ("bad_value", "sharing.shares"),
        ),
        (
            {"sharing": {"key": "static", "shares": {"bo": 1}}, "readings": "net"},
            ("bad_value", "sharing.shares"),
        ),
    ],
)
def test_a_genesis_with_a_key_that_nobody_can_calculate_is_refused(changes, refusal):
    assert refused_genesis(**changes) == refusal
    assert make_genesis(sharing={"key": "static", "shares": {BO.address: 3}}, readings="net")
    assert "sharing" not in genesis_fields()


def test_the_sharing_key_changes_by_policy_where_readings_are_net():
    net, traded = Street(readings="net"), Street()
    net.must(ADA, "policy.set", sharing={"key": "static", "shares": {ADA.address: 2}})
    assert net.ledger.policy.sharing.shares == {ADA.address: 2}
    assert net.ledger.policy.approval == "invite"
    assert traded.refuses(ADA, "policy.set", sharing={"key": "dynamic"}) == ("bad_value", "sharing.key")
