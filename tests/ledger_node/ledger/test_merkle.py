"""The root is the Merkle tree of RFC 6962 over sorted leaves, whichever way the tree came to be."""

import hashlib
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from energy_ledger.ledger.merkle import MerkleTree

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "merkle.json").read_text("utf-8"))

keys = st.binary(min_size=1, max_size=3)


def reference(leaves):
    """Write RFC 6962's definition down: split at the largest power of two below the number of leaves."""
    if len(leaves) == 1:
        key, value = leaves[0]
        return hashlib.sha256(b"energy-ledger/leaf/v1\x00" + key + b"\x00" + value).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    parts = reference(leaves[:split]) + reference(leaves[split:])
    return hashlib.sha256(b"energy-ledger/node/v1\x00" + parts).digest()


@given(st.lists(st.lists(st.tuples(keys, st.binary(max_size=4)), min_size=1), min_size=1, max_size=8))
def test_the_root_is_that_of_the_definition_after_every_batch_of_changes(batches):
    tree, leaves = MerkleTree(), {}
    for batch in batches:
        for key, value in batch:
            tree.set(key, value)
            leaves[key] = value
        assert tree.root() == reference(sorted(leaves.items()))
        assert tree.root() == tree.root()


def test_the_vectors_hold():
    leaves = [(leaf["key"].encode(), leaf["value"].encode()) for leaf in VECTORS["leaves"]]
    for leaf, vector in zip(leaves, VECTORS["leaves"], strict=True):
        assert reference([leaf]).hex() == vector["digest"]
    for vector in VECTORS["trees"]:
        tree = MerkleTree()
        for key, value in leaves[: vector["leaves"]]:
            tree.set(key, value)
        assert tree.root().hex() == vector["root"]
        assert reference(sorted(leaves[: vector["leaves"]])).hex() == vector["root"]
