"""What the retention study leaves: two tables and two pictures."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .config import RetentionData

Floats = NDArray[np.float64]


def plot(data: RetentionData, *, ax: Axes | None = None) -> Figure:
    """The grid's retention lines, one for each stake share."""
    from matplotlib.figure import Figure

    ax = ax if ax is not None else Figure(figsize=(7, 6), layout="constrained").add_subplot()
    for share, needed in zip(data.config.grid_stake_shares, data.grid_needed, strict=True):
        ax.plot(needed, data.utilities, label=f"{share:.2f}", linewidth=2.5 if share == 0.6 else 1.2)
    ax.set(xlabel="least honest utility", ylabel="cabal's weight on itself", xlim=(0, 1), ylim=(0, 1))
    ax.set_title(f"What an honest majority needs to keep its share ({data.config.grid.name})")
    ax.legend(title="honest stake", fontsize="small")
    ax.grid(alpha=0.3)
    return _figure_of(ax)


def plot_lines(data: RetentionData, names: Sequence[str] | None = None, *, ax: Axes | None = None) -> Figure:
    """Single settings with their intervals; published values as crosses."""
    from matplotlib.figure import Figure

    ax = ax if ax is not None else Figure(figsize=(7, 6), layout="constrained").add_subplot()
    for line in data.lines:
        if names is not None and line.setting.name not in names:
            continue
        value = _floats(estimate.value for estimate in line.needed)
        low = _floats(estimate.low for estimate in line.needed)
        high = _floats(estimate.high for estimate in line.needed)
        (drawn,) = ax.plot(value, line.cabal_utility, label=line.setting.name)
        ax.fill_betweenx(line.cabal_utility, low, high, alpha=0.2, color=drawn.get_color())
        if line.published is not None:
            ax.plot(line.published, line.cabal_utility, "x", color=drawn.get_color())
    ax.set(xlabel="least honest utility", ylabel="cabal's weight on itself", xlim=(0, 1), ylim=(0, 1))
    ax.set_title("The same by setting; crosses are published")
    ax.legend(fontsize="x-small")
    ax.grid(alpha=0.3)
    return _figure_of(ax)


def write_csv(data: RetentionData, out: Path) -> tuple[Path, Path]:
    """`retention_grid.csv` and `retention_lines.csv` in the folder `out`; returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    grid, lines = out / "retention_grid.csv", out / "retention_lines.csv"
    with grid.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["stake_share", "cabal_utility", "honest_utility", "honest_emission"])
        for i, share in enumerate(data.config.grid_stake_shares):
            for j, cabal in enumerate(data.utilities):
                for k, honest in enumerate(data.utilities):
                    writer.writerow([share, f"{cabal:.4g}", f"{honest:.4g}", f"{data.honest_emission[i, j, k]:.6f}"])
    with lines.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["setting", "cabal_utility", "needed", "low", "high", "draws", "published", "same_draw"])
        for line in data.lines:
            published = line.published or (None,) * len(line.needed)
            for cabal, needed, known, draws in zip(line.cabal_utility, line.needed, published, line.draws, strict=True):
                figures = [None if x is None else f"{x:.4f}" for x in (needed.value, needed.low, needed.high)]
                writer.writerow([line.setting.name, f"{cabal:.4g}", *figures, needed.n, known, f"{draws[0]:.4f}"])
    return grid, lines


def _floats(values: Any) -> Floats:
    return np.array([np.nan if value is None else value for value in values])


def _figure_of(ax: Axes) -> Figure:
    from matplotlib.figure import Figure

    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
