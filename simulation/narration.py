"""Tells what happens on the street: one line per event of the ledger, in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from custom_components.energy_marketplace.ledger.answers import Event
from custom_components.energy_marketplace.ledger.matches import MATCHED, trades_in
from custom_components.energy_marketplace.ledger.units import money_from_nano, price_from_nano
from simulation.day import QuickDay

type Data = Mapping[str, Any]


@dataclass
class Narrator:
    """Remembers who and what the events speak of, and puts each event into a sentence."""

    day: QuickDay
    slot_s: int
    currency: str = "EUR"
    people: dict[str, str] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)

    def lines(self, event: Event) -> list[str]:
        """Return the event's lines: one, but for trades that were made one each, told with the offer."""
        if event.type != MATCHED:
            return [self.line(event)]
        trades = trades_in(event.data) if event.data["sells"] else []
        return [self.line(replace(event, data=dict(vars(trade)))) for trade in trades]

    def line(self, event: Event) -> str:
        """Return the event's line: the street's time, and what happened."""
        tell = SENTENCES.get(event.type)
        words = tell(self, event.data) if tell else event.type
        return f"{self.day.clock(event.time / 1000)}  {words}"

    def who(self, address: str) -> str:
        """Return the member's name, or the start of an address nobody was introduced by."""
        return self.people.get(address, f"{address[:12]}…")

    def thing(self, asset: str) -> str:
        """Return the asset's name."""
        return self.assets.get(asset, f"asset {asset[:8]}")

    def price(self, nano_per_wh: int) -> str:
        """Return a price for people, per kWh."""
        return f"{price_from_nano(nano_per_wh):.4f} {self.currency}/kWh"

    def money(self, nano: int) -> str:
        """Return an amount for people."""
        return f"{money_from_nano(nano):.6f} {self.currency}"

    def slot(self, number: int) -> str:
        """Return the street's time of a slot."""
        start, end = (self.day.clock((number + edge) * self.slot_s) for edge in (0, 1))
        return f"{start}-{end}"


def _joined(narrator: Narrator, data: Data) -> str:
    narrator.people[data["account"]] = data["name"]
    return f"{data['name']} joins the street"


def _approved(narrator: Narrator, data: Data) -> str:
    narrator.people[data["account"]] = data["name"]
    return f"{data['name']} is let in"


def _clearing_refused(_: Narrator, data: Data) -> str:
    return f"a clearing of round {data['round']} is refused ({data['code']}): {data['message']}"


def _registered(narrator: Narrator, data: Data) -> str:
    narrator.assets[data["id"]] = data["name"]
    return f"{narrator.who(data['account'])} registers “{data['name']}” ({data['asset_type']})"


def _placed(narrator: Narrator, data: Data) -> str:
    order = data["order"]
    who = f"{narrator.who(data['account'])} ({narrator.thing(data['asset'])})"
    price = narrator.price(order["price"])
    if order["type"] == "flexible":
        window = f"{narrator.slot(order['earliest'])[:5]} and {narrator.slot(order['deadline'])[:5]}"
        return f"{who} asks for {order['energy_wh']} Wh any time between {window}, up to {price}"
    verb, limit = ("offers", "from") if order["type"] == "offer" else ("bids for", "up to")
    slots = {int(slot): wh for slot, wh in order.get("slots", {}).items()}
    when = f", {narrator.slot(min(slots))[:5]} to {narrator.slot(max(slots))[6:]}" if slots else ""
    return f"{who} {verb} {sum(slots.values())} Wh{when}, {limit} {price}"


def _order_is(word: str) -> Callable[[Narrator, Data], str]:
    def tell(narrator: Narrator, data: Data) -> str:
        return f"an order of {narrator.who(data['account'])} ({narrator.thing(data['asset'])}) is {word}"

    return tell


def _cleared(_: Narrator, data: Data) -> str:
    return f"round {data['round']} is cleared: {data['orders']} orders, {data['volume_wh']} Wh trade"


def _round_is(word: str) -> Callable[[Narrator, Data], str]:
    return lambda _, data: f"round {data['round']} {word}"


def _matched(narrator: Narrator, data: Data) -> str:
    price = narrator.price(data["buyer_price"])
    return f"{_parties(narrator, data)}: {data['wh']} Wh agreed for {price}"


def _trade_is(word: str) -> Callable[[Narrator, Data], str]:
    return lambda narrator, data: f"{_parties(narrator, data)}: {word}"


def _settled(narrator: Narrator, data: Data) -> str:
    paid = narrator.money(data["paid"] or 0)
    return f"{_parties(narrator, data)}: {data['settled_wh']} of {data['wh']} Wh settled, {paid} paid"


def _parties(narrator: Narrator, data: Data) -> str:
    buyer = f"{narrator.who(data['buyer'])} ({narrator.thing(data['buy_asset'])})"
    return f"{narrator.slot(data['slot'])} {narrator.who(data['seller'])} → {buyer}"


def _attested(narrator: Narrator, data: Data) -> str:
    values = f"{data['imported_wh']} Wh in, {data['exported_wh']} Wh out"
    return f"{narrator.thing(data['asset'])} reads {values} for {narrator.slot(data['slot'])}"


def _issued(narrator: Narrator, data: Data) -> str:
    return f"{narrator.who(data['to'])} gets a voucher of {narrator.money(data['amount'])}"


def _credited(narrator: Narrator, data: Data) -> str:
    return f"{narrator.who(data['member'])} may owe up to {narrator.money(data['limit'])}"


