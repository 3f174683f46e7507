"""Takes hold of a ledger state whose certificate is there, or comes while the ledger goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from energy_ledger.ledger.machine import Ledger
from energy_ledger.ledger.state import Frozen
from energy_ledger.proofs import Certificate


@dataclass(frozen=True, slots=True)
class Taken:
    """A state and the certificate of a commit that led to it."""

    frozen: Frozen
    certificate: Certificate


class Shutter:
    """Belongs to the ledger's thread; only `wanted` may be set from elsewhere."""

    def __init__(self) -> None:
        self.wanted = False
        self._frozen: Frozen | None = None

    def look(self, ledger: Ledger, newest: Certificate | None, fresh: Sequence[Certificate]) -> Taken | None:
        """Return a certified state, if one is wanted and can be had now.

        On a quiet network the newest certificate is for the present rows. While every commit changes them,
        the present ones are kept until their certificate comes; if it never does, later ones are.
        """
        if not self.wanted:
            return None
        if newest is not None and newest.state.root == ledger.root and newest.epoch == ledger.epoch:
            return self._take(ledger.freeze(), newest)
        for certificate in fresh:
            if self._frozen is not None and certificate.state.root == self._frozen.root:
                return self._take(self._frozen, certificate)
        reached = fresh[-1].state.commit if fresh else 0
        if self._frozen is None or self._frozen.totals.commit <= reached:
            self._frozen = ledger.freeze()
        return None

    def _take(self, frozen: Frozen, certificate: Certificate) -> Taken:
        self.wanted, self._frozen = False, None
        return Taken(frozen, certificate)
