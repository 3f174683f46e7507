"""What the command line's `clear` and `verify-clearing` do, from text to object."""

from .book import Verdict
from .files import ClearingError, clearing_json, read_book, read_clearing
from .solver import solve
from .verifier import verify


def clear_text(text: str | bytes) -> dict[str, object]:
    """Clear the orders of a JSON text. Raises BookError with one line that names the order and the field."""
    book = read_book(text)
    return clearing_json(book, solve(book))


def verify_texts(orders: str | bytes, result: str | bytes) -> Verdict:
    """Judge a result against its orders, both JSON texts. Raises BookError if the orders are bad."""
    book = read_book(orders)
    try:
        clearing = read_clearing(book, result)
    except ClearingError as error:
        return Verdict(valid=False, reason=str(error))
    return verify(book, clearing)


def verdict_json(verdict: Verdict) -> dict[str, object]:
    """Write a verdict as the object that `energy-ledger verify-clearing` prints."""
    if not verdict.valid:
        return {"valid": False, "reason": verdict.reason}
    return {
        "valid": True,
        "welfare": verdict.welfare,
        "bound": verdict.bound,
        "gap_ppm": verdict.gap_ppm,
    }
