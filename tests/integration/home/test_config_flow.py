"""Becoming a member, as a person does it."""

from ipaddress import ip_address

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from homeassistant.config_entries import SOURCE_HASSIO, SOURCE_USER, SOURCE_ZEROCONF, ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger import invite
from tests.integration.home.stand_in import (
    FOUNDER_PHRASE,
    NODE_KEY,
    SETUP_TOKEN,
    TOKEN,
    StandIn,
    serving,
)

FOUND = {
    "network_name": "Sunny Street",
    "member_name": "Ada",
    "currency": "eur",
    "price_floor": 0.08,
    "price_cap": 0.3,
    "grid_fee": 0.005,
    "test": True,
    "advanced": {"slot_s": 20, "approval": "invite", "readings": "traded"},
}


async def walk(home, *answers, context=None, data=None):
    """Answer one step after the other; return the last result."""
    flow = home.config_entries.flow
    step = await flow.async_init(DOMAIN, context=context or {"source": SOURCE_USER}, data=data)
    for answer in answers:
        given = answer(step) if callable(answer) else answer
        step = await flow.async_configure(step["flow_id"], given)
    await home.async_block_till_done()
    return step


def menu(choice):
    return {"next_step_id": choice}


def asked_word(shown):
    """Return a function that repeats the word that the next step asks for."""

    def remember(step):
        shown.extend(step["description_placeholders"]["phrase"].split())
        return {}

    def repeat(step):
        return {"word": shown[int(step["description_placeholders"]["position"]) - 1].upper()}

    return remember, repeat


async def test_an_empty_node_is_founded_with_a_new_wallet(home):
    node, shown = StandIn(empty=True), []
    remember, repeat = asked_word(shown)
    async with serving(node) as url:
        done = await walk(
            home,
            menu("node"),
            {"url": url, "token": SETUP_TOKEN},
            menu("new_wallet"),
            remember,
            repeat,
            FOUND,
        )
        [entry] = home.config_entries.async_entries(DOMAIN)
        assert done["type"] is FlowResultType.CREATE_ENTRY
        assert entry.title == "Sunny Street (Ada)"
        assert entry.data["token"] == TOKEN
        assert entry.data["phrase"].split() == shown
        assert entry.data["network"] == node.network
        assert entry.state is ConfigEntryState.LOADED
        assert done["next_flow"][0] == "config_subentries_flow"
        await home.config_entries.async_unload(entry.entry_id)
    rules = node.rules
    assert rules["currency"] == "EUR"
    assert rules["tariff"] == {"price_floor": 80_000, "price_cap": 300_000, "grid_fee": 5_000}
    assert (rules["slot_s"], rules["round_s"], rules["proposal_window_s"], rules["gate_s"]) == (20, 6, 2, 2)


async def test_a_founding_whose_answer_got_lost_is_finished_by_trying_again(home):
    node = StandIn(empty=True)
    node.lose_answers = ("found",)
    remember, repeat = asked_word([])
    async with serving(node) as url:
        start = (menu("node"), {"url": url, "token": SETUP_TOKEN}, menu("new_wallet"), remember, repeat)
        step = await walk(home, *start, FOUND)
        assert step["errors"]
        node.lose_answers = ()
        done = await home.config_entries.flow.async_configure(step["flow_id"], FOUND)
        assert done["type"] is FlowResultType.CREATE_ENTRY
        assert done["data"]["network"] == node.network
        await home.config_entries.async_unload(done["result"].entry_id)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"currency": "EURO"}, {"currency": "bad_currency"}),
        ({"price_floor": 0.4}, {"price_floor": "floor_above_cap"}),
        ({"grid_fee": 0.00000001}, {"base": "not_exact"}),
        ({"network_name": " "}, {"network_name": "bad_name"}),
        ({"member_name": "x" * 65}, {"member_name": "bad_name"}),
    ],
)
async def test_founding_says_what_is_wrong_and_goes_on(home, change, error):
    remember, repeat = asked_word([])
    async with serving(StandIn(empty=True)) as url:
        start = (menu("node"), {"url": url, "token": SETUP_TOKEN}, menu("new_wallet"), remember, repeat)
        step = await walk(home, *start, FOUND | change)
        assert step["errors"] == error
        done = await home.config_entries.flow.async_configure(step["flow_id"], FOUND)
        assert done["type"] is FlowResultType.CREATE_ENTRY
        await home.config_entries.async_unload(done["result"].entry_id)


