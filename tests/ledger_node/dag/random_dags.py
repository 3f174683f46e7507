"""Random DAGs: some that a committee could have made, some that nobody could."""

from random import Random
from typing import Any


def quorum(n: int) -> int:
    return (n + (n - 1) // 3) // 2 + 1


def possible_dag(
    random: Random, n: int, rounds: int, liars: int, parents: int | None = None
) -> dict[str, Any]:
    """A DAG that keeps the block rules; the last `liars` authors make up to three blocks a round.

    `parents` takes the place of the quorum of ancestors that a block must have.
    """
    honest = n - liars
    least = quorum(n) if parents is None else parents
    patience = random.choice([0.0, 0.2, 0.5])
    newest: dict[int, list[dict[str, Any]]] = {
        a: [{"id": f"G{a}", "author": a, "round": 0, "ancestors": []}] for a in range(n)
    }
    blocks: list[dict[str, Any]] = []
    for round_ in range(1, rounds + 1):
        present = [a for a in range(n) if newest[a][0]["round"] == round_ - 1]
        awake = [a for a in range(n) if random.random() >= patience]
        while len(awake) < least:
            awake.append(random.choice([a for a in range(n) if a not in awake]))
        made: dict[int, list[dict[str, Any]]] = {}
        for author in sorted(awake):
            for variant in range(1 if author < honest else random.randint(1, 3)):
                chosen = random.sample(present, random.randint(least, len(present)))
                older = [a for a in range(n) if a not in present and random.random() < 0.3]
                others = [a for a in chosen + older if a != author]
                random.shuffle(others)
                ancestors = [random.choice(newest[a])["id"] for a in [author, *others]]
                name = f"{round_}.{chr(ord('z') - author)}{random.choice('abc')}{variant}"
                made.setdefault(author, []).append(
                    {"id": name, "author": author, "round": round_, "ancestors": ancestors}
                )
        newest |= made
        blocks += [block for variants in made.values() for block in variants]
    return {"committee": n, "blocks": blocks}


def wild_dag(random: Random) -> dict[str, Any]:
    """A DAG that keeps the format of `replay-dag` and nothing else."""
    n = random.randint(1, 10)
    step = random.choice([1, 1, 1, 2, 5, 25])
    blocks: list[dict[str, Any]] = []
    round_ = 1
    for number in range(random.randint(0, 45)):
        author = random.randrange(n)
        lower = [b["id"] for b in blocks if b["round"] < round_] + [f"G{a}" for a in range(n)]
        near = [b["id"] for b in blocks if b["round"] == round_ - 1] or lower
        listed = random.sample(near, random.randint(0, len(near)))
        listed += random.choices(lower, k=random.choice([0, 0, 1, 2]))
        name = f"{random.choice('abcdefgh')}{number}"
        blocks.append({"id": name, "author": author, "round": round_, "ancestors": listed})
        if random.random() < 1.2 / n:
            round_ += random.randint(1, step)
    drawing: dict[str, Any] = {"committee": n, "blocks": blocks}
    if random.random() < 0.3:
        drawing["quorum"] = random.randint(1, n)
    return drawing


def causal_part(random: Random, drawing: dict[str, Any]) -> dict[str, Any]:
    """What somebody may have received so far: a random part of the blocks that holds all their ancestors."""
    here = {f"G{a}" for a in range(drawing["committee"])}
    loss = random.choice([0.02, 0.05, 0.15, 0.3])
    end = random.randint(1, len(drawing["blocks"])) if random.random() < 0.5 else len(drawing["blocks"])
    part = []
    for block in drawing["blocks"][:end]:
        if random.random() >= loss and here.issuperset(block["ancestors"]):
            here.add(block["id"])
            part.append(block)
    return drawing | {"blocks": part}
