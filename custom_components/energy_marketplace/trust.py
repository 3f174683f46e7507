"""What the committee signed of a member's account and of its assets' logs, from the pinned genesis on."""

from .ledger import answers, genesis
from .ledger.answers import Account, AnswerError, Network, Proof
from .ledger.audit import AuditLog, fetch, verify
from .ledger.client import NodeProblemError
from .ledger.member import Member
from .ledger.proof import Committee, Finding, Verdict, account_key, check, follow


class Trust:
    """Checks what the node shows; follows the committee from the genesis on."""

    def __init__(self, member: Member) -> None:
        """Trust nothing but the network's id."""
        self._member = member
        self._proven_commit = 0
        self.committee: Committee | None = None
        """The committee that was followed last; None: the genesis is still to be checked."""

    async def account(self, network: Network) -> tuple[Account, Finding]:
        """Return the member's account and whether the committee vouches for it; raises NodeError."""
        address = self._member.address
        answer = await self._member.client.proven_account(address)
        try:
            account = answers.read(Account, answer.row)
            committee = await self._pinned(network, answer.proof)
        except AnswerError as error:
            raise NodeProblemError(f"the node's account does not fit the protocol: {error}") from error
        except ValueError as error:
            return account, Finding(Verdict.CONTRADICTED, reason=str(error))
        finding = check(answer, account_key(address), committee, since=self._proven_commit)
        self._proven_commit = max(self._proven_commit, finding.commit)
        return account, finding

    async def audit(self, asset: str, network: Network) -> tuple[AuditLog, Finding]:
        """Return an asset's whole log, and what checking it came to; raises NodeError."""
        log = await fetch(self._member.client, asset)
        try:
            committee = await self._pinned(network, log.proof)
        except ValueError as error:
            return log, Finding(Verdict.CONTRADICTED, reason=str(error))
        return log, verify(log, committee)

    async def _pinned(self, network: Network, proof: Proof | None) -> Committee:
        """Return the committee that a proof must be of, followed from the one that is pinned.

        Raises ValueError for a genesis or a committee that does not hold.
        """
        committee = self.committee or Committee.of(genesis.verify(network.genesis, self._member.network))
        if proof is not None:
            committee = await follow(self._member.client, committee, proof.epoch)
        self.committee = committee
        return committee
