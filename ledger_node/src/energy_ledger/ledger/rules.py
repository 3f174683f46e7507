"""What every kind of transaction has in common: who asks, of which state, and what then happens."""

from collections.abc import Callable

from msgspec import Struct

from energy_ledger.ledger.rows import Account
from energy_ledger.ledger.state import State

type Action = Callable[[], None]
"""What a transaction that passed its checks does. Making one changes nothing; running it cannot fail."""


class Request(Struct, frozen=True, gc=False):
    """A transaction of an account: its id, the sender, and the ledger time (ms) to judge it by."""

    state: State
    id: str
    sender: Account
    time: int
