"""Becoming a member: find the node, make or restore a wallet, found the network or join it."""

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
    SubentryFlowContext,
)
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .const import CONF_INVITE, CONF_NODE_KEY, CONF_PHRASE, DOMAIN, SUBENTRY_ASSET
from .flow_asset import AssetSubentryFlow
from .flow_errors import FlowProblem, name_problem, problem_of
from .flow_network import CONF_MEMBER_NAME, found_schema, genesis_options, problem_in_options
from .flow_options import MemberOptionsFlow
from .ledger import invite as invites
from .ledger import membership
from .ledger.answers import SetupState
from .ledger.client import NodeClient, NodeError
from .ledger.genesis import GenesisError, GenesisOptions
from .ledger.invite import InviteError
from .ledger.membership import Admission, Membership, MembershipError
from .ledger.phrase import PhraseError
from .ledger.units import NotExactError
from .ledger.wallet import Wallet
from .schema import vol

CONF_WORD = "word"
EXAMPLE_URL = "http://192.168.1.20:8710"
_SECRET = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_URL = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
_LONG_TEXT = TextSelector(TextSelectorConfig(multiline=True))

NODE_SCHEMA = vol.Schema({vol.Required(CONF_URL): _URL, vol.Required(CONF_TOKEN): _SECRET})
INVITE_SCHEMA = vol.Schema({vol.Required(CONF_INVITE): _LONG_TEXT, vol.Optional(CONF_URL): _URL})
RESTORE_SCHEMA = vol.Schema({vol.Required(CONF_PHRASE): _LONG_TEXT})
WORD_SCHEMA = vol.Schema({vol.Required(CONF_WORD): TextSelector()})
TOKEN_SCHEMA = vol.Schema({vol.Required(CONF_TOKEN): _SECRET})
RECONFIGURE_SCHEMA = vol.Schema({vol.Required(CONF_URL): _URL, vol.Optional(CONF_TOKEN): _SECRET})
NAME_SCHEMA = vol.Schema({vol.Required(CONF_MEMBER_NAME): TextSelector()})

_EXPECTED = (NodeError, MembershipError, InviteError, GenesisError, NotExactError)
"""What may go wrong at the node; everything else is a bug and shown as such."""


