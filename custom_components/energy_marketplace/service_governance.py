"""The actions of a member about its own membership: new keys, and the way out of the network."""

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse

from .keyring import async_rotate
from .schema import vol
from .service_input import ATTR_CONFIG_ENTRY, entry_of, explained

OWN_SCHEMA = vol.Schema({vol.Optional(ATTR_CONFIG_ENTRY): str})


async def rotate_keys(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Give the account new keys, and return their phrase: this once, to be written down."""
    entry = entry_of(hass, call)
    with explained():
        rotation = await async_rotate(hass, entry, entry.runtime_data.market.member)
    return {
        "phrase": rotation.wallet.phrase,
        "transaction": rotation.receipt.id,
        "state": rotation.receipt.state,
    }


async def leave_network(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Leave the network as soon as nothing is open any more."""
    market = entry_of(hass, call).runtime_data.market
    with explained():
        receipt = await market.member.leave()
    return {"transaction": receipt.id, "state": receipt.state}
