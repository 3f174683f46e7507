"""Keys, roles and rules of members at a real node: hybrid networks, lost phones, new tariffs."""

import pytest

from custom_components.energy_marketplace.ledger import membership, transactions
from custom_components.energy_marketplace.ledger.client import NodeClient, NodeUnreachableError, RefusedError
from custom_components.energy_marketplace.ledger.hybrid import GOVERNING
from custom_components.energy_marketplace.ledger.member import LostAnswerError
from custom_components.energy_marketplace.ledger.membership import Membership, MembershipError
from custom_components.energy_marketplace.ledger.wallet import Wallet
from tests.integration.ledger.test_real_node import EUR, street_on
from tests.support.node import NodeProcess

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.fixture
def node(tmp_path):
    with NodeProcess(tmp_path / "node") as process:
        yield process


async def test_members_of_a_quantum_safe_network_trade_money_and_govern(node):
    async with street_on(node, hybrid=GOVERNING) as street:
        bo = await street.joins("Bo", money=200 * EUR)
        assert bo.wallet.is_hybrid
        assert [key["type"] for key in (await bo.client.account(bo.address)).keys] == ["ed25519", "ml-dsa-44"]
        small = await bo.transfer(street.ada.address, EUR)
        large = await bo.transfer(street.ada.address, 51 * EUR)
        assert [len(one.envelope.signatures) for one in (small, large)] == [1, 2]
        assert (await street.ada.set_credit(bo.address, EUR)).state == "applied"
        again = Membership.from_dict(street.founder_membership.as_dict())
        assert again.hybrid
        back = await membership.restore(
            NodeClient(street.session, node.url),
            Wallet.from_phrase(bo.wallet.phrase),
            token=street.founder_membership.token,
        )
        assert (back.address, back.hybrid) == (bo.address, True)


@pytest.mark.parametrize("hybrid", [None, GOVERNING], ids=["one key", "two keys"])
async def test_a_lost_phones_phrase_is_worth_nothing_after_the_keys_were_rotated(node, hybrid):
    async with street_on(node, hybrid=hybrid) as street:
        bo = await street.joins("Bo", money=5 * EUR)
        lost, address, token = bo.wallet.phrase, bo.address, street.founder_membership.token
        new = Wallet.generate(hybrid=hybrid is not None)
        assert (await bo.rotate(new)).state == "applied"
        await bo.transfer(street.ada.address, EUR)  # signed by the new keys, for the old address
        client = NodeClient(street.session, node.url)
        with pytest.raises(MembershipError) as caught:
            await membership.restore(client, Wallet.from_phrase(lost), token=token)
        assert caught.value.code == "not_a_member"
        back = await membership.restore(client, Wallet.from_phrase(new.phrase), token=token)
        assert (back.address, back.name) == (address, "Bo")
        await back.member(Wallet.from_phrase(new.phrase), client).transfer(street.ada.address, EUR)
        thief = Membership.from_dict(back.as_dict()).member(Wallet.from_phrase(lost), client)
        with pytest.raises(RefusedError) as refused:
            await thief.transfer(street.ada.address, EUR)
        assert refused.value.code == "bad_signature"
        assert (await client.with_token(token).account(address)).balance == 3 * EUR


async def test_who_was_interrupted_while_rotating_learns_which_phrase_counts(node):
    async with street_on(node) as street:
        bo = await street.joins("Bo", money=EUR)
        old, new = bo.wallet, Wallet.generate()
        assert await membership.holder(bo.client, bo.address, [new, old]) is old
        real = bo.client

        class Deaf(NodeClient):
            """Sends what is submitted, and hears no answer."""

            async def submit(self, envelope):
                await real.submit(envelope)
                raise NodeUnreachableError("the line went dead")

        bo.client = Deaf(street.session, node.url, street.founder_membership.token)
        bo._sleep = lambda _: _at_once()
        with pytest.raises(LostAnswerError):
            await bo.rotate(new)
        assert bo.wallet is old
        assert await membership.holder(real, bo.address, [old, new]) is new


async def _at_once() -> None:
    """Wait for nothing."""


async def test_a_founder_who_rotated_keys_still_invites(node):
    async with street_on(node) as street:
        await street.ada.rotate(Wallet.generate())
        bo = await street.joins("Bo", money=EUR)
        await street.ada.set_role(bo.address, "founder", granted=True)
        made = await bo.make_invite(nodes=[node.url])
        client = NodeClient(street.session, node.url)
        cy = await membership.join(client, Wallet.generate(), made.text(), "Cy")
        assert cy.name == "Cy"


async def test_roles_suspension_and_leaving(node):
    async with street_on(node) as street:
        bo, cy = await street.joins("Bo", money=EUR), await street.joins("Cy")
        await street.ada.suspend(bo.address, suspended=True, reason="asked for it")
        with pytest.raises(RefusedError) as caught:
            await bo.transfer(cy.address, 1)
        assert caught.value.code == "not_active"
        await street.ada.suspend(bo.address, suspended=False, reason="was a mistake")
        await street.ada.set_role(cy.address, "treasurer", granted=True)
        await cy.issue(bo.address, EUR, "cash")
        wanted = await bo.send(transactions.voucher_redeem(2 * EUR, "AT61"))
        await bo.leave()
        await cy.send(transactions.voucher_settle(wanted.id, paid=True))
        assert (await cy.client.account(bo.address)).status == "left"
        left = await cy.client.accounts(status="left")
        assert [one.name for one in left] == ["Bo"]


async def test_a_tariff_that_is_set_holds_from_its_slot_on(node):
    async with street_on(node) as street:
        network = await street.ada.client.network()
        slot_s = network.parameters.slot_s
        slot = network.time // (slot_s * 1000) + 80
        week = [{"minute": 0, "value": 7}, {"minute": 5_000, "value": 9}]
        await street.ada.set_tariff(slot, {"price_floor": 1, "price_cap": 90_000, "grid_fee": week})
        tariff = (await street.ada.client.network()).tariff
        start = slot * slot_s * 1000
        assert (tariff.price_cap, tariff.at(start - 1).grid_fee) == (300_000, 5_000)
        assert tariff.at(start).price_cap == 90_000
        assert tariff.at(start).grid_fee in (7, 9)
