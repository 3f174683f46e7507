"""Who takes a snapshot or gives it is killed in the middle of the transfer: it ends well by itself."""

import pytest

from simulation.ledger_street import Street
from tests.ledger_node.node.test_neighbourhood import agree
from tests.support.strait import Strait

NEWCOMER = ("--no-matcher", "--dial-only", "--snapshot-after", "20")
LOTS, LOT = 10, 600
"""Lots of transactions in the blocks of the snapshot's window, so that it has several chunks."""


@pytest.fixture
async def street(tmp_path):
    """A house with a fresh snapshot of several chunks behind a strait, and a second one that comes late."""
    async with Street(tmp_path, 2) as street, Strait(street.houses[0].peer_port) as street.strait:
        newcomer = street.houses.pop()
        await street.open()
        (giver,) = street.houses
        for size in (*[1] * LOTS, *[LOT] * LOTS):
            await giver.ask("/v1/transactions", [street.founder.issues(1) for _ in range(size)])
        await giver.stop()  # at an orderly stop it writes one
        await giver.start("--no-matcher", "--advertise", f"127.0.0.1:{street.strait.port}")
        street.houses.append(newcomer)
        yield street


def here(house):
    """Return how much of the snapshot is on the newcomer's disk."""
    return (house.data / "snapshot.part").stat().st_size


async def test_kills_in_the_middle_of_a_snapshots_transfer_leave_nobody_behind(street):
    giver, newcomer, strait = *street.houses, street.strait
    size = (giver.data / "snapshot").stat().st_size
    strait.hold_after(size // 4)
    await newcomer.start(*NEWCOMER)
    await newcomer.ask("/v1/setup", {"join": street.founder.invite([giver.peer])})
    come = 0
    for killed in ([newcomer], [giver], [giver, newcomer]):
        await strait.held()
        assert come < here(newcomer) < size
        come = here(newcomer)
        assert (await newcomer.ask("/v1/network"))["problem_code"] == "snapshot"
        for house in killed:
            await house.kill()
        strait.cut()
        strait.hold_after(size // 5)
        for house in killed:
            await house.start()
    strait.free()
    (_, level) = await street.until(agree)
    said = newcomer.log.read_text()
    assert said.count("taking the snapshot of commit") == 1  # afterwards it went on where it was
    assert f"the ledger goes on from commit {level['known_from']['commit']}" in said
    assert level["known_from"]["commit"] > 20
    await newcomer.kill()
    status, output = await newcomer.command("verify")
    assert status == 0, output
