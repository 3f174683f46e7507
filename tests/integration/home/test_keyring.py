"""A new phrase takes the old one's place, whatever is interrupted in between."""

import pytest
from homeassistant.config_entries import ConfigEntryState

from custom_components.energy_marketplace import keyring
from custom_components.energy_marketplace.ledger import member as members
from custom_components.energy_marketplace.ledger.client import RefusedError
from custom_components.energy_marketplace.ledger.member import LostAnswerError
from custom_components.energy_marketplace.ledger.wallet import Wallet
from tests.integration.conftest import PHRASE


@pytest.fixture
def own(node, member):
    """The member's entry, its account having the keys of its phrase."""
    node.accounts[member.data["address"]]["keys"] = Wallet.from_phrase(PHRASE).keys
    return member


async def rotates(home, entry):
    return await keyring.async_rotate(home, entry, entry.runtime_data.market.member)


async def starts_again(home, entry):
    await home.config_entries.async_reload(entry.entry_id)
    await home.async_block_till_done()
    return entry.runtime_data.market.member.wallet.phrase


def keys_on_the_ledger(node, entry):
    return node.accounts[entry.data["address"]]["keys"]


async def test_the_new_phrase_is_kept_and_signs_from_now_on(home, node, own):
    address = own.data["address"]
    rotation = await rotates(home, own)
    await home.async_block_till_done()
    assert rotation.receipt.state == "applied"
    assert own.data["phrase"] == rotation.wallet.phrase != PHRASE
    assert own.data["address"] == address
    assert keys_on_the_ledger(node, own) == rotation.wallet.keys
    assert await starts_again(home, own) == rotation.wallet.phrase


async def test_after_a_lost_answer_the_next_start_finds_out_that_the_new_phrase_counts(
    home, node, own, monkeypatch
):
    monkeypatch.setattr(members, "_FIRST_WAIT_S", 0)
    node.lose_answers = ("key.rotate",)

    async def unknown(*_):
        raise members.NodeUnreachableError("gone")

    monkeypatch.setattr(members.Member, "_receipt", unknown)
    with pytest.raises(LostAnswerError):
        await rotates(home, own)
    assert own.data["phrase"] == PHRASE
    node.lose_answers = ()
    monkeypatch.undo()
    phrase = await starts_again(home, own)
    assert phrase == own.data["phrase"] != PHRASE
    assert Wallet.from_phrase(phrase).keys == keys_on_the_ledger(node, own)


async def test_a_phrase_that_may_still_come_to_count_is_kept_and_tried_again(home, node, own):
    """The transaction may lie in a node that waits for its neighbours: nobody knows until it has expired."""
    node.refuse["key.rotate"] = ("over_quota", "later")
    with pytest.raises(RefusedError):
        await rotates(home, own)
    assert await starts_again(home, own) == PHRASE
    kept = (await keyring._store(home, own).async_load())["next"]
    node.refuse.clear()
    assert (await rotates(home, own)).wallet.phrase == kept
    await home.async_block_till_done()
    assert own.data["phrase"] == kept


async def test_a_phrase_that_can_never_count_is_forgotten(home, node, own):
    node.refuse["key.rotate"] = ("over_quota", "later")
    with pytest.raises(RefusedError):
        await rotates(home, own)
    node.time += 3 * members.LIFETIME_MS
    assert await starts_again(home, own) == PHRASE
    assert await keyring._store(home, own).async_load() is None


async def test_while_the_node_is_away_nobody_guesses_which_phrase_counts(home, node, own, monkeypatch):
    node.refuse["key.rotate"] = ("over_quota", "later")
    with pytest.raises(RefusedError):
        await rotates(home, own)
    home.config_entries.async_update_entry(own, data={**own.data, "url": "http://127.0.0.1:1"})
    await home.async_block_till_done()
    assert own.state is ConfigEntryState.SETUP_RETRY


async def test_the_actions_of_a_membership_answer_what_has_to_be_known(home, node, own):
    def call(name):
        return home.services.async_call("energy_marketplace", name, blocking=True, return_response=True)

    rotated = await call("rotate_keys")
    await home.async_block_till_done()
    assert Wallet.from_phrase(rotated["phrase"]).keys == keys_on_the_ledger(node, own)
    assert (await call("leave_network"))["state"] == "applied"
    assert node.submitted[-1]["kind"] == "member.leave"