async def test_an_invite_alone_makes_a_member(home, node):
    remember, repeat = asked_word([])
    text = node.invite(node.url)
    done = await walk(
        home,
        menu("invite"),
        {"invite": text},
        menu("new_wallet"),
        remember,
        repeat,
        {"member_name": " Bo "},
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert done["title"] == "Sunny Street (Bo)"
    [joined] = [payload for payload in node.submitted if payload["kind"] == "member.join"]
    assert joined["name"] == "Bo"
    assert done["data"]["address"] == joined["account"]
    await home.config_entries.async_unload(done["result"].entry_id)


async def test_a_join_whose_answer_got_lost_is_finished_by_trying_again(home, node):
    remember, repeat = asked_word([])
    invite = node.invite(node.url)
    node.lose_answers = ("member.join",)
    step = await walk(
        home, menu("invite"), {"invite": invite}, menu("new_wallet"), remember, repeat, {"member_name": "Bo"}
    )
    assert step["type"] is FlowResultType.FORM
    assert step["errors"]
    node.lose_answers = ()
    node.refuse["invite"] = ("invite_used", "Somebody joined with this invite.")
    done = await home.config_entries.flow.async_configure(step["flow_id"], {"member_name": "Bo"})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await home.config_entries.async_unload(done["result"].entry_id)


async def test_a_ready_node_asks_a_new_wallet_for_an_invite(home, node):
    remember, repeat = asked_word([])
    start = (menu("node"), {"url": node.url, "token": TOKEN}, menu("new_wallet"), remember, repeat)
    step = await walk(home, *start, {"member_name": "Bo", "invite": "kwhinvite1oops"})
    assert step["errors"] == {"base": "invite_malformed"}
    node.refuse["member.join"] = ("invite_used", "used up")
    again = {"member_name": "Bo", "invite": node.invite(node.url)}
    step = await home.config_entries.flow.async_configure(step["flow_id"], again)
    assert step["errors"] == {"base": "invite_used"}
    node.refuse.clear()
    done = await home.config_entries.flow.async_configure(step["flow_id"], again)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await home.config_entries.async_unload(done["result"].entry_id)


async def test_a_restored_phrase_comes_back_as_the_member_it_was(home, node):
    done = await walk(
        home,
        menu("node"),
        {"url": node.url, "token": TOKEN},
        menu("restore_wallet"),
        {"phrase": FOUNDER_PHRASE},
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert done["data"]["name"] == "Ada"
    assert node.submitted == []
    await home.config_entries.async_unload(done["result"].entry_id)


@pytest.mark.parametrize(
    ("phrase", "error"),
    [
        ("abandon ability", "phrase_word_count"),
        (FOUNDER_PHRASE.replace("art", "artt"), "phrase_unknown_word"),
        (FOUNDER_PHRASE.replace("art", "zoo"), "phrase_checksum"),
    ],
)
async def test_a_mistyped_phrase_is_explained(home, node, phrase, error):
    start = (menu("node"), {"url": node.url, "token": TOKEN}, menu("restore_wallet"))
    step = await walk(home, *start, {"phrase": phrase})
    assert step["errors"] == {"phrase": error}


async def test_a_restored_phrase_of_nobody_is_asked_for_an_invite(home, node, wallet):
    start = (menu("node"), {"url": node.url, "token": TOKEN}, menu("restore_wallet"))
    step = await walk(home, *start, {"phrase": wallet.phrase})
    assert step["step_id"] == "join"


async def test_a_restored_phrase_at_a_node_that_went_away_can_be_entered_again(home, node):
    step = await walk(home, menu("node"), {"url": node.url, "token": TOKEN}, menu("restore_wallet"))
    node.tokens = set()
    configure = home.config_entries.flow.async_configure
    step = await configure(step["flow_id"], {"phrase": FOUNDER_PHRASE})
    assert (step["step_id"], step["errors"]) == ("restore_wallet", {"base": "invalid_auth"})
    node.tokens = {TOKEN}
    done = await configure(step["flow_id"], {"phrase": FOUNDER_PHRASE})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await home.config_entries.async_unload(done["result"].entry_id)


async def test_an_invite_that_names_no_node_asks_for_its_address(home, node):
    text = invite.make(
        node.founder,
        network=node.network,
        name="Sunny Street",
        inviter=node.founder.address(test=True),
        expires=node.time,
        nodes=(),
    ).text()
    step = await walk(home, menu("invite"), {"invite": text})
    assert step["errors"] == {"url": "no_node_in_invite"}


async def test_a_phrase_that_was_not_written_down_goes_no_further(home, node):
    remember, _ = asked_word([])
    start = (menu("node"), {"url": node.url, "token": TOKEN}, menu("new_wallet"), remember)
    step = await walk(home, *start, {"word": "nothing"})
    assert step["step_id"] == "confirm_phrase"
    assert step["errors"] == {"word": "wrong_word"}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"token": "wrong"}, {"base": "invalid_auth"}),
        ({"url": "ledger.local"}, {"url": "invalid_url"}),
        ({"url": "http://127.0.0.1:9"}, {"base": "cannot_connect"}),
    ],
)
async def test_a_node_that_cannot_be_entered_is_explained(home, node, change, errors):
    step = await walk(home, menu("node"), {"url": node.url, "token": TOKEN} | change)
    assert step["errors"] == errors


