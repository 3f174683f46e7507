"""Proofs for clients: the leaves as of the newest certified commit, and the tree over them.

The ledger itself is usually some commits ahead of the newest certificate. So the leaves that commits change
wait here until one of those commits is certified; only then, and when somebody asks, the tree moves on. What
comes in here is on the disk already: nobody is told a proof that a power failure could undo.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from energy_ledger.ledger.merkle import MerkleTree
from energy_ledger.ledger.state import Leaf
from energy_ledger.proofs import Certificate, LedgerState, Proof
from energy_ledger.storage.writer import Entry

MOST_WAITING: Final = 1_000
"""Uncertified commits whose leaves are kept apart; beyond that two become one that only together counts."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    commit: int
    leaves: dict[bytes, bytes]


class Proofs:
    """Proves rows as of the newest certified commit."""

    def __init__(
        self,
        leaves: Iterable[Leaf],
        root: bytes,
        states: Iterable[LedgerState],
        certificate: Certificate | None,
    ) -> None:
        """Start from the ledger's leaves and root, and the states whose certificates may still come.

        A certificate of another root proves nothing of these leaves.
        """
        self._values = dict(leaves)
        self._changed = dict(self._values)
        self._tree = MerkleTree()
        self._certificate = certificate if certificate and certificate.state.root == root else None
        self._waiting = deque(_Waiting(state.commit, {}) for state in states if state.root == root)

    @property
    def certificate(self) -> Certificate | None:
        """The newest certificate, None while there is none for what is known here."""
        return self._certificate

    def take(self, entry: Entry) -> None:
        """Take note of commits and a certificate that are on the disk by now."""
        for commit in entry.commits:
            self._waiting.append(_Waiting(commit.index, dict(commit.leaves)))
        while len(self._waiting) > MOST_WAITING:
            first, second = self._waiting.popleft(), self._waiting.popleft()
            self._waiting.appendleft(_Waiting(second.commit, first.leaves | second.leaves))
        if entry.certificate is not None:
            self._move_to(entry.certificate)

    def prove(self, key: bytes) -> Proof | None:
        """Prove a leaf; None while nothing is certified or the certified state has no such leaf."""
        value = self._values.get(key)
        if self._certificate is None or value is None:
            return None
        for changed in self._changed.items():
            self._tree.set(*changed)
        self._changed.clear()
        path = self._tree.path(key)
        return None if path is None else Proof(key, value, path, self._certificate)

    def _move_to(self, certificate: Certificate) -> None:
        """Apply what led to a certified commit; a commit that is not known apart is passed over."""
        if certificate.state.commit not in {one.commit for one in self._waiting}:
            return
        while self._waiting and self._waiting[0].commit <= certificate.state.commit:
            leaves = self._waiting.popleft().leaves
            self._values |= leaves
            self._changed |= leaves
        self._certificate = certificate
