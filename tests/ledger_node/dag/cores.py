"""Single cores to try out: with signed blocks of a drawn DAG, and what they answer."""

from typing import Any

from energy_ledger.dag.blocks import (
    EMPTY,
    Block,
    Draft,
    Payload,
    genesis_refs,
    sign_block,
)
from energy_ledger.dag.core import Core
from energy_ledger.dag.effects import (
    Build,
    Commit,
    Effect,
)
from energy_ledger.dag.ordering import Position
from energy_ledger.dag.pacemaker import Pace
from tests.ledger_node.dag.drawing import LETTERS, draw
from tests.ledger_node.dag.street import NETWORK, START, seed_of, settings_of

TWINS = """
1 | A B      C       D D'
2 | A B C(CABD')     D
3 | A B C       D
4 | A B C       D
"""
"""A DAG in which one author shows two blocks of a round."""


def signed(drawing: dict[str, Any], payload: Payload | None = None, time: int = START) -> dict[str, Block]:
    """Sign the blocks of a drawing; round r has the time START + 1000 r."""
    n = drawing["committee"]
    refs = {f"G{author}": ref for author, ref in enumerate(genesis_refs(NETWORK, 0, n))}
    blocks: dict[str, Block] = {}
    for one in drawing["blocks"]:
        draft = Draft(
            NETWORK,
            0,
            one["round"],
            one["author"],
            time + 1_000 * one["round"],
            tuple(refs[name] for name in one["ancestors"]),
            payload or Payload((one["id"].encode(),)),
        )
        blocks[one["id"]] = sign_block(draft, seed_of(one["author"]))
        refs[one["id"]] = blocks[one["id"]].ref
    return blocks


def full(n: int, rounds: int) -> dict[str, Any]:
    return draw(n, "\n".join(f"{round_} | {' '.join(LETTERS[:n])}" for round_ in range(1, rounds + 1)))


def observer(n: int) -> Core:
    return Core(settings_of(n, None), Position(time=START))


def validator(n: int, author: int = 0, pace: Pace | None = None) -> Core:
    return Core(settings_of(n, author, pace), Position(time=START))


def give(core: Core, blocks: list[Block], now: int = START + 100_000) -> list[Effect]:
    return [effect for block in blocks for effect in core.accept(block, now)]


def of[T](effects: list[Effect], kind: type[T]) -> list[T]:
    return [effect for effect in effects if isinstance(effect, kind)]


def rounds_asked(effects: list[Effect]) -> list[int]:
    return [build.round for build in of(effects, Build)]


def names(commits: list[Commit]) -> list[str]:
    return [one.decode() for commit in commits for block in commit.blocks for one in block.envelopes]


def answer_all(core: Core, effects: list[Effect], payload: Payload = EMPTY, now: int = START) -> list[Effect]:
    """Answer every Build, the first with the payload; return all effects."""
    seen = list(effects)
    while of(effects, Build):
        effects = core.propose(payload, False, now)
        payload = EMPTY
        seen += effects
    return seen
