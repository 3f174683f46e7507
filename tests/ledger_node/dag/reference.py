"""The commit rule once more, slowly: straight from its text, sharing nothing with the code under test."""

from functools import cache
from typing import Any


def reference(drawing: dict[str, Any]) -> dict[str, Any]:
    n = drawing["committee"]
    f = (n - 1) // 3
    q = drawing.get("quorum", (n + f) // 2 + 1)
    blocks = {b["id"]: b for b in drawing["blocks"]}
    genesis = {f"G{a}": {"id": f"G{a}", "author": a, "round": 0, "ancestors": []} for a in range(n)}
    every = blocks | genesis
    top = max((b["round"] for b in blocks.values()), default=0)

    def at(round_: int) -> list[dict[str, Any]]:
        return [b for b in blocks.values() if b["round"] == round_]

    def votes_for(voter: dict[str, Any], leader: dict[str, Any]) -> bool:
        if voter["round"] != leader["round"] + 1:
            return False
        for ancestor in voter["ancestors"]:
            if (every[ancestor]["round"], every[ancestor]["author"]) == (leader["round"], leader["author"]):
                return ancestor == leader["id"]
        return False

    def certifies(block: dict[str, Any], leader: dict[str, Any]) -> bool:
        parents = [every[a] for a in block["ancestors"]]
        return block["round"] == leader["round"] + 2 and (
            len({p["author"] for p in parents if votes_for(p, leader)}) >= q
        )

    @cache
    def history(name: str) -> frozenset[str]:
        found = {name}
        for ancestor in every[name]["ancestors"]:
            found |= history(ancestor)
        return frozenset(found)

    @cache
    def decide(r: int) -> tuple[str, str | None, str | None]:
        leaders = sorted((b for b in at(r) if b["author"] == r % n), key=lambda b: b["id"])
        for leader in leaders:
            if len({b["author"] for b in at(r + 2) if certifies(b, leader)}) >= q:
                return "commit", leader["id"], "direct"
        above = at(r + 1)
        if len({b["author"] for b in above}) >= q and all(
            len({b["author"] for b in above if not votes_for(b, leader)}) >= q for leader in leaders
        ):
            return "skip", None, "direct"
        for higher in range(r + 3, top + 1):
            verdict, anchor, _ = decide(higher)
            if verdict == "undecided":
                break
            if anchor is not None:
                for leader in leaders:
                    if any(certifies(b, leader) and b["id"] in history(anchor) for b in at(r + 2)):
                        return "commit", leader["id"], "indirect"
                return "skip", None, "indirect"
        return "undecided", None, None

    sequence: list[str] = []
    for r in range(1, top + 1):
        verdict, leader_id, _ = decide(r)
        if verdict == "undecided":
            break
        if leader_id is not None:
            inside = [blocks[b] for b in history(leader_id) if b in blocks and blocks[b]["round"] >= r - 60]
            for block in sorted(inside, key=lambda b: (b["round"], b["author"], b["id"])):
                slots = {(blocks[b]["round"], blocks[b]["author"]) for b in sequence}
                if (block["round"], block["author"]) not in slots:
                    sequence.append(block["id"])
    decisions = []
    for r in range(1, top + 1):
        verdict, leader_id, rule = decide(r)
        decisions.append({"round": r, "leader": r % n, "decision": verdict, "block": leader_id, "rule": rule})
    return {"decisions": decisions, "sequence": sequence}
