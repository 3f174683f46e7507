"""A neighbour's node holds nothing from which a home's load curve could be rebuilt beyond what it traded.

The same attack succeeds where the network's rules ask for every slot's net reading, so it can.
"""

import numpy as np

from tests.privacy.attack import correlation, features, holds, rebuilt
from tests.privacy.street import lived

CHANCE = 0.55
"""With 60 slots a hundred unrelated numbers stay below this."""


def curves(street, home):
    """Return the slots, the true imports and exports, and what was traded of each."""
    slots = sorted(home.curve)
    true = np.array([home.curve[slot] for slot in slots], float).T
    traded = np.array([street.traded[home.asset, slot] for slot in slots], float).T
    return slots, true, traded


def secrets(home):
    """Return what only the home knows, in the forms in which it could have slipped out."""
    ends = [text.encode() for text in home.texts]
    registers = {home.registers.imported_wh, home.registers.exported_wh}
    for reading in (entry.reading for entry in home.journal.entries.values()):
        registers |= {reading.start.imported_wh, reading.start.exported_wh}
    for number in registers:
        ends += [str(number).encode(), number.to_bytes(8, "big"), number.to_bytes(8, "little")]
    for salt in home.salts:
        ends += [salt, salt.hex().encode()]
    return ends


async def test_neighbours_cannot_rebuild_a_load_curve_beyond_the_traded_energy(tmp_path):
    street = await lived(tmp_path, "traded")
    assert sum(bought + sold for bought, sold in street.traded.values()) > 1_000
    for neighbour in street.neighbours:
        for home in street.homes:
            assert holds(neighbour.path.parent, secrets(home)) == []
            slots, true, traded = curves(street, home)
            found = features(neighbour.path, home, slots)
            assert len(found) > 10
            for target, known in zip(true, traded, strict=True):
                worst = max(correlation(series, target, traded) for series in found.values())
                assert worst < CHANCE
                assert rebuilt(found, target, [known]) < 0.2


async def test_the_same_attack_rebuilds_it_where_every_slot_is_read(tmp_path):
    street = await lived(tmp_path, "net")
    neighbour = street.neighbours[0]
    for home in street.homes:
        slots, true, traded = curves(street, home)
        found = features(neighbour.path, home, slots)
        for target in true:
            assert max(correlation(series, target, traded) for series in found.values()) > 0.99
            assert rebuilt(found, target, list(traded)) > 0.95
        assert holds(neighbour.path.parent, secrets(home)) == []


async def test_the_search_finds_what_is_there(tmp_path):
    """Were a register anywhere in a neighbour's files, blocks or packs, it would be found."""
    street = await lived(tmp_path, "traded")
    home = street.homes[0]
    commitment = home.journal.commitment(sorted(home.curve)[5])
    assert holds(street.neighbours[0].path.parent, [commitment.encode(), home.asset.encode()]) != []