def _transferred(narrator: Narrator, data: Data) -> str:
    amount = narrator.money(data["amount"])
    return f"{narrator.who(data['from'])} pays {amount} to {narrator.who(data['to'])}"


def _voted(_: Narrator, data: Data) -> str:
    return f"node {data['validator'][:8]} wants a committee of {len(data['committee'])} from now on"


def _committee_changed(_: Narrator, data: Data) -> str:
    return f"epoch {data['epoch']} begins with a committee of {len(data['committee'])}"


def _member_is(word: str) -> Callable[[Narrator, Data], str]:
    return lambda narrator, data: f"{narrator.who(data['account'])} {word}"


def _role(narrator: Narrator, data: Data) -> str:
    return f"{narrator.who(data['account'])} is now {', '.join(data['roles']) or 'a member like any other'}"


def _retired(narrator: Narrator, data: Data) -> str:
    return f"{narrator.who(data['account'])} retires “{data['name']}”"


def _announced(narrator: Narrator, data: Data) -> str:
    verb = "could take" if data["direction"] == "consume" else "could give"
    who = f"{narrator.who(data['account'])} ({narrator.thing(data['asset'])})"
    return f"{who} {verb} {data['energy_wh']} Wh before {narrator.slot(data['deadline'])[:5]}"


def _disclosed(narrator: Narrator, data: Data) -> str:
    return f"the registers of {narrator.thing(data['asset'])} for {narrator.slot(data['slot'])} lie open"


def _totalled(narrator: Narrator, data: Data) -> str:
    day = f"{data['imported_wh']} Wh in, {data['exported_wh']} Wh out"
    return f"{narrator.thing(data['asset'])} counts {day} in a day"


def _reviewed(narrator: Narrator, data: Data) -> str:
    return f"{_parties(narrator, data)}: settled again, {narrator.money(data['paid'] or 0)} paid in all"


def _claimed(narrator: Narrator, data: Data) -> str:
    place = f"{narrator.thing(data['asset'])}, {narrator.slot(data['slot'])}"
    return f"a reading is claimed to be wrong ({place}): {data['reason']}"


def _decided(narrator: Narrator, data: Data) -> str:
    place = f"{narrator.thing(data['asset'])}, {narrator.slot(data['slot'])}"
    return f"the claim about {place} is {data['state']}"


def _certificate_is(word: str) -> Callable[[Narrator, Data], str]:
    def tell(narrator: Narrator, data: Data) -> str:
        return f"{data['wh']} certified Wh of {narrator.thing(data['asset'])} {word}"

    return tell


def _redemption_is(word: str) -> Callable[[Narrator, Data], str]:
    return lambda narrator, data: f"{narrator.who(data['account'])} {word} {narrator.money(data['amount'])}"


def _community_paid(narrator: Narrator, data: Data) -> str:
    return f"the community pays {narrator.money(data['amount'])} to {narrator.who(data['to'])}"


def _tariff(narrator: Narrator, data: Data) -> str:
    return f"another tariff holds from {narrator.slot(data['from_slot'])[:5]} on"


def _policy(_: Narrator, data: Data) -> str:
    return f"the street changes its rules: new members by {data['approval']}"


def _refused(_: Narrator, data: Data) -> str:
    return f"a {data['kind']} is refused ({data['code']}): {data['message']}"


SENTENCES: Mapping[str, Callable[[Narrator, Data], str]] = {
    "member.joined": _joined,
    "member.approved": _approved,
    "member.suspended": _member_is("is suspended"),
    "member.resumed": _member_is("may trade again"),
    "member.role": _role,
    "member.leaving": _member_is("wants to leave"),
    "member.left": _member_is("has left the street"),
    "key.rotated": _member_is("has new keys"),
    "asset.registered": _registered,
    "asset.updated": _registered,
    "asset.retired": _retired,
    "flexibility.announced": _announced,
    "order.placed": _placed,
    "order.filled": _order_is("filled"),
    "order.cancelled": _order_is("cancelled"),
    "order.lapsed": _order_is("past its time"),
    "round.closed": _round_is("closes"),
    "round.cleared": _cleared,
    "round.void": _round_is("ends without a clearing"),
    "clearing.refused": _clearing_refused,
    MATCHED: _matched,
    "trade.delivering": _trade_is("delivery begins"),
    "trade.metered": _trade_is("both meters have spoken"),
    "trade.overdue": _trade_is("a reading is missing"),
    "trade.settled": _settled,
    "trade.disputed": _trade_is("a reading is disputed"),
    "trade.reviewed": _reviewed,
    "reading.attested": _attested,
    "reading.disclosed": _disclosed,
    "reading.totalled": _totalled,
    "claim.opened": _claimed,
    "claim.decided": _decided,
    "certificate.issued": _certificate_is("are issued"),
    "certificate.transferred": _certificate_is("change hands"),
    "certificate.cancelled": _certificate_is("are used"),
    "certificate.claimed": _certificate_is("are claimed"),
    "certificate.withdrawn": _certificate_is("are taken back"),
    "certificate.expired": _certificate_is("have expired"),
    "voucher.issued": _issued,
    "voucher.requested": _redemption_is("asks to be paid out"),
    "voucher.paid": _redemption_is("is paid out"),
    "voucher.returned": _redemption_is("keeps vouchers of"),
    "community.paid": _community_paid,
    "tariff.set": _tariff,
    "policy.set": _policy,
    "credit.set": _credited,
    "transfer": _transferred,
    "committee.voted": _voted,
    "committee.changed": _committee_changed,
    "transaction.refused": _refused,
}
