"""What may keep a node out of step: a code that programs translate, and words for a person."""

from typing import NamedTuple

from energy_ledger.api.types import ProblemCode


class Problem(NamedTuple):
    """Something that is wrong now, and what to do about it."""

    code: ProblemCode
    text: str
