"""Smooth randomness that is the same for the same seed, at any point, in any order of asking."""

import math
import random
from functools import lru_cache


@lru_cache(maxsize=65536)
def dice(*seed: object) -> float:
    """Return a number in [0, 1) that depends on nothing but the seed."""
    return random.Random(":".join(map(str, seed))).random()


def smooth(x: float, *seed: object) -> float:
    """Return a continuous random curve in [0, 1): one die per whole number, eased in between by a cosine."""
    left = math.floor(x)
    weight = (1 - math.cos((x - left) * math.pi)) / 2
    return dice(*seed, left) * (1 - weight) + dice(*seed, left + 1) * weight
