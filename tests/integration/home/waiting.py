"""Waiting for what happens over real sockets."""

import asyncio
import time


async def until(condition, seconds=10, what="what the test waits for"):
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        await asyncio.sleep(0.02)
    return value
