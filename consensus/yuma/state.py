"""Input of an epoch: a subnet's stake, permits, blocks, and stored weight and bond rows.

    state = SubnetState.from_rows(stake=[9, 1, 0], validator_permit=[True, True, False],
                                  last_update=[990, 990, 0], registered_at=[0, 0, 0],
                                  weights={0: [(2, 65535)], 1: [(2, 65535)]}, block=1000, last_tempo=640)

A state is checked when it is created: every uid exists, none is named twice, nothing is negative,
fractional or too large. `StateError` names the value, what is allowed and the fix.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.errors import StateError

from .params import U16_MAX
from .rows import Rows, UidRows, whole_numbers

MAX_NEURONS = 65536
BLOCK_MAX = 2**62
NO_COMMIT = 2**63 - 1
"""Means "no unexpired commit" in `commit_block`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubnetState:
    """One subnet before an epoch; arrays of shape (n,), one entry per uid."""

    stake: NDArray[np.int64]
    """Stake weight in rao; its sum stays below 2^63."""
    validator_permit: NDArray[np.bool_]
    last_update: NDArray[np.int64]
    """Block of the last accepted weights."""
    registered_at: NDArray[np.int64]
    """Block of registration."""
    weights: Rows
    bonds: Rows
    block: int
    last_tempo: int
    """The block after the last epoch, or block - tempo if there was none: bonds on anyone registered since are void."""
    owner_uid: int | None = None
    """The subnet owner's uid: always permitted, may weigh itself, exempt from the stake threshold."""
    commit_block: NDArray[np.int64] | None = None
    """With commit-reveal: each validator's earliest unexpired commit, `NO_COMMIT` for none. None without it."""
    previous_consensus: NDArray[np.int64] | None = None
    """u16 consensus stored by the epoch before; None counts as zeros."""

    def __post_init__(self) -> None:
        n = _size(self.stake)
        _set(self, "stake", whole_numbers(self.stake, "stake", 0, 2**63 - 1))
        total = int(self.stake.astype(object).sum()) if self.stake.max() > 2**46 else int(self.stake.sum())
        if total >= 2**63:
            raise StateError(f"stake: the sum {total} rao overflows the chain's 2^63 - 1; scale the stakes down")
        permits = np.asarray(self.validator_permit)
        if permits.dtype != np.bool_:
            permits = whole_numbers(permits, "validator_permit", 0, 1).astype(np.bool_)
        _set(self, "validator_permit", permits)
        for name in ("last_update", "registered_at"):
            _set(self, name, whole_numbers(getattr(self, name), name, 0, BLOCK_MAX))
        if self.commit_block is not None:
            _set(self, "commit_block", whole_numbers(self.commit_block, "commit_block", 0, NO_COMMIT))
        if self.previous_consensus is not None:
            consensus = whole_numbers(self.previous_consensus, "previous_consensus", 0, U16_MAX)
            _set(self, "previous_consensus", consensus)
        for name in ("validator_permit", "last_update", "registered_at", "commit_block", "previous_consensus"):
            array = getattr(self, name)
            if array is not None and len(array) != n:
                raise StateError(f"{name}: {len(array)} entries for {n} uids; give one for each entry of stake")
        for name in ("weights", "bonds"):
            if getattr(self, name).n != n:
                raise StateError(f"{name}: {getattr(self, name).n} rows for {n} uids")
        for name in ("block", "last_tempo"):
            whole_numbers([getattr(self, name)], name, 0, BLOCK_MAX)
        if self.owner_uid is not None:
            whole_numbers([self.owner_uid], "owner_uid", 0, n - 1)

    @classmethod
    def from_rows(
        cls,
        *,
        stake: ArrayLike,
        validator_permit: ArrayLike,
        last_update: ArrayLike,
        registered_at: ArrayLike,
        weights: UidRows | Rows,
        bonds: UidRows | Rows | None = None,
        block: int,
        last_tempo: int,
        owner_uid: int | None = None,
        commit_block: ArrayLike | None = None,
        previous_consensus: ArrayLike | None = None,
    ) -> "SubnetState":
        """Build from lists and `{uid: [(uid, u16), ...]}` rows; raises `StateError` for what no chain could hold."""
        n = _size(stake)
        return cls(
            stake=whole_numbers(stake, "stake", 0, 2**63 - 1),
            validator_permit=np.asarray(validator_permit),
            last_update=whole_numbers(last_update, "last_update", 0, BLOCK_MAX),
            registered_at=whole_numbers(registered_at, "registered_at", 0, BLOCK_MAX),
            weights=weights if isinstance(weights, Rows) else Rows.from_mapping(weights, n, name="weights"),
            bonds=bonds if isinstance(bonds, Rows) else Rows.from_mapping(bonds or {}, n, name="bonds"),
            block=block,
            last_tempo=last_tempo,
            owner_uid=owner_uid,
            commit_block=None if commit_block is None else whole_numbers(commit_block, "commit_block", 0, NO_COMMIT),
            previous_consensus=(
                None
                if previous_consensus is None
                else whole_numbers(previous_consensus, "previous_consensus", 0, U16_MAX)
            ),
        )

    @property
    def n(self) -> int:
        """Number of neurons."""
        return len(self.stake)

    def replace(self, **changes: Any) -> "SubnetState":
        """Return the same state with some fields changed, checked again."""
        return replace(self, **changes)


def _size(stake: ArrayLike) -> int:
    n = np.asarray(stake).size
    if not 0 < n <= MAX_NEURONS:
        raise StateError(f"stake: {n} neurons; a subnet has 1 to {MAX_NEURONS}")
    return n


def _set(state: SubnetState, name: str, array: NDArray[Any]) -> None:
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    object.__setattr__(state, name, array)
