"""Dishonest homes: they run the honest code, and say something else than it tells them to."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, get_args

from energy_ledger.dag.blocks import Block, BlockRef, Draft, Payload, sign_block
from simulation.faults.homes import Home

type Lie = Literal["two blocks", "to some only", "late", "garbage", "flood", "false votes"]
LIES: tuple[Lie, ...] = get_args(Lie.__value__)


@dataclass
class Liar(Home):
    """Tells one kind of lie in every round, until it is honest at last."""

    lie: Lie | None = "two blocks"

    def say(self, block: Block) -> None:
        """Say something else than an honest home would."""
        if self.lie is None:
            super().say(block)
            return
        tell = {
            "two blocks": self._say_two,
            "to some only": self._say_to_some,
            "late": self._say_late,
            "garbage": self._say_garbage,
            "flood": self._flood,
            "false votes": self._vote_falsely,
        }[self.lie]
        tell(block)

    def _say_two(self, block: Block) -> None:
        twin = self._variant(block, (*block.envelopes, b"twin"), block.votes)
        for other in self.street.others(self):
            self.street.send(self, other, twin if other.author % 2 else block)

    def _say_to_some(self, block: Block) -> None:
        for other in self.street.others(self):
            if other.author % 2:
                self.street.send(self, other, block)

    def _say_late(self, block: Block) -> None:
        for other in self.street.others(self):
            self.street.clock.after(3_000, partial(self.street.send, self, other, block))

    def _say_garbage(self, block: Block) -> None:
        noise = (b"", b"{}", b"\xff" * 40, b'{"payload":"{}","signatures":["00"]}')
        bad = self._variant(block, (*block.envelopes, *noise), (*block.votes, b"x"))
        self._say_to_all(bad)
        self._say_to_all(replace(bad, signature=bytes(64)))

    def _flood(self, block: Block) -> None:
        self._say_to_all(block)
        for ahead in range(1, 6) if block.round % 10 == 0 else ():
            far = block.round + 1_000 * ahead
            unknown = tuple(
                BlockRef(far - 1, author, bytes([ahead]) * 32) for author in range(self.street.size)
            )
            mine = unknown[self.author]
            ancestors = (mine, *(ref for ref in unknown if ref is not mine))
            self._say_to_all(self._sign(block, far, ancestors, Payload((b"flood",) * 5)))

    def _vote_falsely(self, block: Block) -> None:
        false = tuple(vote[:16] + bytes(32) + vote[48:] for vote in block.votes)
        self._say_to_all(self._variant(block, block.envelopes, false))

    def _variant(self, block: Block, envelopes: tuple[bytes, ...], votes: tuple[bytes, ...]) -> Block:
        return self._sign(block, block.round, block.ancestors, Payload(envelopes, votes))

    def _sign(self, block: Block, round_: int, ancestors: tuple[BlockRef, ...], payload: Payload) -> Block:
        draft = Draft(block.network, block.epoch, round_, self.author, block.timestamp, ancestors, payload)
        return sign_block(draft, self.key.seed)

    def _say_to_all(self, block: Block) -> None:
        for other in self.street.others(self):
            self.street.send(self, other, block)
