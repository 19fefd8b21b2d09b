"""A subnet on the chain: its rules, its neurons, their weights and bonds, and its pending emission.

A neuron's uid is its position in every column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from consensus.yuma.rows import Rows

from .hyperparameters import Hyperparameters


@dataclass(frozen=True, slots=True)
class Row:
    """The weights that one validator set, including zeros."""

    uids: NDArray[np.uint16]
    """(k,) ascending"""
    values: NDArray[np.uint16]
    """(k,)"""

    @classmethod
    def of(cls, uids: Sequence[int], values: Sequence[int]) -> "Row":
        """Sort whole numbers within u16 by uid."""
        order = np.argsort(np.asarray(uids, np.uint16), kind="stable")
        return cls(np.asarray(uids, np.uint16)[order], np.asarray(values, np.uint16)[order])


@dataclass(frozen=True, slots=True)
class Axon:
    """Address at which a neuron answers."""

    ip: str
    port: int
    protocol: int
    version: int
    block: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The hash of a hidden row, and when it was committed."""

    hash: str
    block: int
    epoch: int


@dataclass(slots=True)
class Subnet:
    """State of one subnet. Lists are columns by uid."""

    netuid: int
    owner: str
    owner_hotkey: str | None
    created_at: int
    hyperparameters: Hyperparameters
    locked_rao: int = 0
    pending_rao: int = 0
    """Minted but not yet paid out."""
    epochs: int = 0
    last_epoch_block: int = 0
    last_mechanism_block: int = 0
    """Last block whose epoch really ran; 0 if none did."""
    burn_rao: int = 0
    burn_block: int = 0
    """Block at which the price was `burn_rao`."""
    difficulty: int = 0
    adjusted_at: int = 0
    burns_this_interval: int = 0
    pows_this_interval: int = 0
    registered_in_block: tuple[int, int] = (0, 0)
    """A block, and the number of registrations in it."""

    hotkeys: list[str] = field(default_factory=list)
    registered_at: list[int] = field(default_factory=list)
    last_update: list[int] = field(default_factory=list)
    validator_permit: list[bool] = field(default_factory=list)
    active: list[bool] = field(default_factory=list)
    stake_weight: list[int] = field(default_factory=list)
    consensus: list[int] = field(default_factory=list)
    incentive: list[int] = field(default_factory=list)
    dividends: list[int] = field(default_factory=list)
    validator_trust: list[int] = field(default_factory=list)
    emission: list[int] = field(default_factory=list)
    """Rao of the last epoch, before the owner's cut and takes; the lowest is pruned."""
    weights: dict[int, Row] = field(default_factory=dict)
    bonds: Rows = field(default_factory=lambda: Rows.empty(0))
    """Bonds of the neurons that took part in the last epoch."""
    axons: dict[int, Axon] = field(default_factory=dict)
    commits: dict[int, list[Commit]] = field(default_factory=dict)
    uids: dict[str, int] = field(default_factory=dict)
    """Uids by hotkey."""
    changed: bool = True
    changed_uids: set[int] = field(default_factory=set)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.hotkeys)

    @property
    def owner_uid(self) -> int | None:
        """Uid of the owner's hotkey, if it is registered."""
        return None if self.owner_hotkey is None else self.uids.get(self.owner_hotkey)

    def weight_rows(self) -> Rows:
        """Return all rows of weights, as the epoch reads them."""
        rows = [self.weights.get(uid) for uid in range(self.size)]
        sizes = [0 if row is None else len(row.uids) for row in rows]
        stored = [row for row in rows if row is not None]
        if not stored:
            return Rows.empty(self.size)
        return Rows(
            np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
            np.concatenate([row.uids for row in stored]),
            np.concatenate([row.values for row in stored]),
        )

    def bond_rows(self) -> Rows:
        """Return all rows of bonds, with empty ones for neurons that have registered since the last epoch."""
        new = self.size - self.bonds.n
        if new == 0:
            return self.bonds
        ends = np.concatenate((self.bonds.indptr, np.full(new, self.bonds.indptr[-1])))
        return Rows(ends, self.bonds.indices, self.bonds.values)

    def touch(self, *uids: int) -> None:
        """Mark the subnet and these neurons for saving."""
        self.changed = True
        self.changed_uids.update(uids)

    def append(self, hotkey: str, block: int) -> int:
        """Add a neuron at the next free uid and return the uid."""
        uid = self.size
        self.hotkeys.append(hotkey)
        self.uids[hotkey] = uid
        for name, value in _blank(block).items():
            getattr(self, name).append(value)
        self.touch(uid)
        return uid

    def replace(self, uid: int, hotkey: str, block: int) -> None:
        """Give a uid to another hotkey: its columns are reset, and others' weights on it become zero.

        Bonds on it stay stored; the epoch masks them because they are older than the registration.
        """
        del self.uids[self.hotkeys[uid]]
        self.hotkeys[uid] = hotkey
        self.uids[hotkey] = uid
        for name, value in _blank(block).items():
            getattr(self, name)[uid] = value
        self.weights.pop(uid, None)
        self.axons.pop(uid, None)
        self.commits.pop(uid, None)
        self.bonds = self.bonds.without(rows=[uid])
        for validator, row in self.weights.items():
            if (cell := row.uids == uid).any():
                self.weights[validator] = Row(row.uids, np.where(cell, 0, row.values).astype(np.uint16))
                self.touch(validator)
        self.touch(uid)


def _blank(block: int) -> Mapping[str, int | bool]:
    return {
        "registered_at": block,
        "last_update": block,
        "validator_permit": False,
        "active": True,
        "stake_weight": 0,
        "consensus": 0,
        "incentive": 0,
        "dividends": 0,
        "validator_trust": 0,
        "emission": 0,
    }
