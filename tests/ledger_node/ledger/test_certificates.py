"""Certificates: from the meter to whoever used the energy, and what can be done with the rest by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger.ledger.ranges import WhRange
from tests.ledger_node.ledger.delivery import BO, CY, FINAL, GRACE_OVER, SLOT, Delivery
from tests.ledger_node.ledger.street import ADA, EUR, START, Street, person

DI = person("Di")


@pytest.fixture
def street():
    return Delivery()


def test_what_the_seller_exported_is_certified_and_used_by_the_buyer_when_the_grace_ends(street):
    street.ends()
    street.exports(10)
    street.imports(7)
    assert street.events("certificate.issued") == []
    street.at(GRACE_OVER)
    assert street.parts() == [
        (street.roof, 0, 7, "cancelled", CY.address, street.house),
        (street.roof, 7, 10, "active", BO.address, None),
    ]
    assert street.events("certificate.issued") == [
        {"asset": street.roof, "slot": SLOT, "first": 0, "end": 10, "wh": 10, "holder": BO.address}
    ]
    (used,) = street.events("certificate.cancelled")
    assert (used["wh"], used["certificates"][0]["trade"]) == (7, street.trade()["id"])


def test_a_certificate_says_what_energytag_asks_for(street):
    street.must(
        BO,
        "asset.update",
        asset=street.roof,
        technology="rooftop",
        commissioned="2024-05-01",
        location="ZIP 1",
    )
    street.settles(10, 10)
    assert street.row("certificates", f"{street.roof}.0") == {
        "id": f"{street.roof}.0", "asset": street.roof, "slot": SLOT, "first": 0, "end": 10, "wh": 10,
        "holder": CY.address, "state": "cancelled", "source": "solar", "technology": "rooftop",
        "commissioned": "2024-05-01", "rated_w": 3_600, "location": "ZIP 1", "storage": False,
        "purpose": "exported", "issuer": street.genesis.network, "issued": street.time,
        "expires": street.time + 31_536_000_000, "trade": street.trade()["id"], "consumer": street.house,
        "consumed_slot": SLOT, "cancelled_for": None, "claimed_for": None,
    }  # fmt: skip


def test_an_asset_without_a_reading_is_not_certified(street):
    street.settles(imported_wh=10)
    assert street.parts() == []


def test_no_more_is_certified_than_the_rating_moves_and_a_margin():
    street = Delivery()
    for _ in range(2):
        street.offers(BO, street.roof, 80_000, {4: 100})
        street.bids(CY, street.house, 300_000, {4: 100})
    street.at(100)
    street.clears()
    street.time = START + 500_000
    street.reads(BO, street.roof, SLOT + 1, exported_wh=200)
    street.reads(CY, street.house, SLOT + 1, imported_wh=200)
    street.at(600)
    assert sum(end - first for _, first, end, *_ in street.parts()) == 110


def test_the_numbers_of_an_asset_go_on_from_slot_to_slot(street):
    street.offers(BO, street.roof, 90_000, {4: 20})
    street.bids(CY, street.house, 200_000, {4: 20})
    street.at(100)
    street.clears()
    street.settles(10, 10)
    street.reads(BO, street.roof, SLOT + 1, exported_wh=20)
    street.reads(CY, street.house, SLOT + 1, imported_wh=20)
    street.at(600)
    assert [part[1:3] for part in street.parts()] == [(0, 10), (10, 30)]


def test_surplus_of_a_network_of_net_readings_is_the_producers(street):
    street = Delivery(readings="net")
    street.settles(25, 10)
    assert street.parts() == [
        (street.roof, 0, 10, "cancelled", CY.address, street.house),
        (street.roof, 10, 25, "active", BO.address, None),
    ]


def test_surplus_that_two_assets_may_have_made_is_nobodys():
    street = Delivery(readings="net")
    street.asset(BO, behind=street.roof, source="wind")
    street.settles(25, 10)
    assert [part[1:3] for part in street.parts()] == [(0, 10)]


# --- energy that was passed on ------------------------------------------------------------------------------


class Middle(Street):
    """Bo sold 10 Wh to Cy, who sold 10 Wh to Di, in slot 3."""

    def __init__(self):
        super().__init__()
        self.points = {}
        for name in ("Bo", "Cy", "Di"):
            who = self.joins(name)
            self.gets(who, EUR)
            self.points[who.name] = self.asset(who)
        self.trades(BO, CY, 50)
        self.trades(CY, DI, 100)
        self.time = START + 400_000

    def trades(self, seller, buyer, until):
        self.offers(seller, self.points[seller.name], 90_000, {3: 10})
        self.bids(buyer, self.points[buyer.name], 200_000, {3: 10})
        self.at(until)
        self.clears()

    def shows(self, who, imported_wh=0, exported_wh=0):
        self.reads(who, self.points[who.name], SLOT, imported_wh, exported_wh)

    def settled(self):
        """Return settled and passed Wh and both penalties of the two trades, as they were last."""
        rows = {trade["id"]: trade for trade in self.events("trade.settled")}
        fields = ("settled_wh", "passed_wh", "seller_penalty", "buyer_penalty")
        return [tuple(rows[name][field] for field in fields) for name in sorted(rows)]


def test_who_sells_on_what_he_bought_is_paid_and_pays_without_moving_anything():
    street = Middle()
    street.shows(BO, exported_wh=10)
    street.shows(DI, imported_wh=10)
    assert street.events("trade.settled") == []
    street.shows(CY)
    assert street.settled() == [(0, 10, 0, 0), (0, 10, 0, 0)]
    assert street.account(CY).balance == EUR - 10 * 5_000
    assert all(account.held == 0 for account in street.state.accounts.values())


def test_energy_passed_on_is_certified_for_whoever_used_it():
    street = Middle()
    street.shows(BO, exported_wh=10)
    street.shows(CY, imported_wh=2)
    street.shows(DI, imported_wh=7)
    street.at(GRACE_OVER)
    assert [trade[:2] for trade in street.settled()] == [(2, 7), (0, 7)]
    roof = street.points[BO.name]
    parts = {
        (row["consumer"], row["state"], row["wh"])
        for row in (street.row("certificates", f"{roof}.{first}") for first in (0, 2, 9))
    }
    assert parts == {
        (street.points[CY.name], "cancelled", 2), (street.points[DI.name], "cancelled", 7),
        (None, "active", 1),
    }  # fmt: skip


def test_who_sells_on_more_than_reached_him_pays_for_the_rest():
    street = Middle()
    street.shows(BO, exported_wh=4)
    street.shows(CY)
    street.shows(DI, imported_wh=10)
    passed_on, sold = street.settled()
    assert (passed_on[:2], sold[:2]) == ((0, 4), (0, 4))
    assert sold[2] > 0
    assert passed_on[2:] == (0, 0)


def test_a_two_sided_point_without_a_reading_passes_on_when_the_grace_ends():
    street = Middle()
    street.shows(BO, exported_wh=10)
    street.shows(DI, imported_wh=10)
    street.at(GRACE_OVER)
    assert street.settled() == [(0, 10, 0, 0), (0, 10, 0, 0)]


# --- stores -------------------------------------------------------------------------------------------------


def test_a_store_gives_out_what_it_bought_less_its_loss_and_names_the_source():
    street = Delivery()
    battery = {"source": "storage", "storage_efficiency": 900, "behind": street.house}
    store = street.asset(CY, **battery)
    street.bids(CY, store, 250_000, {4: 10})
    street.offers(BO, street.roof, 90_000, {4: 10})
    street.offers(CY, store, 90_000, {5: 10})
    di = street.joins("Di")
    street.gets(di, EUR)
    flat = street.asset(di, source=None)
    street.bids(di, flat, 200_000, {5: 10})
    street.at(100)
    street.clears()
    street.at(500)
    street.reads(BO, street.roof, SLOT + 1, exported_wh=10)
    street.reads(CY, street.house, SLOT + 1, imported_wh=10)
    street.at(600)
    assert street.row("tallies", store)["store"] == {"solar": 9_000}
    street.reads(CY, street.house, SLOT + 2, exported_wh=10)
    street.reads(di, flat, SLOT + 2, imported_wh=10)
    street.at(700)
    row = street.row("certificates", f"{store}.0")
    assert (row["wh"], row["source"], row["storage"], row["consumer"]) == (9, "solar", True, flat)
    assert street.row("tallies", store) == {"asset": store, "next": 9, "store": {"solar": 0}}


def test_a_store_that_bought_nothing_certifies_nothing():
    street = Delivery()
    store = street.asset(BO, behind=street.roof, source="storage")
    street.offers(BO, store, 80_000, {4: 10})
    street.bids(CY, street.house, 250_000, {4: 10})
    street.at(100)
    street.clears()
    street.at(500)
    street.reads(BO, street.roof, SLOT + 1, exported_wh=10)
    street.reads(CY, street.house, SLOT + 1, imported_wh=10)
    street.at(600)
    assert street.events("trade.settled")[-1]["settled_wh"] == 10
    assert street.parts() == []


# --- corrections --------------------------------------------------------------------------------------------


def test_a_correction_downwards_takes_back_what_was_certified_and_upwards_adds_nothing(street):
    street.settles(10, 7)
    street.decides(street.claims(CY, street.roof, exported_wh=5))
    assert [part[1:5] for part in street.parts()] == [
        (0, 5, "cancelled", CY.address), (5, 7, "withdrawn", CY.address), (7, 10, "withdrawn", BO.address),
    ]  # fmt: skip
    gone = street.events("certificate.withdrawn")
    assert [(one["asset"], one["wh"]) for one in gone] == [(street.roof, 2), (street.roof, 3)]
    street.decides(street.claims(BO, street.roof, exported_wh=9))
    assert street.trade()["settled_wh"] == 7
    assert [part[3] for part in street.parts()] == ["cancelled", "withdrawn", "withdrawn"]


def test_a_buyers_late_reading_gets_what_the_seller_still_holds(street):
    street.settles(10)
    assert [part[3] for part in street.parts()] == ["active"]
    street.decides(street.claims(CY, street.house, imported_wh=8))
    assert [part[1:5] for part in street.parts()] == [
        (0, 8, "cancelled", CY.address), (8, 10, "active", BO.address),
    ]  # fmt: skip


def test_a_sellers_late_reading_is_certified_as_usual(street):
    street.settles(imported_wh=10)
    street.decides(street.claims(BO, street.roof, exported_wh=10))
    assert [part[1:5] for part in street.parts()] == [(0, 10, "cancelled", CY.address)]


def test_energy_that_went_another_way_after_all_is_certified_for_who_got_it():
    """Cy's late reading shows that he took what he seemed to have passed on, and gave of his own."""
    street = Middle()
    street.shows(BO, exported_wh=10)
    street.shows(DI, imported_wh=10)
    street.at(GRACE_OVER)
    certificate = f"{street.points[BO.name]}.0"
    assert street.row("certificates", certificate)["holder"] == DI.address
    fields = {"asset": street.points[CY.name], "slot": SLOT, "imported_wh": 10, "exported_wh": 10}
    name = street.must(CY, "claim.open", reason="my router was off", **fields)
    street.must(ADA, "claim.decide", claim=name, upheld=True)
    assert street.row("certificates", certificate)["holder"] == CY.address
    assert street.row("certificates", f"{street.points[CY.name]}.0")["holder"] == DI.address
    assert street.events("certificate.withdrawn") == []


