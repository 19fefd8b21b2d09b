"""Time-locked weights: committed in one block, opened by themselves in a later one.

On the chain a commit is encrypted until a public randomness beacon reaches its round. Here the weights simply lie in
the queue until then, which gives the same payouts and hides nothing from a program that looks.

    queue = TimelockQueue().commit(uid=0, weights=[(3, 65535)], block=100, reveal_block=460)
    revealed = queue.reveal(460)
    revealed.rows, revealed.queue.commit_blocks(n=4)       # the latter for SubnetState(commit_block=...)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.errors import StateError
from consensus.yuma.state import NO_COMMIT


def reveal_block(commit_block: int, tempo: int, interval: int = 1) -> int:
    """Return the block that opens a commit: so many tempos later."""
    return commit_block + tempo * interval


@dataclass(frozen=True, slots=True)
class TimelockedWeights:
    """One hidden row of weights."""

    uid: int
    weights: tuple[tuple[int, int], ...]
    """Pairs of uid and u16."""
    commit_block: int
    reveal_block: int

    def masked(self, registered_at: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Return the row without miners that registered after the commit: their uids belonged to others."""
        return tuple((uid, value) for uid, value in self.weights if registered_at[uid] <= self.commit_block)


@dataclass(frozen=True, slots=True)
class TimelockQueue:
    """All weights that are still hidden, in the order of their commits."""

    waiting: tuple[TimelockedWeights, ...] = ()

    def commit(self, uid: int, weights: Sequence[tuple[int, int]], block: int, reveal_block: int) -> "TimelockQueue":
        """Return the queue with another commit."""
        if reveal_block <= block:
            raise StateError(f"reveal block {reveal_block}; allowed: after the commit in block {block}")
        return TimelockQueue((*self.waiting, TimelockedWeights(uid, tuple(weights), block, reveal_block)))

    def reveal(self, block: int) -> "Revealed":
        """Open what is due in this block; of several rows of one validator the last committed counts."""
        due = [entry for entry in self.waiting if entry.reveal_block <= block]
        rest = tuple(entry for entry in self.waiting if entry.reveal_block > block)
        return Revealed({entry.uid: entry for entry in due}, TimelockQueue(rest))

    def commit_blocks(self, n: int) -> NDArray[np.int64]:
        """Return each validator's earliest commit that still waits, `NO_COMMIT` for none; shape (n,)."""
        blocks = np.full(n, NO_COMMIT, np.int64)
        for entry in self.waiting:
            blocks[entry.uid] = min(int(blocks[entry.uid]), entry.commit_block)
        return blocks


@dataclass(frozen=True, slots=True)
class Revealed:
    """What a block opened, and the queue after it."""

    rows: Mapping[int, TimelockedWeights]
    """Rows by the uid of their validator."""
    queue: TimelockQueue
