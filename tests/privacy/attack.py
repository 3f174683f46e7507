"""What a curious neighbour can do with a copy of its own node's disk."""

import json
import sqlite3
from collections import defaultdict
from compression.zstd import ZstdError
from contextlib import closing
from functools import cache

import numpy as np

from energy_ledger.dag.blocks import BlockError, decode_block
from energy_ledger.storage.packs import unpack


def cells(path):
    """Yield every value in every table of a database as bytes; of packs and blocks also what is in them."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):
                for cell in row:
                    if isinstance(cell, int):
                        yield str(cell).encode()
                    elif isinstance(cell, str):
                        yield cell.encode()
                    elif cell is not None:
                        yield cell
                        yield from opened(cell)


def opened(blob):
    """Yield what lies in a pack of rows or in a block."""
    try:
        yield from unpack(blob)
    except ZstdError:
        try:
            yield from decode_block(blob).envelopes
        except BlockError:
            return


def files(folder):
    """Yield the content of every file in a directory, as it is."""
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.read_bytes()


@cache
def everything(folder):
    """Return all bytes of a directory: its files, and the cells, packs and blocks of its databases."""
    texts = [*files(folder)]
    for database in folder.rglob("*.db"):
        texts += cells(database)
    return b"\n".join(texts)


def holds(folder, needles):
    """Return which of some byte strings occur anywhere."""
    return [needle for needle in needles if needle in everything(folder)]


@cache
def objects(path):
    """Return every JSON object anywhere in a database with its text, payloads of envelopes included."""
    found = []
    for cell in cells(path):
        try:
            tree = json.loads(cell)
        except ValueError:
            continue
        found += [(one, json.dumps(one)) for one in _objects(tree)]
    return found


def _objects(tree):
    if isinstance(tree, dict):
        yield tree
        if isinstance(payload := tree.get("payload"), str):
            yield from _objects(json.loads(payload))
    for value in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _objects(value)


def features(path, home, slots):
    """Collect every number that the disk connects with a home and a slot: a series per kind of number."""
    series = defaultdict(lambda: dict.fromkeys(slots, 0.0))
    for found, text in objects(path):
        if home.asset not in text and home.person.address not in text:
            continue
        if found.get("slot") in series[()]:
            for name, value in numbers(found):
                series["at", name][found["slot"]] += value
        for name, value in by_slot(found):
            for slot, wh in value.items():
                if int(slot) in series[()] and isinstance(wh, int):
                    series["map", name][int(slot)] += wh
    del series[()]
    return {name: np.array([values[slot] for slot in slots]) for name, values in series.items()}


def numbers(found, prefix=""):
    for name, value in found.items():
        if isinstance(value, int) and not isinstance(value, bool):
            yield prefix + name, value
        elif isinstance(value, dict):
            yield from numbers(value, f"{prefix}{name}.")


def by_slot(found):
    """Yield the objects that map slots to something."""
    for name, value in found.items():
        if isinstance(value, dict) and value and all(key.isdecimal() for key in value):
            yield name, value


def beyond(values, known):
    """Return what is left of a series when all that follows linearly from known ones is taken away."""
    base = np.column_stack([np.ones(len(values)), *known])
    return values - base @ np.linalg.lstsq(base, values, rcond=None)[0]


def correlation(series, target, known):
    """Return how far a series tells a target beyond what is known already: between 0 and 1."""
    left, right = beyond(series, known), beyond(target, known)
    scale = np.linalg.norm(left) * np.linalg.norm(right)
    if np.linalg.norm(left) <= 1e-9 * max(1.0, np.linalg.norm(series)):
        return 0.0
    return float(abs(left @ right) / scale)


def rebuilt(found, target, known):
    """Learn the curve from half of the slots and all numbers; return the share of the other half explained.

    Ridge regression; at most 1, and not above 0 where nothing is learnt that holds elsewhere.
    """
    rows = np.column_stack([np.ones(len(target)), *known, *found.values()])
    rows = rows / np.maximum(1e-12, np.abs(rows).max(axis=0))
    learn, test = np.arange(len(target)) % 2 == 0, np.arange(len(target)) % 2 == 1
    square = rows[learn].T @ rows[learn] + 1e-6 * np.eye(rows.shape[1])
    weights = np.linalg.solve(square, rows[learn].T @ target[learn])
    missed = np.sum((target[test] - rows[test] @ weights) ** 2)
    return 1 - float(missed / np.sum((target[test] - target[learn].mean()) ** 2))