def test_what_a_store_gave_on_before_a_correction_is_owed_by_its_next_charge():
    street = Delivery()
    store = street.asset(CY, source="storage", behind=street.house)
    street.bids(CY, store, 250_000, {4: 10})
    street.offers(BO, street.roof, 90_000, {4: 10})
    street.at(100)
    street.clears()
    street.at(500)
    street.reads(BO, street.roof, SLOT + 1, exported_wh=10)
    street.reads(CY, street.house, SLOT + 1, imported_wh=10)
    street.at(600)
    tally = street.state.tallies[store]
    street.state.tallies.put(tally.stored("solar", -8_000))
    name = street.must(
        CY, "claim.open", asset=street.roof, slot=SLOT + 1, imported_wh=0, exported_wh=5, reason="it was less"
    )
    street.decides(name)
    tally = street.state.tallies[store]
    assert tally.store == {"solar": -3_000}
    assert tally.held_wh == {"solar": 0}


# --- by hand ------------------------------------------------------------------------------------------------


@pytest.fixture
def final(street):
    """A slot of which Bo holds 10 Wh that nobody took, and which is final."""
    street.settles(10)
    street.at(FINAL)
    return street


def test_until_a_slot_is_final_its_certificates_stay_where_they_are(street):
    street.settles(10)
    fields = {"certificate": f"{street.roof}.0", "wh": 4}
    street.at(FINAL - 1)
    give = {"to": CY.address, **fields}
    assert street.refuses(BO, "certificate.transfer", **give) == ("certificate_reserved", "certificate")
    street.at(FINAL)
    street.must(BO, "certificate.transfer", **give)