class EnergyMarketplaceConfigFlow(ConfigFlow, domain=DOMAIN):
    """Make this home a member of a network."""

    VERSION = 1
    _wallet: Wallet
    """Made or restored by the steps that lead to founding, joining and coming back."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._url: str | None = None
        self._token: str | None = None
        self._state: SetupState | None = None
        self._invite: str | None = None
        self._position = 0
        self._created = 0
        self._admission: tuple[str, Admission] | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> MemberOptionsFlow:
        """Return what a member may set later."""
        return MemberOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the kinds of things a member can add."""
        return {SUBENTRY_ASSET: AssetSubentryFlow}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which of the two the user has: a node's address and token, or an invite."""
        return self.async_show_menu(step_id="user", menu_options=["node", "invite"])

    async def async_step_node(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the node's address and its token."""
        problem = None
        if user_input is not None:
            problem = await self._inspect(user_input[CONF_URL], user_input[CONF_TOKEN])
            if problem is None:
                return await self.async_step_wallet()
        return self._form("node", NODE_SCHEMA, problem, user_input or {CONF_URL: self._url})

    async def async_step_invite(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for an invite; it names the nodes, unless the user knows a better address."""
        problem = None
        if user_input is not None:
            problem = await self._accept_invite(user_input)
            if problem is None:
                return await self.async_step_wallet()
        return self._form("invite", INVITE_SCHEMA, problem, user_input or {CONF_URL: self._url})

    async def async_step_wallet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to make a wallet or to restore one."""
        return self.async_show_menu(step_id="wallet", menu_options=["new_wallet", "restore_wallet"])

    async def async_step_new_wallet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the phrase of a new wallet, once."""
        if user_input is not None:
            return await self.async_step_confirm_phrase()
        wallet = await self.hass.async_add_executor_job(Wallet.generate)
        self._wallet = wallet
        self._position = secrets.randbelow(len(wallet.words)) + 1
        words = " · ".join(f"{place}\N{NO-BREAK SPACE}{word}" for place, word in enumerate(wallet.words, 1))
        placeholders = {"phrase": wallet.phrase, "words": words}
        return self.async_show_form(
            step_id="new_wallet", data_schema=vol.Schema({}), description_placeholders=placeholders
        )

    async def async_step_confirm_phrase(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for one word of the phrase, to know that it was written down."""
        problem = None
        if user_input is not None:
            if user_input[CONF_WORD].strip().lower() == self._wallet.words[self._position - 1]:
                return await self._enter()
            problem = FlowProblem("wrong_word", CONF_WORD)
        return self._form("confirm_phrase", WORD_SCHEMA, problem, None, {"position": str(self._position)})

    async def async_step_restore_wallet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the phrase of a wallet that exists."""
        problem = None
        if user_input is not None:
            try:
                self._wallet = await self.hass.async_add_executor_job(
                    Wallet.from_phrase, user_input[CONF_PHRASE]
                )
            except PhraseError as error:
                problem = problem_of(error, CONF_PHRASE)
            else:
                return await self._enter(restored=True)
        return self._form("restore_wallet", RESTORE_SCHEMA, problem, user_input)

    async def async_step_found(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what the new network is like, and found it."""
        problem = None
        if user_input is not None:
            try:
                options = genesis_options(user_input)
                problem = problem_in_options(options)
                if problem is None:
                    return await self._found(options)
            except _EXPECTED as error:
                problem = problem_of(error)
        return self._form("found", found_schema(self.hass.config.currency), problem, user_input)

    async def async_step_join(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the member's name, and for the invite unless there is one; join."""
        problem = None
        if user_input is not None:
            name = user_input[CONF_MEMBER_NAME].strip()
            problem = name_problem(name, CONF_MEMBER_NAME)
        if user_input is not None and problem is None:
            try:
                return await self._join(self._invite or user_input[CONF_INVITE], name)
            except _EXPECTED as error:
                problem = problem_of(error)
        invite_field = {} if self._invite else {vol.Required(CONF_INVITE): _LONG_TEXT}
        return self._form("join", NAME_SCHEMA.extend(invite_field), problem, user_input)

    @override
    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """Handle a node that announces itself in the home's network."""
        host = f"[{discovery_info.host}]" if ":" in discovery_info.host else discovery_info.host
        self._url = f"http://{host}:{discovery_info.port}"
        node_key = discovery_info.properties.get(CONF_NODE_KEY)
        await self.async_set_unique_id(node_key or self._url)
        self._abort_if_known(node_key)
        self.context["title_placeholders"] = {"name": discovery_info.properties.get("name") or host}
        return await self.async_step_discovered()

    async def async_step_discovered(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask with what the user enters the node that was found."""
        return self.async_show_menu(
            step_id="discovered",
            menu_options=["node", "invite"],
            description_placeholders={"url": self._url or ""},
        )

    @override
    async def async_step_hassio(self, discovery_info: HassioServiceInfo) -> ConfigFlowResult:
        """Handle the ledger's app on this machine, which hands over its address and token."""
        config = discovery_info.config
        self._url, self._token = f"http://{config['host']}:{config['port']}", config["token"]
        if problem := await self._inspect(self._url, config["token"]):
            return self.async_abort(reason=problem.key, description_placeholders=problem.placeholders)
        node_key = self._state.node_key if self._state else None
        self._abort_if_known(node_key)
        # The app hands over its token: it comes before the same node's announcement in the network.
        self._end_discoveries(node_key)
        await self.async_set_unique_id(node_key)
        self.context["title_placeholders"] = {"name": discovery_info.name}
        return await self.async_step_hassio_confirm()

    async def async_step_hassio_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to become a member through the app."""
        if user_input is not None:
            return await self.async_step_wallet()
        self._set_confirm_only()
        return self.async_show_form(step_id="hassio_confirm")

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Handle a token that the node no longer accepts."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a new token."""
        entry = self._get_reauth_entry()
        problem = None
        if user_input is not None:
            data = {**entry.data, CONF_TOKEN: user_input[CONF_TOKEN]}
            if (problem := await self._check_member(data)) is None:
                return self.async_update_and_abort(entry, data=data)
        return self._form(
            "reauth_confirm", TOKEN_SCHEMA, problem, None, {"name": entry.title, "url": entry.data[CONF_URL]}
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the node is now; the network and the wallet stay."""
        entry = self._get_reconfigure_entry()
        problem = None
        if user_input is not None:
            data = {**entry.data, **user_input}
            if (problem := await self._check_member(data)) is None:
                return self.async_update_and_abort(entry, data=data)
        return self._form(
            "reconfigure",
            RECONFIGURE_SCHEMA,
            problem,
            user_input or {CONF_URL: entry.data[CONF_URL]},
            {"name": entry.title},
        )

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the first asset: a member without one cannot trade."""
        flow = await self.hass.config_entries.subentries.async_init(
            (result["result"].entry_id, SUBENTRY_ASSET), context=SubentryFlowContext(source=SOURCE_USER)
        )
        if "flow_id" in flow and flow.get("type") != "abort":
            result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        return result

    async def _inspect(self, url: str, token: str) -> FlowProblem | None:
        """Look whether a node answers, and whether it already has a network."""
        try:
            self._url, self._token = url, token
            self._state = await self._client().setup_state()
        except ValueError as error:
            return FlowProblem("invalid_url", CONF_URL, {"message": str(error)})
        except NodeError as error:
            return problem_of(error)
        return None

    async def _accept_invite(self, user_input: dict[str, Any]) -> FlowProblem | None:
        """Read an invite and find a node of its network that answers."""
        try:
            invite = invites.parse(user_input[CONF_INVITE])
        except InviteError as error:
            return problem_of(error, CONF_INVITE)
        given = user_input.get(CONF_URL)
        problem: FlowProblem | None = FlowProblem("no_node_in_invite", CONF_URL)
        for url in [given] if given else invite.nodes:
            problem = await self._knock(url)
            if problem is None:
                self._url, self._invite = url, user_input[CONF_INVITE]
                return None
        return problem

    async def _knock(self, url: str) -> FlowProblem | None:
        try:
            await NodeClient(async_get_clientsession(self.hass), url).health()
        except ValueError as error:
            return FlowProblem("invalid_url", CONF_URL, {"message": str(error)})
        except NodeError as error:
            return problem_of(error)
        return None

    async def _enter(self, *, restored: bool = False) -> ConfigFlowResult:
        """Go where the wallet leads: an empty node is founded, a member comes back, everyone else joins."""
        if self._state is not None and self._state.state == "empty":
            return await self.async_step_found()
        if restored and self._token is not None:
            try:
                return await self._come_back(self._token)
            except (NodeError, MembershipError) as error:
                problem = problem_of(error)
                if problem.key != "not_a_member":
                    return self._form("restore_wallet", RESTORE_SCHEMA, problem, None)
        return await self.async_step_join()

    async def _found(self, options: GenesisOptions) -> ConfigFlowResult:
        self._created = self._created or int(time.time() * 1000)  # a second try founds the same network
        member = await membership.found(self._client(), self._wallet, options, now=self._created)
        return await self._finish(member, options.name)

    async def _join(self, invite: str, name: str) -> ConfigFlowResult:
        admission = await self._ask_in(invite)
        member = await membership.enter(self._client(), self._wallet, admission, name)
        return await self._finish(member, admission.invite.name)

    async def _ask_in(self, invite: str) -> Admission:
        """Present the invite once and keep the token: a node takes no invite that somebody joined with.

        So if the answer to joining got lost, the next try still gets in.
        """
        if self._admission is None or self._admission[0] != invite:
            self._admission = invite, await membership.ask_in(self._client(), invite)
        return self._admission[1]

    async def _come_back(self, token: str) -> ConfigFlowResult:
        network = await self._client().network()
        member = await membership.restore(self._client(), self._wallet, token=token)
        return await self._finish(member, network.name)

    async def _finish(self, member: Membership, network_name: str) -> ConfigFlowResult:
        """Make the entry of a new or returned member.

        Nothing here may fail: a founder's or new member's token exists nowhere else.
        """
        await self.async_set_unique_id(f"{member.network}/{member.address}")
        self._abort_if_unique_id_configured(updates={CONF_URL: member.url, CONF_TOKEN: member.token})
        with suppress(NodeError):
            self._state = await self._client().with_token(member.token).setup_state()
        node_key = self._state.node_key if self._state else None
        self._end_discoveries(node_key)
        data = member.as_dict() | {CONF_PHRASE: self._wallet.phrase, CONF_NODE_KEY: node_key}
        return self.async_create_entry(title=f"{network_name} ({member.name})", data=data)

    async def _check_member(self, data: Mapping[str, Any]) -> FlowProblem | None:
        """Look whether an entry's node and token still lead to its account."""
        try:
            client = NodeClient(async_get_clientsession(self.hass), data[CONF_URL], data[CONF_TOKEN])
            wallet = await self.hass.async_add_executor_job(Wallet.from_phrase, data[CONF_PHRASE])
            found = await membership.restore(client, wallet, token=data[CONF_TOKEN])
        except ValueError as error:
            return FlowProblem("invalid_url", CONF_URL, {"message": str(error)})
        except (NodeError, MembershipError) as error:
            return problem_of(error)
        return None if found.network == data["network"] else FlowProblem("wrong_network")

    def _client(self) -> NodeClient:
        return NodeClient(async_get_clientsession(self.hass), self._url or "", self._token)

    def _abort_if_known(self, node_key: str | None) -> None:
        """Abort when the node has an entry already, after noting the address where it is now."""
        known = [
            entry
            for entry in self._async_current_entries(include_ignore=False)
            if entry.data[CONF_URL] == self._url or (node_key and entry.data[CONF_NODE_KEY] == node_key)
        ]
        for entry in known:
            self.hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_URL: self._url})
        if known:
            raise AbortFlow("already_configured")

    def _end_discoveries(self, node_key: str | None) -> None:
        """End the other flows that found the same node."""
        for flow in self._async_in_progress(include_uninitialized=True):
            if node_key is not None and flow["context"].get("unique_id") == node_key:
                self.hass.config_entries.flow.async_abort(flow["flow_id"])

    def _form(
        self,
        step: str,
        schema: vol.Schema,
        problem: FlowProblem | None,
        values: Mapping[str, Any] | None,
        placeholders: Mapping[str, str] | None = None,
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=problem.errors if problem else None,
            description_placeholders={
                "example_url": EXAMPLE_URL,
                **(placeholders or {}),
                **(problem.placeholders if problem else {}),
            },
        )
