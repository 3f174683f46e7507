"""Quotas instead of fees: each account has a bucket of work, which every ordered transaction draws from.

The bucket holds `burst` and fills by `work_per_s`; the genesis says how much that is. It is counted at the
commit, in whole numbers and ledger time, so all nodes refuse the same. What is written down is the work that
was drawn and has not come back yet.
"""

from energy_ledger.ledger.rows import Work
from energy_ledger.ledger.state import State
from energy_ledger.refusals import Refused
from energy_ledger.transactions import Transaction
from energy_ledger.units import MS_PER_S


def check(state: State, transaction: Transaction, time: int, ahead: int = 0) -> None:
    """Refuse what its account's bucket does not hold at a time (ms), `ahead` being drawn already."""
    _drawn(state, transaction, time, ahead)


def draw(state: State, transaction: Transaction) -> None:
    """Draw a transaction's work from its account's bucket. Raises Refused, and draws nothing then."""
    drawn = _drawn(state, transaction, state.time, 0)
    state.work.put(Work(account=transaction.payload.account, drawn=drawn, time=state.time))


def _drawn(state: State, transaction: Transaction, time: int, ahead: int) -> int:
    """Return what is drawn in all, in thousandths, with this transaction."""
    quota, known = state.policy.quota, state.work.get(transaction.payload.account)
    drawn = (ahead + transaction.work) * MS_PER_S
    if known is not None:
        drawn += max(0, known.drawn - quota.work_per_s * (time - known.time))
    if drawn > quota.burst * MS_PER_S:
        wait_s = -(-(drawn - quota.burst * MS_PER_S) // (quota.work_per_s * MS_PER_S))
        message = f"This account has sent more than its share; there is room for this in {wait_s} s."
        raise Refused("over_quota", None, message)
    return drawn
