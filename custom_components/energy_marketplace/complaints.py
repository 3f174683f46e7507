"""What a person has to look after, as repair issues: one table of what may be wrong and how it is noticed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

if TYPE_CHECKING:
    from .coordinator import MarketState

_CLOCK_TOLERANCE_S = 30
"""Ledger time never runs ahead of true time by more than the clocks of a quorum do."""
_ALONE = 1
"""A committee of one has nothing to lose but itself; its owner knows."""

_AWAY_AFTER_S = 600
"""A node that is away for so long is worth a repair issue; before, it may just be restarting."""

PROBLEMS = frozenset(
    {
        "stopped",
        "clock",
        "disk",
        "snapshot",
        "catching_up",
        "alone",
        "sole_waits",
        "database_lost",
        "database_old",
        "asking",
        "no_quorum",
        "gaps",
        "history_pruned",
    }
)
"""The codes of a node's problems that are told in the language of who reads them."""

type Facts = dict[str, str]


@dataclass(frozen=True)
class Complaint:
    """Something that may be wrong: how serious it is, and the facts that say so (None: all is well)."""

    key: str
    severity: ir.IssueSeverity
    facts: Callable[[MarketState, int], Facts | None]
    told_as: Callable[[MarketState], str] | None = None
    """Its text, where that is not the one of its key."""


def _lies(state: MarketState, _now_ms: int) -> Facts | None:
    return {} if state.proof.is_lie else None


def _problem(state: MarketState, _now_ms: int) -> Facts | None:
    return None if state.network.problem is None else {"message": state.network.problem}


def _slow_clock(state: MarketState, now_ms: int) -> Facts | None:
    behind_s = (state.network.time - now_ms) // 1000
    return {"seconds": str(behind_s)} if behind_s > _CLOCK_TOLERANCE_S else None


def _near_limit(state: MarketState, _now_ms: int) -> Facts | None:
    network = state.network
    if network.may_fail is None or network.may_fail > 0 or len(network.committee) <= _ALONE:
        return None
    if network.problem is not None:
        return None  # the node itself says who is missing, and one issue for one cause is enough
    return {"missing": str(-network.may_fail)}


def _problem_text(state: MarketState) -> str:
    """Return the text of the node's problem; of one that nobody knows here the node's own words must do."""
    code = state.network.problem_code
    return f"node_problem_{code}" if code in PROBLEMS else "node_problem"


COMPLAINTS = (
    Complaint("node_lies", ir.IssueSeverity.ERROR, _lies),
    Complaint("node_problem", ir.IssueSeverity.WARNING, _problem, _problem_text),
    Complaint("clock_wrong", ir.IssueSeverity.ERROR, _slow_clock),
    Complaint("committee_near_limit", ir.IssueSeverity.WARNING, _near_limit),
)


@callback
def async_judge(hass: HomeAssistant, entry: ConfigEntry, url: str, state: MarketState, now_ms: int) -> None:
    """Raise what is wrong, and withdraw what is well again."""
    for complaint in COMPLAINTS:
        issue = f"{complaint.key}_{entry.entry_id}"
        facts = complaint.facts(state, now_ms)
        if facts is None:
            ir.async_delete_issue(hass, DOMAIN, issue)
            continue
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue,
            is_fixable=False,
            severity=complaint.severity,
            translation_key=complaint.told_as(state) if complaint.told_as else complaint.key,
            translation_placeholders={"name": entry.title, "url": url, **facts},
        )


@callback
def async_withdraw_judged(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Withdraw what was judged by the node's last answer."""
    for complaint in COMPLAINTS:
        ir.async_delete_issue(hass, DOMAIN, f"{complaint.key}_{entry.entry_id}")


class AwayNode:
    """The node of a member, while it cannot be reached."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Take it to be there."""
        self._hass = hass
        self._entry = entry
        self._issue = f"node_unreachable_{entry.entry_id}"
        self._since_ms: int | None = None

    @property
    def is_away(self) -> bool:
        """Whether it was looked for in vain."""
        return self._since_ms is not None

    @callback
    def async_is_back(self) -> None:
        """Note that it can be reached."""
        self._since_ms = None
        ir.async_delete_issue(self._hass, DOMAIN, self._issue)

    @callback
    def async_note(self, now_ms: int, url: str) -> None:
        """Note that it cannot be reached, and say so when that lasts: the one issue that counts then."""
        self._since_ms = now_ms if self._since_ms is None else self._since_ms
        if now_ms - self._since_ms <= _AWAY_AFTER_S * 1000:
            return
        async_withdraw_judged(self._hass, self._entry)  # nobody can say whether it still holds
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue,
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key="node_unreachable",
            translation_placeholders={"name": self._entry.title, "url": url},
        )


SHARED = ("meter_silent", "thermometer_silent", "readings_late")
"""The issues that name all assets of a member that have the same trouble."""


class SharedIssue:
    """One issue for all assets of a member that have the same trouble, as they often have it together."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, key: str, *, is_fixable: bool = False
    ) -> None:
        """Know of none."""
        self._hass = hass
        self._key = key
        self._issue = f"{key}_{entry.entry_id}"
        self._is_fixable = is_fixable
        self._counts: dict[str, tuple[str, int]] = {}

    @callback
    def async_note(self, subentry_id: str, name: str, count: int) -> None:
        """Note how often an asset has it: 0 when all is well."""
        self._counts[subentry_id] = (name, count)
        troubled = [one for one in self._counts.values() if one[1]]
        if not troubled:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue)
            return
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue,
            is_fixable=self._is_fixable,
            severity=ir.IssueSeverity.WARNING,
            translation_key=self._key,
            translation_placeholders={
                "name": ", ".join(name for name, _ in troubled),
                "count": str(sum(count for _, count in troubled)),
            },
        )


@callback
def async_withdraw(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Withdraw all that was said of a member that is removed."""
    async_withdraw_judged(hass, entry)
    for key in ("node_unreachable", *SHARED):
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry.entry_id}")
