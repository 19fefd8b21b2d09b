"""Every intermediate of an epoch, by name.

    trace = run_epoch(state, params, emission).trace()
    trace.names
    trace["consensus"]          # (n,) floats
    trace["weights_for_bonds"]  # (n, n) floats, row = validator
    trace.bits("alpha")         # the same as raw I32F32 integers

A cell that the epoch does not store is 0 in a matrix; `trace.cells(name)` lists the stored ones, which shows the
difference between an explicit zero and an absent cell.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VECTORS = (
    "stake",
    "active_stake",
    "consensus",
    "validator_trust",
    "incentive",
    "dividends",
    "rank",
    "trust",
    "server_share",
    "validator_share",
    "combined_share",
)
"""Rows of the kernel's output, in order."""

WEIGHT_CELLS = ("weights", "clipped_weights", "weights_for_bonds")
"""Step 10's row-normalised weights after every mask, step 13's, step 15's."""

BOND_CELLS = ("old_bonds", "bond_targets", "alpha", "bonds", "normalised_bonds")
"""Step 16: the old bond and what it moves towards, both on the scale of the version (proportions of the column, or of
65535 for "yuma3"), the rate, the bond after the move, and the column-normalised bond that determines dividends."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Stored cells of one matrix."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    bits: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The intermediates of one epoch, exact."""

    n: int
    vectors: dict[str, NDArray[np.int64]]
    matrices: dict[str, Cells]

    @property
    def names(self) -> tuple[str, ...]:
        """All names, vectors first."""
        return (*self.vectors, *self.matrices)

    def cells(self, name: str) -> Cells:
        """Return the cells of one matrix."""
        return self.matrices[name]

    def bits(self, name: str) -> NDArray[np.int64]:
        """Return I32F32 integers, (n,) or (n, n)."""
        if name in self.vectors:
            return self.vectors[name]
        if name not in self.matrices:
            raise KeyError(f"{name}: not part of an epoch; known: {', '.join(self.names)}")
        cells = self.matrices[name]
        dense = np.zeros((self.n, self.n), np.int64)
        dense[cells.rows, cells.columns] = cells.bits
        return dense

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return the values as float64, (n,) or (n, n)."""
        return self.bits(name) / 2.0**32


def trace_of(
    bits: NDArray[np.int64], cells: NDArray[np.int64], per_cell: NDArray[np.int64], weight_cells: int, bond_cells: int
) -> Trace:
    """Build a trace from the kernel's recordings."""
    matrices: dict[str, Cells] = {}
    for index, name in enumerate(WEIGHT_CELLS):
        values = per_cell[index, :weight_cells]
        present = values >= 0  # -1 marks a cell that the sparse epoch drops
        matrices[name] = Cells(cells[0, :weight_cells][present], cells[1, :weight_cells][present], values[present])
    for index, name in enumerate(BOND_CELLS, start=len(WEIGHT_CELLS)):
        matrices[name] = Cells(cells[2, :bond_cells], cells[3, :bond_cells], per_cell[index, :bond_cells])
    return Trace(bits.shape[1], dict(zip(VECTORS, bits, strict=True)), matrices)