def test_a_certificate_is_given_on_in_part_used_and_claimed(final):
    whole = f"{final.roof}.0"
    final.must(BO, "certificate.transfer", certificate=whole, wh=4, to=CY.address)
    given_on = f"{final.roof}.6"
    assert final.row("certificates", whole)["end"] == 6
    assert final.events("certificate.transferred")[0]["from"] == BO.address
    final.must(CY, "certificate.cancel", certificate=given_on, wh=4, purpose="my bakery")
    final.must(CY, "certificate.claim", certificate=given_on, wh=1, beneficiary="who eats my bread")
    row = final.row("certificates", f"{final.roof}.9")
    assert (row["state"], row["cancelled_for"], row["claimed_for"]) == (
        "claimed", "my bakery", "who eats my bread",
    )  # fmt: skip
    assert final.row("certificates", given_on)["wh"] == 3
    assert final.state.certificates.get(f"{final.roof}.9") is None


def test_what_a_trade_brought_is_used_for_good_when_its_slot_is_final(street):
    street.settles(10, 10)
    street.at(FINAL)
    fields = {"certificate": f"{street.roof}.0", "wh": 1}
    refused = street.refuses(CY, "certificate.claim", beneficiary="me", **fields)
    assert refused == ("unknown_certificate", "certificate")


