"""Sparse u16 rows, as the chain stores weights and bonds: for each uid, other uids with a u16 each.

    Rows.from_mapping({0: [(2, 65535), (3, 100)]}, n=4).to_mapping()

An explicit zero is not the same as an absent cell, and is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.errors import StateError

from .params import U16_MAX

UidRows = Mapping[int, Iterable[tuple[int, int]]]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Compressed rows: row i is `indices[indptr[i]:indptr[i+1]]` with matching `values`, uids ascending."""

    indptr: NDArray[np.int64]
    """(n + 1,)"""
    indices: NDArray[np.uint16]
    """(cells,) the uid that each cell is about"""
    values: NDArray[np.uint16]
    """(cells,)"""

    def __post_init__(self) -> None:
        for array in (self.indptr, self.indices, self.values):
            array.flags.writeable = False

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("indptr", "indices", "values")
        )

    @classmethod
    def empty(cls, n: int) -> "Rows":
        """Return n rows without a cell."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.uint16))

    @classmethod
    def from_mapping(cls, rows: UidRows, n: int, *, name: str = "weights") -> "Rows":
        """Build from rows by uid, in any order; a `StateError` names the row and the cell it refuses."""
        indptr = np.zeros(n + 1, np.int64)
        indices: list[NDArray[np.uint16]] = []
        values: list[NDArray[np.uint16]] = []
        for uid in sorted(rows):
            if isinstance(uid, bool) or not 0 <= uid < n:
                raise StateError(f"{name}[{uid}]: no such uid; this subnet has uids 0 to {n - 1}")
            cells = _cells(rows[uid], f"{name}[{uid}]")
            targets = whole_numbers(cells[:, 0], f"{name}[{uid}] uids", 0, n - 1)
            row = whole_numbers(cells[:, 1], f"{name}[{uid}] values", 0, U16_MAX)
            order = np.argsort(targets, kind="stable")
            targets = targets[order]
            twice = np.flatnonzero(targets[1:] == targets[:-1])
            if len(twice):
                raise StateError(f"{name}[{uid}]: uid {targets[twice[0]]} is named twice; give each uid once")
            indptr[uid + 1] = len(targets)
            indices.append(targets.astype(np.uint16))
            values.append(row[order].astype(np.uint16))
        if not indices:
            return cls.empty(n)
        return cls(np.cumsum(indptr), np.concatenate(indices), np.concatenate(values))

    @classmethod
    def from_dense(cls, matrix: ArrayLike, *, keep_zeros: bool = False, name: str = "weights") -> "Rows":
        """Build from (n, n) or, with the missing rows empty, (rows, n) whole numbers in 0..65535."""
        dense = np.asarray(matrix)
        if dense.ndim != 2 or dense.shape[0] > dense.shape[1]:
            raise StateError(f"{name}: shape {dense.shape} is not (rows, n) with at most n rows")
        count, n = dense.shape
        flat = whole_numbers(dense.reshape(-1), name, 0, U16_MAX)
        present = np.ones(len(flat), np.bool_) if keep_zeros else flat > 0
        counts = np.zeros(n + 1, np.int64)
        counts[1 : count + 1] = present.reshape(count, n).sum(axis=1)
        columns = np.tile(np.arange(n, dtype=np.uint16), count)
        return cls(np.cumsum(counts), columns[present], flat[present].astype(np.uint16))

    def to_mapping(self) -> dict[int, list[tuple[int, int]]]:
        """Return the rows that hold a cell, by uid."""
        bounds = self.indptr.tolist()
        cells = list(zip(self.indices.tolist(), self.values.tolist(), strict=True))
        return {uid: cells[a:b] for uid, (a, b) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)) if b > a}

    def to_dense(self) -> NDArray[np.uint16]:
        """Return an (n, n) matrix with absent cells as 0."""
        dense = np.zeros((self.n, self.n), np.uint16)
        dense[np.repeat(np.arange(self.n), np.diff(self.indptr)), self.indices] = self.values
        return dense

    def without(self, *, rows: Iterable[int] = (), columns: Iterable[int] = ()) -> "Rows":
        """Return the same rows with some uids' rows emptied and the cells about some uids removed."""
        owner = np.repeat(np.arange(self.n), np.diff(self.indptr))
        remaining = ~(np.isin(owner, list(rows)) | np.isin(self.indices, list(columns)))
        counts = np.bincount(owner[remaining], minlength=self.n)
        return Rows(np.concatenate(([0], np.cumsum(counts))), self.indices[remaining], self.values[remaining])


def whole_numbers(values: ArrayLike, name: str, low: int, high: int) -> NDArray[np.int64]:
    """Return (n,) int64 within low..high <= 2^63 - 1; a `StateError` names the first value that is not."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise StateError(f"{name}: shape {array.shape} is not a list of numbers")
    if array.dtype.kind not in "biu" or array.dtype == np.uint64:
        # the caller's own values, because numpy turns a list that holds one number over 2^63 into floats
        entries: Any = array.tolist() if isinstance(values, np.ndarray) else values
        for position, value in enumerate(entries):
            if isinstance(value, bool) or not isinstance(value, int | float | np.integer) or value % 1 != 0:
                raise StateError(f"{name}[{position}]: {value!r} is not a whole number; allowed: {low} to {high}")
            if not low <= value <= high:
                raise StateError(f"{name}[{position}]: {value!r} is outside {low} to {high}")
    elif array.size and (int(array.min()) < low or int(array.max()) > high):
        position = int(np.flatnonzero((array < low) | (array > high))[0])
        raise StateError(f"{name}[{position}]: {array[position]} is outside {low} to {high}")
    return array.astype(np.int64)


def _cells(pairs: Any, name: str) -> NDArray[Any]:
    cells = np.asarray(pairs if isinstance(pairs, np.ndarray) else list(pairs))
    if cells.size == 0:
        return np.zeros((0, 2), np.int64)
    if cells.ndim != 2 or cells.shape[1] != 2:
        raise StateError(f"{name}: shape {cells.shape} is not a list of (uid, value) pairs")
    return cells
