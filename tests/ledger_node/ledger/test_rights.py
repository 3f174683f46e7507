"""Who may send what: every kind, tried by every role in every state of membership."""

import json
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from energy_ledger.kinds import KINDS
from energy_ledger.ledger.rights import RIGHTS
from energy_ledger.ledger.states import MemberState
from energy_ledger.refusals import Refused
from tests.ledger_node.ledger.street import ADA, EUR, Street, person

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "transactions.json").read_text("utf-8"))
HEADER = ("network", "account", "sequence", "expires", "kind")
FIELDS = {
    case["kind"]: {k: v for k, v in json.loads(case["payload"]).items() if k not in HEADER} for case in CASES
}
"""Well-formed fields of every kind."""

ALWAYS, LEAVING, TRADING = "active suspended leaving", "active leaving", "active"
EXPECTED = {
    # kind: (who may, while)
    "member.approve": ("founder", TRADING),
    "member.leave": ("member founder treasurer auditor", "active suspended"),
    "member.suspend": ("founder", TRADING),
    "member.role": ("founder", TRADING),
    "key.rotate": ("member founder treasurer auditor", ALWAYS),
    "asset.register": ("member founder treasurer", TRADING),
    "asset.update": ("member founder treasurer", TRADING),
    "asset.retire": ("member founder treasurer", TRADING),
    "flexibility.announce": ("member founder treasurer", TRADING),
    "order.place": ("member founder treasurer", TRADING),
    "order.cancel": ("member founder treasurer", TRADING),
    "reading.attest": ("member founder treasurer", ALWAYS),
    "reading.total": ("member founder treasurer", ALWAYS),
    "reading.disclose": ("member founder treasurer", ALWAYS),
    "claim.open": ("member founder treasurer", ALWAYS),
    "claim.decide": ("founder", TRADING),
    "certificate.transfer": ("member founder treasurer", LEAVING),
    "certificate.cancel": ("member founder treasurer", LEAVING),
    "certificate.claim": ("member founder treasurer", LEAVING),
    "clearing.propose": ("node", TRADING),
    "transfer": ("member founder treasurer", LEAVING),
    "voucher.issue": ("treasurer", TRADING),
    "voucher.redeem": ("member founder treasurer", LEAVING),
    "voucher.settle": ("treasurer", TRADING),
    "community.pay": ("treasurer", TRADING),
    "credit.set": ("treasurer", TRADING),
    "tariff.set": ("founder", TRADING),
    "policy.set": ("founder", TRADING),
    "committee.vote": ("node", TRADING),
}
ROLES = {
    "member": (),
    "founder": ("founder",),
    "treasurer": ("treasurer",),
    "auditor": ("auditor",),
    "node": ("node",),
}
STATES = get_args(MemberState.__value__)
ZOE = person("Zoe")


@pytest.fixture(scope="module")
def street():
    street = Street()
    street.joins("Zoe")
    street.state.count(committee=(ZOE.public,))
    return street


def test_every_kind_has_its_line_in_the_table_and_no_line_is_forgotten():
    assert set(EXPECTED) == set(RIGHTS)
    assert KINDS.keys() - {"member.join"} <= EXPECTED.keys()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", [kind for kind in EXPECTED if kind in KINDS])
def test_each_role_may_send_what_the_table_says_and_nothing_else(street, kind, role, state):
    zoe = street.account(ZOE)
    street.state.accounts.put(replace(zoe, roles=ROLES[role], status=state))
    roles, states = EXPECTED[kind]
    allowed = role in roles.split()
    expected = "not_active" if state not in states.split() else None if allowed else "not_allowed"
    transaction = street.write(ZOE, kind, sign=False, sequence=2, **FIELDS[kind])
    try:
        street.ledger.check(transaction, street.time, street.trust([transaction]))
        got = None
    except Refused as refused:
        got = refused.code if refused.code in ("not_active", "not_allowed") else None
    assert got == expected


BY_ASSET = [kind for kind in EXPECTED if "asset" in FIELDS.get(kind, {}) and kind != "claim.open"]
"""Whoever traded with an asset may claim what its meter should have shown; all else is its owner's."""


@pytest.mark.parametrize("kind", BY_ASSET)
@pytest.mark.parametrize("roles", [(), ("founder", "treasurer")], ids=["member", "founder"])
def test_nobody_acts_on_anothers_asset_whatever_the_role(kind, roles):
    street = Street(readings="net")
    bo = street.joins("Bo")
    street.joins("Zoe")
    street.state.accounts.put(replace(street.account(ZOE), roles=roles))
    fields = FIELDS[kind] | {"asset": street.asset(bo)}
    assert street.refuses(ZOE, kind, **fields) == ("not_your_asset", "asset")


TREASURERS = [kind for kind, (roles, _) in EXPECTED.items() if roles == "treasurer"]


def test_a_treasurer_moves_nobodys_balance_but_upwards():
    """Of all a treasurer may send, only paying out what its owner wanted redeemed takes vouchers away."""
    street = Street()
    bo, cy = street.joins("Bo"), street.joins("Cy")
    street.must(ADA, "member.role", member=cy.address, role="treasurer", granted=True)
    street.gets(bo, EUR)
    before = street.account(bo).balance
    tries = {
        "voucher.issue": {"to": cy.address, "amount": 5, "reference": "x"},
        "voucher.settle": {"redemption": "ab" * 32, "paid": True},
        "community.pay": {"to": cy.address, "amount": 1, "reference": "x"},
        "credit.set": {"member": bo.address, "limit": 0},
    }
    assert sorted(tries) == sorted(TREASURERS)
    for kind, fields in tries.items():
        street.do(cy, kind, **fields)
        assert street.account(bo).balance == before
