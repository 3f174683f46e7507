"""The waiting room: bounded per author, and always open for what comes first."""

from energy_ledger.dag.blocks import BlockRef, Draft, Payload, sign_block
from energy_ledger.dag.waiting import MAX_HELD_BLOCKS, WaitingRoom
from tests.ledger_node.dag.street import seed_of

NETWORK = bytes(32)
LIAR = 2


def chain(author, first, last):
    """Return an author's blocks of some rounds, each on its own one before; nobody has the first one's."""
    before = BlockRef(first - 1, author, b"\x01" * 32)
    blocks = []
    for round_ in range(first, last + 1):
        draft = Draft(NETWORK, 0, round_, author, round_, (before,), Payload((), ()))
        blocks.append(sign_block(draft, seed_of(author)))
        before = blocks[-1].ref
    return blocks


def held(room, blocks):
    """Let blocks wait, as far as there is room; return those that do."""
    for block in blocks:
        if room.make_room(block):
            room.hold(block, [block.ancestors[0]], future=False, now=0)
    return [block for block in blocks if block.ref in room]


def test_an_authors_room_is_bounded():
    room = WaitingRoom()
    blocks = chain(LIAR, 10, 10 + 2 * MAX_HELD_BLOCKS)
    assert held(room, blocks) == blocks[:MAX_HELD_BLOCKS]
    assert held(room, chain(1, 10, 12)) != []


def test_what_comes_first_takes_the_place_of_what_follows():
    room = WaitingRoom()
    blocks = chain(LIAR, 10, 10 + MAX_HELD_BLOCKS)
    first, *later = blocks
    assert held(room, later) == later
    assert held(room, [first]) == [first]
    assert len(room) == MAX_HELD_BLOCKS
    assert later[-1].ref not in room
    assert room.is_wanted(first.ancestors[0])
    assert room.settle(first.ancestors[0]) == [first]
    assert room.settle(first.ref) == [later[0]]


def test_what_is_given_up_leaves_no_trace():
    room = WaitingRoom()
    held(room, chain(LIAR, 100, 99 + MAX_HELD_BLOCKS))
    for round_ in range(99, 9, -1):
        held(room, chain(LIAR, round_, round_))
    assert len(room) == MAX_HELD_BLOCKS
    assert len(room.gaps()) <= MAX_HELD_BLOCKS
    assert room.drop_below(200) == []
    assert (len(room), room.gaps()) == (0, {})