async def test_an_invite_without_a_node_that_answers_is_explained(home, node):
    step = await walk(home, menu("invite"), {"invite": node.invite("http://127.0.0.1:9")})
    assert step["errors"] == {"base": "cannot_connect"}
    configure = home.config_entries.flow.async_configure
    step = await configure(step["flow_id"], {"invite": "hello"})
    assert step["errors"] == {"invite": "invite_malformed"}
    step = await configure(step["flow_id"], {"invite": node.invite(node.url), "url": "nowhere"})
    assert step["errors"] == {"url": "invalid_url"}
    step = await configure(step["flow_id"], {"invite": node.invite(node.url), "url": node.url})
    assert step["step_id"] == "wallet"


def announced(node_url, **properties):
    port = int(node_url.rpartition(":")[2])
    return ZeroconfServiceInfo(
        ip_address=ip_address("127.0.0.1"),
        ip_addresses=[ip_address("127.0.0.1")],
        port=port,
        hostname="ledger.local.",
        type="_energy-ledger._tcp.local.",
        name="ledger._energy-ledger._tcp.local.",
        properties=properties,
    )


async def test_a_node_that_announces_itself_is_entered_with_its_token(home, node):
    step = await walk(
        home, menu("node"), context={"source": SOURCE_ZEROCONF}, data=announced(node.url, node_key=NODE_KEY)
    )
    suggested = {str(key): key.description for key in step["data_schema"].schema}
    assert suggested["url"] == {"suggested_value": node.url}