@pytest.mark.parametrize(
    ("who", "kind", "changes", "expected"),
    [
        (CY, "transfer", {}, ("not_your_certificate", "certificate")),
        (BO, "transfer", {"wh": 11}, ("certificate_too_small", "wh")),
        (BO, "transfer", {"certificate": "00" * 32 + ".7"}, ("unknown_certificate", "certificate")),
        (BO, "transfer", {"to": DI.address}, ("unknown_member", "to")),
        (BO, "claim", {}, ("certificate_closed", "certificate")),
    ],
)
def test_a_certificate_is_its_holders_and_has_so_many_wh(final, who, kind, changes, expected):
    more = {"transfer": {"to": CY.address if who is BO else BO.address}, "claim": {"beneficiary": "me"}}[kind]
    fields = {"certificate": f"{final.roof}.0", "wh": 1, **more} | changes
    assert final.refuses(who, f"certificate.{kind}", **fields) == expected


def test_what_is_used_can_neither_be_given_on_nor_used_again(final):
    fields = {"certificate": f"{final.roof}.0", "wh": 10}
    final.must(BO, "certificate.cancel", purpose="a party", **fields)
    closed = ("certificate_closed", "certificate")
    assert final.refuses(BO, "certificate.cancel", purpose="another", **fields) == closed
    assert final.refuses(BO, "certificate.transfer", to=CY.address, **fields) == closed


def test_nobody_gives_a_certificate_to_himself(final):
    with pytest.raises(Exception, match="bad_value"):
        final.write(BO, "certificate.transfer", certificate=f"{final.roof}.0", wh=1, to=BO.address)


def test_what_nobody_used_expires_and_what_was_used_can_no_longer_be_claimed():
    street = Delivery(certificate_life_s=100_000)
    street.settles(10)
    street.at(FINAL)
    street.must(BO, "certificate.cancel", certificate=f"{street.roof}.0", wh=4, purpose="a party")
    street.at(GRACE_OVER + 99_999.999)
    assert street.events("certificate.expired") == []
    street.at(GRACE_OVER + 100_000)
    assert street.events("certificate.expired") == [
        {"asset": street.roof, "wh": 6, "certificates": [f"{street.roof}.0"]}
    ]
    assert [part[1:4] for part in street.parts()] == [(0, 6, "expired"), (6, 10, "cancelled")]
    fields = {"certificate": f"{street.roof}.6", "wh": 1, "beneficiary": "me"}
    assert street.refuses(BO, "certificate.claim", **fields) == ("unknown_certificate", "certificate")


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=2, max_size=20), st.randoms())
def test_split_ranges_always_add_up(first, sizes, random):
    """However a range is cut, the parts follow each other without gap and hold all its Wh."""
    whole = WhRange(first, first + sum(sizes))
    parts = [whole]
    for _ in sizes:
        part = parts.pop(random.randrange(len(parts)))
        parts += part.split(random.randint(1, part.wh - 1)) if part.wh > 1 else [part]
    parts.sort(key=lambda part: part.first)
    assert parts[0].first == whole.first
    assert parts[-1].end == whole.end
    assert all(one.end == following.first for one, following in pairwise(parts))
    assert sum(part.wh for part in parts) == whole.wh


@pytest.mark.parametrize(("first", "end"), [(3, 3), (4, 3), (-1, 2)])
def test_no_range_is_empty(first, end):
    with pytest.raises(ValueError, match="there is no Wh"):
        WhRange(first, end)
    with pytest.raises(ValueError, match="there is no Wh"):
        WhRange(0, 5).split(5)
