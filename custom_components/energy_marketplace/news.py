"""What is news to a home: steps of trades and orders, and payments, that are worth a line with figures."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.util import dt as dt_util

type News = Mapping[str, Any]

ATTR_CURRENCY = "currency"
ATTR_KIND = "kind"
ATTR_TYPE = "type"
_VERBS = {"import": ("buy", "bought", "paid"), "export": ("sell", "sold", "earned")}


def is_news(kind: str, type_: str, facts: Mapping[str, Any]) -> bool:
    """Return whether something is worth a line of its own; what a delivery paid, its trade says."""
    return (kind, type_) in _SENTENCES and not (kind == "payment" and facts["trade"])


def sentence(news: News) -> str:
    """Return a piece of news as the end of a sentence that begins with its owner's name."""
    return _SENTENCES[news[ATTR_KIND], news[ATTR_TYPE]](news)


def _matched(news: News) -> str:
    verb, _, _ = _VERBS[news["direction"]]
    return f"agreed to {verb} {news['energy']:g} kWh at {_price(news)} from {_time(news)}"


def _settled(news: News) -> str:
    _, verb, paid = _VERBS[news["direction"]]
    energy, amount = news["settled_energy"] or 0, _digits(news["amount"] or 0)
    penalty = f", penalty {_money(news, 'penalty')}" if news["penalty"] else ""
    return f"{verb} {energy:g} of {news['energy']:g} kWh and {paid} {amount} {news[ATTR_CURRENCY]}{penalty}"


def _overdue(news: News) -> str:
    return f"has no reading yet of the {news['energy']:g} kWh that were agreed from {_time(news)}"


def _placed(news: News) -> str:
    limit = "at least" if news["order_type"] == "offer" else "at most"
    what = "offers" if news["order_type"] == "offer" else "asks for"
    return f"{what} {news['energy']:g} kWh for {limit} {_price(news)}"


def _lapsed(news: News) -> str:
    return f"found neighbours for {news['filled_energy']:g} of {news['energy']:g} kWh until its order lapsed"


def _received(news: News) -> str:
    return f"received {_money(news, 'amount')}"


def _paid(news: News) -> str:
    return f"paid {_money(news, 'amount')}"


_SENTENCES: dict[tuple[str, str], Callable[[News], str]] = {
    ("trade", "matched"): _matched,
    ("trade", "settled"): _settled,
    ("trade", "overdue"): _overdue,
    ("order", "placed"): _placed,
    ("order", "lapsed"): _lapsed,
    ("payment", "received"): _received,
    ("payment", "paid"): _paid,
}


def _price(news: News) -> str:
    return f"{news['price']:g} {news[ATTR_CURRENCY]}/kWh"


def _money(news: News, name: str) -> str:
    return f"{_digits(news[name])} {news[ATTR_CURRENCY]}"


def _digits(amount: float) -> str:
    """Write an amount with the digits that matter to people: a slot may be worth less than a cent."""
    return f"{amount:.4f}".rstrip("0").rstrip(".")


def _time(news: News) -> str:
    start = dt_util.parse_datetime(news["start"])
    return news["start"] if start is None else f"{start:%H:%M}"
