"""What went wrong in a flow, as the key of a sentence that says what to do next."""

from dataclasses import dataclass, field

from .ledger.client import NodeError, NodeUnreachableError, NotAuthorizedError, RefusedError
from .ledger.genesis import GenesisError
from .ledger.invite import InviteError
from .ledger.membership import MembershipError
from .ledger.phrase import PhraseError
from .ledger.units import NotExactError

LONGEST_NAME = 64

_BY_KIND: dict[type[Exception], str] = {
    NodeUnreachableError: "cannot_connect",
    NotAuthorizedError: "invalid_auth",
    NodeError: "not_a_node",
    GenesisError: "wrong_network",
    InviteError: "invite_malformed",
    NotExactError: "not_exact",
}

_BY_CODE = {
    "invite_invalid": "invite_invalid",
    "invite_expired": "invite_expired",
    "invite_used": "invite_used",
    "already_member": "already_member",
    "not_active": "not_active",
    "wrong_network": "wrong_network",
    "unknown_account": "unknown_account",
    "has_open_orders": "has_open_orders",
    "other_network": "wrong_network",
    "not_a_member": "not_a_member",
    "bad_invite": "invite_invalid",
    "hybrid_unavailable": "hybrid_unavailable",
}


@dataclass(frozen=True)
class FlowProblem:
    """Why a step cannot go on: the translation key, where to show it, and what the sentence mentions."""

    key: str
    place: str = "base"
    placeholders: dict[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> dict[str, str]:
        """The problem as a form takes it."""
        return {self.place: self.key}


def name_problem(name: str, place: str) -> FlowProblem | None:
    """Return why the ledger would not take a name: it has a length, and no control characters."""
    controls = any(letter < " " or letter == "\x7f" for letter in name)
    return FlowProblem("bad_name", place) if controls or not 0 < len(name) <= LONGEST_NAME else None


def problem_of(error: Exception, place: str = "base") -> FlowProblem:
    """Return what a flow shows for an error of the ledger's client, a phrase, an invite or a number."""
    if isinstance(error, PhraseError):
        return _phrase_problem(error, place)
    if isinstance(error, (RefusedError, MembershipError)):
        return FlowProblem(_BY_CODE.get(error.code, "refused"), place, {"message": str(error)})
    key = next(key for kind, key in _BY_KIND.items() if isinstance(error, kind))
    return FlowProblem(key, place, {"message": str(error)})


def _phrase_problem(error: PhraseError, place: str) -> FlowProblem:
    placeholders = {
        "position": str(error.position),
        "word": error.word,
        "suggestions": ", ".join(error.suggestions) or "?",
    }
    return FlowProblem(f"phrase_{error.code}", place, placeholders)
