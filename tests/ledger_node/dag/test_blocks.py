"""Blocks: the bytes that are signed are the bytes that are sent, and there is one spelling of them."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger import crypto
from energy_ledger.dag import blocks as blocks_module
from energy_ledger.dag.block_rules import BlockRules, Fault
from energy_ledger.dag.blocks import (
    MAX_BLOCK_BYTES,
    MAX_ITEMS,
    MAX_PAYLOAD_BYTES,
    BlockError,
    BlockRef,
    Draft,
    Payload,
    decode_block,
    genesis_refs,
    sign_block,
)
from tests.ledger_node.dag.street import NETWORK, seed_of

KEYS = tuple(crypto.public_key(seed_of(author)) for author in range(4))
RULES = BlockRules(NETWORK, 0, KEYS)
GENESIS = RULES.genesis

refs = st.builds(
    BlockRef, st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32)
)
numbers = st.integers(0, 2**63 - 1)
payloads = st.builds(
    Payload, st.lists(st.binary(max_size=40)).map(tuple), st.lists(st.binary(max_size=40)).map(tuple)
)
drafts = st.builds(
    Draft,
    st.binary(min_size=32, max_size=32),
    numbers,
    numbers,
    numbers,
    numbers,
    st.lists(refs, max_size=5).map(tuple),
    payloads,
)


def draft(**changes: object) -> Draft:
    fields: dict[str, object] = {
        "network": NETWORK,
        "epoch": 0,
        "round": 1,
        "author": 1,
        "timestamp": 5,
        "ancestors": (GENESIS[1], GENESIS[0], GENESIS[2]),
    }
    return Draft(**(fields | changes))  # type: ignore[arg-type]


def fault(author: int = 1, **changes: object) -> Fault | None:
    block = sign_block(draft(author=author, **changes), seed_of(1))
    return RULES.fault(block) or RULES.signature_fault(block)


@given(drafts)
def test_a_block_reads_back_from_its_bytes_as_it_was_made(made: Draft) -> None:
    block = sign_block(made, seed_of(0))
    read = decode_block(block.raw)
    assert read == block
    assert read.ref == block.ref
    assert (read.network, read.epoch, read.timestamp) == (made.network, made.epoch, made.timestamp)
    assert (read.round, read.author, read.ancestors) == (made.round, made.author, made.ancestors)
    assert (read.envelopes, read.votes) == (made.payload.envelopes, made.payload.votes)
    assert read.signed_by(KEYS[0])
    assert not read.signed_by(KEYS[1])


@given(drafts, st.data())
def test_a_changed_byte_makes_another_block_a_bad_signature_or_no_block(
    made: Draft, data: st.DataObject
) -> None:
    block = sign_block(made, seed_of(0))
    place = data.draw(st.integers(0, len(block.raw) - 1))
    raw = bytearray(block.raw)
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        read = decode_block(bytes(raw))
    except BlockError:
        return
    assert not read.signed_by(KEYS[0])
    assert (read.ref == block.ref) == (place >= len(block.body))


def test_the_digest_is_that_of_tag_and_body() -> None:
    block = sign_block(draft(), seed_of(1))
    assert block.ref.digest == crypto.digest(b"energy-ledger/block/v1\x00", block.body)
    assert block.raw == block.body + block.signature


def test_a_second_spelling_of_a_body_is_refused() -> None:
    body = sign_block(draft(), seed_of(1)).body
    fields = msgspec.msgpack.decode(body)
    assert msgspec.msgpack.encode(fields) == body
    longer = b"\xdc\x00\x08" + body[1:]
    assert msgspec.msgpack.decode(longer) == fields
    with pytest.raises(BlockError, match="spelled"):
        decode_block(longer + bytes(64))


@pytest.mark.parametrize("raw", [b"", bytes(64), bytes(200), b"\xc1" * 100])
def test_bytes_that_are_no_block_are_refused(raw: bytes) -> None:
    with pytest.raises(BlockError, match="not a block"):
        decode_block(raw)


@pytest.mark.parametrize(
    ("place", "value"), [(0, b"short"), (1, -1), (2, 2**63), (5, [[1, 0, b"short"]]), (6, ["text"])]
)
def test_fields_out_of_range_are_no_block(place: int, value: object) -> None:
    fields = msgspec.msgpack.decode(sign_block(draft(), seed_of(1)).body)
    fields[place] = value
    with pytest.raises(BlockError, match="not a block"):
        decode_block(msgspec.msgpack.encode(fields) + bytes(64))


def test_a_payload_beyond_the_limits_of_a_block_is_refused_and_one_at_the_limit_is_sent() -> None:
    full = draft(payload=Payload((bytes(MAX_PAYLOAD_BYTES // 2),) * 2))
    assert len(decode_block(sign_block(full, seed_of(1)).raw).envelopes) == 2
    assert (
        len(decode_block(sign_block(draft(payload=Payload((b"x" * 128,) * MAX_ITEMS)), seed_of(1)).raw).raw)
        < MAX_BLOCK_BYTES
    )
    with pytest.raises(BlockError, match="at most"):
        sign_block(draft(payload=Payload((bytes(MAX_PAYLOAD_BYTES), b"x"))), seed_of(1))
    with pytest.raises(BlockError, match="at most"):
        sign_block(draft(payload=Payload((), (b"",) * (MAX_ITEMS + 1))), seed_of(1))
    with pytest.raises(BlockError, match="at most"):
        decode_block(bytes(MAX_BLOCK_BYTES + 1))


def test_genesis_blocks_differ_by_network_epoch_and_author() -> None:
    every = [
        *genesis_refs(NETWORK, 0, 4),
        *genesis_refs(NETWORK, 1, 4),
        *genesis_refs(bytes([1]) * 32, 0, 4),
    ]
    assert len(set(every)) == 12
    assert {ref.round for ref in every} == {0}


def test_references_sort_by_round_then_author_as_a_number_then_digest() -> None:
    low, high = bytes(32), bytes([1]) * 32
    ordered = [BlockRef(1, 2, high), BlockRef(1, 10, low), BlockRef(2, 0, low), BlockRef(2, 0, high)]
    for seed in range(20):
        assert sorted(Random(seed).sample(ordered, 4)) == ordered


OLD = BlockRef(1, 2, bytes(32))


def test_a_block_that_keeps_the_rules_has_no_fault() -> None:
    assert fault() is None
    assert fault(ancestors=(GENESIS[1], GENESIS[0], GENESIS[3], GENESIS[2])) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"network": bytes([7]) * 32}, Fault.NETWORK),
        ({"epoch": 1}, Fault.EPOCH),
        ({"author": 4}, Fault.AUTHOR),
        ({"round": 0}, Fault.ROUND),
        ({"ancestors": ()}, Fault.OWN_FIRST),
        ({"ancestors": (GENESIS[0], GENESIS[1], GENESIS[2])}, Fault.OWN_FIRST),
        ({"ancestors": (GENESIS[1], GENESIS[0], BlockRef(0, 4, bytes(32)))}, Fault.ANCESTOR_AUTHOR),
        ({"ancestors": (GENESIS[1], GENESIS[0], GENESIS[0])}, Fault.ANCESTOR_TWICE),
        (
            {"ancestors": (GENESIS[1], GENESIS[0], GENESIS[2], BlockRef(1, 3, bytes(32)))},
            Fault.ANCESTOR_ROUND,
        ),
        ({"ancestors": (GENESIS[1], GENESIS[0], BlockRef(0, 2, bytes(32)))}, Fault.GENESIS),
        ({"ancestors": (GENESIS[1], GENESIS[0])}, Fault.PARENTS),
        ({"round": 2, "ancestors": (GENESIS[1], GENESIS[0], OLD)}, Fault.PARENTS),
        ({"author": 2, "ancestors": (GENESIS[2], GENESIS[0], GENESIS[1])}, Fault.SIGNATURE),
    ],
)
def test_each_broken_block_rule_is_named(changes: dict[str, object], expected: Fault) -> None:
    assert fault(**changes) is expected  # type: ignore[arg-type]


def test_the_own_previous_block_may_be_of_any_lower_round() -> None:
    parents = tuple(BlockRef(6, author, bytes(32)) for author in (0, 2, 3))
    assert fault(round=7, ancestors=(GENESIS[1], *parents)) is None


def test_the_tag_of_blocks_is_the_one_of_the_protocol() -> None:
    assert crypto.tag("block") == blocks_module._TAG