async def test_a_node_that_moved_is_followed(home, entry, node):
    home.config_entries.async_update_entry(entry, data={**entry.data, "url": "http://127.0.0.1:9"})
    step = await walk(home, context={"source": SOURCE_ZEROCONF}, data=announced(node.url, node_key=NODE_KEY))
    assert (step["type"], step["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data["url"] == node.url


def from_app(node, **changes):
    port = int(node.url.rpartition(":")[2])
    config = {"host": "127.0.0.1", "port": port, "token": TOKEN} | changes
    return HassioServiceInfo(config=config, name="Energy Ledger", slug="ledger", uuid="1234")


async def test_the_app_hands_over_its_node(home, node):
    done = await walk(
        home,
        {},
        menu("restore_wallet"),
        {"phrase": FOUNDER_PHRASE},
        context={"source": SOURCE_HASSIO},
        data=from_app(node),
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await home.config_entries.async_unload(done["result"].entry_id)


async def test_a_node_that_was_found_twice_is_offered_once(home, node):
    flow = home.config_entries.flow
    await flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announced(node.url, node_key=NODE_KEY)
    )
    await flow.async_init(DOMAIN, context={"source": SOURCE_HASSIO}, data=from_app(node))
    assert [offered["context"]["source"] for offered in flow.async_progress()] == [SOURCE_HASSIO]
    done = await walk(
        home,
        menu("node"),
        {"url": node.url, "token": TOKEN},
        menu("restore_wallet"),
        {"phrase": FOUNDER_PHRASE},
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert flow.async_progress() == []
    await home.config_entries.async_unload(done["result"].entry_id)


async def test_an_app_that_does_not_answer_is_not_offered(home, node):
    step = await walk(home, context={"source": SOURCE_HASSIO}, data=from_app(node, port=9))
    assert (step["type"], step["reason"]) == (FlowResultType.ABORT, "cannot_connect")


async def test_the_same_member_is_not_set_up_twice(home, entry, node, wallet):
    done = await walk(
        home,
        menu("node"),
        {"url": node.url, "token": TOKEN},
        menu("restore_wallet"),
        {"phrase": wallet.phrase},
    )
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_new_token_is_taken_only_if_it_works(home, entry, node):
    node.tokens = {"fresh"}
    step = await entry.start_reauth_flow(home)
    configure = home.config_entries.flow.async_configure
    step = await configure(step["flow_id"], {"token": "stale"})
    assert step["errors"] == {"base": "invalid_auth"}
    step = await configure(step["flow_id"], {"token": "fresh"})
    assert step["reason"] == "reauth_successful"
    assert entry.data["token"] == "fresh"


async def test_another_address_must_lead_to_the_same_network(home, entry, node):
    other = StandIn(slot_s=60)
    other.account(entry.data["address"], "Bo")
    async with serving(other) as other_url, serving(node) as moved_url:
        step = await entry.start_reconfigure_flow(home)
        configure = home.config_entries.flow.async_configure
        step = await configure(step["flow_id"], {"url": other_url})
        assert step["errors"] == {"base": "wrong_network"}
        step = await configure(step["flow_id"], {"url": "nonsense"})
        assert step["errors"] == {"url": "invalid_url"}
        step = await configure(step["flow_id"], {"url": moved_url})
        assert step["reason"] == "reconfigure_successful"
    assert entry.data["url"] == moved_url
    assert entry.data["token"] == TOKEN


NIGHT = {"from": "22:00:00", "until": "06:00:00", "price_cap": 0.2, "grid_fee": 0.003}


async def founded(home, **change):
    """Found a network; return the rules of its genesis and the last step."""
    node = StandIn(empty=True)
    remember, repeat = asked_word([])
    async with serving(node) as url:
        start = (menu("node"), {"url": url, "token": SETUP_TOKEN}, menu("new_wallet"), remember, repeat)
        done = await walk(home, *start, FOUND | change)
        if done["type"] is FlowResultType.CREATE_ENTRY:
            await home.config_entries.async_unload(done["result"].entry_id)
    return node, done


async def test_a_network_may_be_founded_with_other_prices_at_night(home):
    await home.config.async_set_time_zone("Africa/Lagos")  # an hour ahead of UTC all year
    node, _ = await founded(home, night=NIGHT)
    caps = node.rules["tariff"]["price_cap"]
    assert caps[:3] == [
        {"minute": 0, "value": 200_000},
        {"minute": 300, "value": 300_000},
        {"minute": 1_260, "value": 200_000},
    ]
    assert len(caps) == 15
    assert node.rules["tariff"]["grid_fee"][1] == {"minute": 300, "value": 5_000}
    assert node.rules["tariff"]["price_floor"] == 80_000


async def test_a_night_without_its_hours_changes_nothing(home):
    node, _ = await founded(home, night={"price_cap": 0.2})
    assert node.rules["tariff"]["price_cap"] == 300_000


async def test_a_night_below_what_the_grid_pays_is_explained(home):
    _, step = await founded(home, night=NIGHT | {"price_cap": 0.01})
    assert step["errors"] == {"price_floor": "floor_above_cap"}


async def test_a_quantum_safe_network_is_founded_with_two_keys(home):
    node = StandIn(empty=True)
    remember, repeat = asked_word([])
    answers = FOUND | {"advanced": FOUND["advanced"] | {"hybrid": True}}
    async with serving(node) as url:
        start = (menu("node"), {"url": url, "token": SETUP_TOKEN}, menu("new_wallet"), remember, repeat)
        done = await walk(home, *start, answers)
        assert done["type"] is FlowResultType.CREATE_ENTRY
        entry = done["result"]
        assert entry.data["hybrid"] is True
        assert entry.runtime_data.market.member.wallet.is_hybrid
        await home.config_entries.async_unload(entry.entry_id)
    assert "voucher.issue" in node.rules["hybrid"]["kinds"]
    assert [key["type"] for key in node.rules["founder"]["keys"]] == ["ed25519", "ml-dsa-44"]


async def test_where_ml_dsa_is_missing_founding_a_quantum_safe_network_says_so(home, monkeypatch):
    def unsupported(*_):
        raise UnsupportedAlgorithm("not here")

    monkeypatch.setattr(MLDSA44PrivateKey, "from_seed_bytes", unsupported)
    remember, repeat = asked_word([])
    answers = FOUND | {"advanced": FOUND["advanced"] | {"hybrid": True}}
    async with serving(StandIn(empty=True)) as url:
        start = (menu("node"), {"url": url, "token": SETUP_TOKEN}, menu("new_wallet"), remember, repeat)
        step = await walk(home, *start, answers)
        assert step["errors"] == {"base": "hybrid_unavailable"}
