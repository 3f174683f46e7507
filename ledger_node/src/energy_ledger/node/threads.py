"""The threads of a node. Whatever is not made for several threads has one of its own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field


def _one(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=name)


@dataclass(frozen=True, slots=True)
class Threads:
    """Where work is done that would hold up the event loop."""

    ledger: ThreadPoolExecutor = field(default_factory=lambda: _one("ledger"))
    """Consensus core and ledger: one after the other."""
    disk: ThreadPoolExecutor = field(default_factory=lambda: _one("disk"))
    """The one writing connection."""
    readers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(2, thread_name_prefix="reader")
    )
    checkers: ThreadPoolExecutor = field(default_factory=lambda: _one("checker"))
    """Forms of transactions, and signatures where they are few; a second thread would wait for the first."""

    def close(self) -> None:
        """Let every thread finish what it is doing, and end it."""
        for pool in (self.checkers, self.ledger, self.disk, self.readers):
            pool.shutdown()
