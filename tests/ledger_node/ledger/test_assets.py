"""What members own, where it stands, and when it may be rebuilt."""

import pytest

from tests.ledger_node.ledger.street import EUR, NODE, Street, offer, person

BO, CY = person("Bo"), person("Cy")
FEEDERS = [{"id": "north"}, {"id": "south"}]
ASSET = {
    "asset_type": "home", "name": "Home", "rated_import_w": 3600, "rated_export_w": 3600, "behind": None,
    "feeder": "", "source": "solar",
}  # fmt: skip


@pytest.fixture
def street():
    street = Street(feeders=FEEDERS)
    street.joins("Bo")
    street.joins("Cy")
    street.gets(CY, EUR)
    return street


def test_an_asset_is_known_by_the_transaction_that_registered_it(street):
    roof = street.asset(BO, technology="PV", commissioned="2021-06-30", location="Wien")
    row = street.row("assets", roof)
    assert row["id"] == roof
    assert row["account"] == BO.address
    assert (row["technology"], row["commissioned"], row["location"]) == ("PV", "2021-06-30", "Wien")
    assert street.events("asset.registered") == [row]
    assert street.outcomes[-1].events[0].assets == (roof,)


def test_what_was_left_out_is_null(street):
    row = street.row("assets", street.asset(BO))
    assert (row["technology"], row["commissioned"], row["location"]) == (None, None, None)


def test_an_asset_stands_behind_a_connection_point_of_its_owner_on_the_same_feeder(street):
    home = street.asset(BO, feeder="north")
    car = street.asset(BO, behind=home, feeder="north")
    register = ASSET | {"feeder": "north"}
    for who, behind, feeder, refusal in [
        (BO, "00" * 32, "north", ("unknown_asset", "behind")),
        (CY, home, "north", ("not_your_asset", "behind")),
        (BO, car, "north", ("not_a_connection_point", "behind")),
        (BO, home, "south", ("bad_value", "feeder")),
        (BO, None, "east", ("unknown_feeder", "feeder")),
    ]:
        fields = register | {"behind": behind, "feeder": feeder}
        assert street.refuses(who, "asset.register", **fields) == refusal
    assert street.state.assets[car].point == home
    assert street.state.assets[home].point == home


def test_an_update_changes_what_it_names_and_nothing_else(street):
    roof = street.asset(BO)
    before = street.row("assets", roof)
    street.must(BO, "asset.update", asset=roof, name="South roof", rated_export_w=7200, location="Wien")
    after = street.row("assets", roof)
    changed = {
        "name": "South roof",
        "rated_export_w": 7200,
        "location": "Wien",
        "commit": street.ledger.commit,
    }
    assert after == before | changed
    assert street.events("asset.updated") == [after]


def test_only_its_owner_updates_an_asset(street):
    roof = street.asset(BO)
    assert street.refuses(CY, "asset.update", asset=roof, name="Mine") == ("not_your_asset", "asset")
    assert street.refuses(BO, "asset.update", asset="00" * 32, name="x") == ("unknown_asset", "asset")
    assert street.refuses(NODE, "asset.update", asset=roof, name="x") == ("not_allowed", "kind")


def test_an_update_may_not_leave_an_asset_without_power(street):
    roof = street.asset(BO, rated_import_w=0)
    fields = {"asset": roof, "rated_export_w": 0}
    assert street.refuses(BO, "asset.update", **fields) == ("bad_value", "rated_import_w")


def test_a_connection_point_with_assets_behind_it_stays_one(street):
    home, other = street.asset(BO), street.asset(BO)
    street.asset(BO, behind=home)
    refusal = ("not_a_connection_point", "behind")
    assert street.refuses(BO, "asset.update", asset=home, behind=other) == refusal
    assert street.refuses(BO, "asset.update", asset=other, behind=other) == refusal
    street.must(BO, "asset.update", asset=other, behind=home)
    street.must(BO, "asset.update", asset=other, behind=None)


def test_an_update_checks_the_place_like_a_registration(street):
    home = street.asset(BO)
    car = street.asset(BO, behind=home)
    for fields, refusal in [
        ({"asset": home, "feeder": "east"}, ("unknown_feeder", "feeder")),
        ({"asset": car, "feeder": "north"}, ("bad_value", "feeder")),
        ({"asset": home, "behind": "00" * 32}, ("not_a_connection_point", "behind")),
        ({"asset": car, "behind": "00" * 32}, ("unknown_asset", "behind")),
    ]:
        assert street.refuses(BO, "asset.update", **fields) == refusal


def test_assets_move_to_another_feeder_with_their_connection_point(street):
    home = street.asset(BO)
    car = street.asset(BO, behind=home)
    lone = street.asset(BO)
    street.must(BO, "asset.update", asset=home, feeder="north")
    assert street.row("assets", home)["feeder"] == street.row("assets", car)["feeder"] == "north"
    assert street.row("assets", lone)["feeder"] == ""
    assert [asset["id"] for asset in street.events("asset.updated")] == [home, car]


@pytest.mark.parametrize("change", [{"rated_export_w": 1}, {"feeder": "north"}])
def test_what_orders_were_checked_against_stays_while_they_are_open(street, change):
    home = street.asset(BO)
    roof = street.asset(BO, behind=home)
    order = street.offers(BO, roof, 1, {5: 1})
    rebuilt = roof if "rated_export_w" in change else home
    assert street.refuses(BO, "asset.update", asset=rebuilt, **change) == ("has_open_orders", "asset")
    street.must(BO, "asset.update", asset=roof, name="Still the roof", rated_import_w=3600)
    street.must(BO, "order.cancel", order=order)
    street.must(BO, "asset.update", asset=rebuilt, **change)


def test_what_trades_are_settled_by_stays_until_they_are(street):
    home, house = street.asset(BO), street.asset(CY)
    roof = street.asset(BO, behind=home)
    street.offers(BO, roof, 90_000, {3: 10})
    street.bids(CY, house, 200_000, {3: 10})
    street.at(50)
    street.clears()
    for who, asset in [(BO, roof), (BO, home), (CY, house)]:
        fields = {"asset": asset, "rated_import_w": 10}
        assert street.refuses(who, "asset.update", **fields) == ("has_open_orders", "asset")
    street.at(500)
    street.must(BO, "asset.update", asset=roof, rated_import_w=10)


def test_an_order_needs_an_asset_of_ones_own(street):
    home = street.asset(BO)
    terms = offer(1, {5: 1})
    assert street.refuses(CY, "order.place", asset=home, order=terms) == ("not_your_asset", "asset")
    assert street.refuses(BO, "order.place", asset="00" * 32, order=terms) == ("unknown_asset", "asset")
