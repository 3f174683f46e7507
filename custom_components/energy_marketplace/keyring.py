"""The phrase of a member's wallet, and how another takes its place without anybody being locked out.

A new phrase is on disk before the ledger hears of its keys, and the old one stays until the ledger has taken
them. Whatever happens between, the account's keys on the ledger tell which of the two counts. A new phrase
that does not count is forgotten only when no transaction that could still make it count is valid any more.
"""

from dataclasses import dataclass
from typing import Any

from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import Store

from .const import CONF_ADDRESS, CONF_HYBRID, CONF_NETWORK, CONF_PHRASE, CONF_TEST, DOMAIN
from .coordinator import EnergyMarketplaceConfigEntry
from .ledger import membership
from .ledger.client import NodeClient, NodeError
from .ledger.member import LIFETIME_MS, Member, Receipt
from .ledger.wallet import Wallet

_VERSION = 1
_NEXT = "next"
_UNTIL = "until"


@dataclass(frozen=True)
class Rotation:
    """The wallet that was made, and what the ledger said to its keys."""

    wallet: Wallet
    receipt: Receipt


async def async_member(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> Member:
    """Return the member of an entry; a rotation of its keys that was interrupted is brought to its end.

    Raises ConfigEntryNotReady while nobody can tell how it ended.
    """
    try:
        await _async_conclude(hass, entry)
    except NodeError as error:
        raise ConfigEntryNotReady(str(error)) from error
    wallet = await _async_wallet(hass, entry, entry.data[CONF_PHRASE])
    return Member(
        wallet,
        _client(hass, entry),
        network=entry.data[CONF_NETWORK],
        test=entry.data[CONF_TEST],
        address=entry.data[CONF_ADDRESS],
    )


async def async_rotate(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry, member: Member) -> Rotation:
    """Give a member's account new keys, of a new phrase; raises NodeError.

    When the answer gets lost both phrases are kept; the next start, or the next try, finds out.
    """
    await _async_conclude(hass, entry)
    member.wallet = await _async_wallet(hass, entry, entry.data[CONF_PHRASE])
    new = await _async_next(hass, entry, member)
    receipt = await member.rotate(new)
    if receipt.state == "applied":
        await _async_switch(hass, entry, new.phrase)
    return Rotation(new, receipt)


async def async_forget(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> None:
    """Delete a phrase whose rotation was never concluded: the member is removed."""
    await _store(hass, entry).async_remove()


async def _async_next(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry, member: Member) -> Wallet:
    """Return the wallet to rotate to: that of an attempt whose end is not known yet, or a new one."""
    store = _store(hass, entry)
    if kept := await store.async_load():
        return await _async_wallet(hass, entry, kept[_NEXT])
    hybrid = member.wallet.is_hybrid
    new = await hass.async_add_executor_job(lambda: Wallet.generate(hybrid=hybrid))
    now = (await member.client.network()).time
    await store.async_save({_NEXT: new.phrase, _UNTIL: now + 2 * LIFETIME_MS})
    return new


async def _async_conclude(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> None:
    """Find out how a rotation that was interrupted ended, as far as that can be told by now."""
    kept = await _store(hass, entry).async_load()
    if not kept:
        return
    phrases = [kept[_NEXT], entry.data[CONF_PHRASE]]
    wallets = [await _async_wallet(hass, entry, phrase) for phrase in phrases]
    client = _client(hass, entry)
    now = (await client.network()).time
    found = await membership.holder(client, entry.data[CONF_ADDRESS], wallets)
    if found is wallets[0]:
        await _async_switch(hass, entry, kept[_NEXT])
    elif now > kept[_UNTIL]:
        await _store(hass, entry).async_remove()


async def _async_switch(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry, phrase: str) -> None:
    """Let a phrase take the place of the old one; only then its first copy goes."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PHRASE: phrase})
    await _store(hass, entry).async_remove()


async def _async_wallet(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry, phrase: str) -> Wallet:
    # Deriving the keys of a phrase takes milliseconds of hashing.
    hybrid = bool(entry.data.get(CONF_HYBRID))
    return await hass.async_add_executor_job(lambda: Wallet.from_phrase(phrase, hybrid=hybrid))


def _client(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> NodeClient:
    return NodeClient(async_get_clientsession(hass), entry.data[CONF_URL], entry.data[CONF_TOKEN])


def _store(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> Store[dict[str, Any]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry.entry_id}.keys", private=True, atomic_writes=True)
