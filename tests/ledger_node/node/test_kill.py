"""A node that is killed at any moment comes back with everything it acknowledged."""

from tests.support.killing import torment

KILLS = 8


async def test_nothing_acknowledged_is_lost_when_the_node_is_killed_under_load(tmp_path):
    trial = await torment(tmp_path / "node", KILLS, seed=1)
    assert len(trial.acknowledged) > KILLS
