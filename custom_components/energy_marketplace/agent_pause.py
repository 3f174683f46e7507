"""Why nothing is traded just now, where that is not for the plan to say."""

from typing import Final

from .coordinator import MarketCoordinator
from .metering import MeterCoordinator
from .trading.sentences import Sentence

_STANDS: Final = frozenset({"stopped", "snapshot", "catching_up", "alone", "sole_waits", "no_quorum"})
"""The node's problems with which nothing that it is sent comes to be ordered."""
_ACTIVE: Final = "active"


def pause_of(market: MarketCoordinator, point: MeterCoordinator) -> Sentence | None:
    """Return why a home trades nothing now, the most pressing first; None while it may trade.

    Args:
        market: what is known of the node, the network and the membership.
        point: the meter of the connection point at which it would be settled.

    """
    if market.away_node.is_away:
        return Sentence("pauses_node")
    if point.is_silent:
        return Sentence("pauses_meter")
    if market.data is None:
        return None
    if market.data.account.status != _ACTIVE:
        return Sentence("pauses_member")
    return Sentence("pauses_network") if market.data.network.problem_code in _STANDS else None
