"""A first look at a meter, for the person who sets it up."""

import time
from collections.abc import Callable

from .profiles import Profile
from .readings import MeterNonsenseError, Sample
from .registers import RegisterReader, read_layout

_MOST_PLAUSIBLE_W = 10_000_000


def wall_clock() -> int:
    """Return the time in ms since the epoch."""
    return time.time_ns() // 1_000_000


async def probe(reader: RegisterReader, profile: Profile, *, clock: Callable[[], int] = wall_clock) -> Sample:
    """Return what the meter shows right now.

    Raises:
        MeterUnreachableError: no answer.
        MeterNonsenseError: an answer that fits no such meter; the message says what is odd.

    """
    sample = await read_layout(reader, await profile.prepare(reader), clock)
    if sample.power_w is not None and abs(sample.power_w) > _MOST_PLAUSIBLE_W:
        raise MeterNonsenseError(
            f"the meter shows {sample.power_w:.0f} W: is {profile.name} the right profile and word order?"
        )
    return sample
