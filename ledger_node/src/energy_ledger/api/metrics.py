"""The node's figures in Prometheus' text format."""

from collections.abc import Mapping

METRICS = {
    "commits_total": ("counter", "Commits of the agreed order"),
    "blocks_total": ("counter", "Blocks stored"),
    "transactions_total": ("counter", "Transactions ordered"),
    "transactions_refused_total": ("counter", "Transactions refused before they were ordered"),
    "events_total": ("counter", "Events"),
    "mempool_transactions": ("gauge", "Transactions waiting for a block"),
    "ledger_time_seconds": ("gauge", "Ledger time, seconds since the Unix epoch"),
    "history_start_seconds": ("gauge", "Ledger time from which on history is kept, 0: all of it"),
    "database_bytes": ("gauge", "Size of the database on the disk"),
    "apply_seconds_total": ("counter", "Seconds spent on making and applying commits"),
    "store_seconds_total": ("counter", "Seconds spent on storing them"),
    "clearings_total": ("counter", "Clearings this node computed"),
    "clearing_seconds_total": ("counter", "Seconds spent on computing them"),
    "loop_lag_seconds_max": (
        "gauge",
        "Greatest delay of the event loop since the last look at it",
    ),
    "event_streams": ("gauge", "Clients listening for events"),
    "up": ("gauge", "1 while the node works, 0 when it has stopped"),
}
"""Every figure with its type and meaning; in the text each name starts with `energy_ledger_`."""


def render(figures: Mapping[str, int | float]) -> str:
    """Write figures, by name in METRICS, as Prometheus reads them."""
    lines: list[str] = []
    for name, (kind, meaning) in METRICS.items():
        if name in figures:
            full = f"energy_ledger_{name}"
            lines += [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", f"{full} {figures[name]}"]
    return "\n".join(lines) + "\n"
