"""Which slots can still be traded, by the parameters of the network."""

from ..ledger.answers import Parameters


def next_round_close_ms(time_ms: int, parameters: Parameters) -> int:
    """Return when the round closes that an order placed at this time takes part in."""
    round_ms = parameters.round_s * 1000
    return (time_ms // round_ms + 1) * round_ms


def open_slots(time_ms: int, parameters: Parameters) -> range:
    """Return the slots that an order placed at this time may name.

    The first is the first that starts at least `gate_s` after the close of the coming round.
    """
    slot_ms = parameters.slot_s * 1000
    earliest = next_round_close_ms(time_ms, parameters) + parameters.gate_s * 1000
    first = -(-earliest // slot_ms)
    return range(first, first + parameters.horizon_slots)


def slots_until(finish_ms: int, parameters: Parameters) -> int:
    """Return the exclusive deadline (slot) of what must be finished by a time."""
    return finish_ms // (parameters.slot_s * 1000)
