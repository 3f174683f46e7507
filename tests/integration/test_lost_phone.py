"""A phone or computer is lost: its owner comes back on a new machine, takes new keys, the old ones are dead.

A real Home Assistant and a real node; on the lost machine lie the phrase, all its keys and the node's token.
"""

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger import membership
from custom_components.energy_marketplace.ledger.client import NodeClient, RefusedError
from custom_components.energy_marketplace.ledger.hybrid import GOVERNING
from custom_components.energy_marketplace.ledger.membership import MembershipError
from custom_components.energy_marketplace.ledger.wallet import Wallet
from tests.integration.home.test_config_flow import menu, walk
from tests.integration.ledger.test_real_node import EUR, street_on
from tests.support.node import NodeProcess


@pytest.fixture
def node(tmp_path, socket_enabled):
    with NodeProcess(tmp_path / "node") as process:
        yield process


@pytest.mark.parametrize("hybrid", [None, GOVERNING], ids=["one key", "two keys"])
async def test_a_lost_machine_is_worth_nothing_once_a_new_one_has_rotated_the_keys(home, node, hybrid):
    async with street_on(node, hybrid=hybrid) as street:
        lost = await street.joins("Bo", money=5 * EUR)
        phrase, address = lost.wallet.phrase, lost.address
        token = street.founder_membership.token

        start = menu("node"), {"url": node.url, "token": token}, menu("restore_wallet")
        done = await walk(home, *start, {"phrase": phrase.upper()})
        assert done["type"] is FlowResultType.CREATE_ENTRY
        entry = done["result"]
        assert (entry.data["address"], entry.data["name"]) == (address, "Bo")
        told = await home.services.async_call(DOMAIN, "rotate_keys", blocking=True, return_response=True)
        await home.async_block_till_done()
        assert told["state"] == "applied"
        assert told["phrase"] != phrase
        assert entry.state is ConfigEntryState.LOADED

        client = NodeClient(street.session, node.url)
        for kind in (lambda: lost.transfer(street.ada.address, EUR), lambda: lost.rotate(lost.wallet)):
            with pytest.raises(RefusedError) as refused:
                await kind()
            assert refused.value.code == "bad_signature"
        with pytest.raises(MembershipError):
            await membership.restore(client, Wallet.from_phrase(phrase), token=token)
        await entry.runtime_data.market.member.transfer(street.ada.address, EUR)
        again = await membership.restore(client, Wallet.from_phrase(told["phrase"]), token=token)
        assert again.address == address
        assert (await client.with_token(token).account(address)).balance == 4 * EUR
        await home.config_entries.async_unload(entry.entry_id)
