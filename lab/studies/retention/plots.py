"""Charts of the retention study: the cabal's weight on itself against the least honest utility."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lab.report.palette import SERIES
from lab.report.plotting import figure_of, head, legend_above, styled

from .guarantee import RetentionData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = ("solid", (0, (4, 2)), (0, (1, 1.5)))


def draw_grid(data: RetentionData, ax: Axes) -> Figure:
    """Draw the grid, one line for each honest stake share."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    shares = data.config.grid_stake_shares
    ramp = LinearSegmentedColormap.from_list("shares", SERIES[:2])
    with styled():
        for place, (share, needed) in enumerate(zip(shares, data.grid_needed, strict=True)):
            colour = to_hex(ramp(place / max(1, len(shares) - 1)))
            name, width = f"honest stake {share:.2f}", 2.4 if share == 0.6 else 1.2
            ax.plot(needed, data.utilities, color=colour, label=name, linewidth=width)
        _axes(ax)
    return figure_of(ax)


def draw_settings(data: RetentionData, ax: Axes) -> Figure:
    """Draw one line with its interval for each setting; crosses are published points."""
    styles = [(colour, dash) for dash, colour in product(DASHES, SERIES)]
    with styled():
        for place, line in enumerate(data.lines):
            colour, dash = styles[place % len(styles)]
            value, low, high = (
                np.array([np.nan if end is None else end for end in ends])
                for ends in zip(*((each.value, each.low, each.high) for each in line.needed), strict=True)
            )
            ax.plot(value, line.cabal_utility, color=colour, linestyle=dash, linewidth=1.3, label=line.setting.name)
            ax.fill_betweenx(line.cabal_utility, low, high, alpha=0.15, color=colour, linewidth=0)
            if line.published is not None:
                ax.plot(line.published, line.cabal_utility, "x", color=colour, markersize=5)
        _axes(ax)
    return figure_of(ax)


def _axes(ax: Axes) -> None:
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_xlabel("least honest utility")
    head(ax, "the cabal's weight on itself")
    ax.grid(axis="both")
    ax.set_axisbelow(True)
    legend_above(ax)
