"""Charts of the ecology study: the phase diagram, and the course of evolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lab.report.palette import INK, PAPER, SERIES
from lab.report.plotting import figure_of, head, legend_above, styled

from .evolution import Cell, EcologyData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_phases(data: EcologyData, cells: Sequence[Cell], ax: Axes) -> Figure:
    """Draw the share of cheaters as shaded squares with their percentages, and the closed form's boundary."""
    from matplotlib.colors import LinearSegmentedColormap

    config = data.config
    costs, detections = np.array(config.cheating_costs), np.array(config.detections)
    shares = np.array([cell.cheaters.value or 0.0 for cell in cells]).reshape(len(detections), len(costs))
    with styled():
        ramp = LinearSegmentedColormap.from_list("shares", (PAPER, SERIES[1]))
        ax.imshow(shares, cmap=ramp, vmin=0, vmax=1, origin="lower", aspect="auto")
        for row, column in np.ndindex(shares.shape):
            ax.text(column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", color=INK)
        boundary = 1 - config.mean_quality * (costs + 1 - config.working_cost)
        places = np.interp(boundary, detections, np.arange(len(detections)), left=np.nan, right=np.nan)
        ax.plot(np.arange(len(costs)), places, color=INK, linewidth=1.2, linestyle="--")
        ax.set_xticks(range(len(costs)), [f"{cost:g}" for cost in costs])
        ax.set_yticks(range(len(detections)), [f"{detection:g}" for detection in detections])
        ax.set_xlabel("cost of cheating, in mean pay")
        head(ax, "grader's chance to see through a cheated answer; squares: % of miners that cheat")
    return figure_of(ax)


def draw_course(data: EcologyData, names: Mapping[int | None, str], ax: Axes) -> Figure:
    """Draw the shares of cheaters and copiers by generation, over all conditions, for each kind of validation."""
    generations = np.arange(1, data.config.generations + 1)
    with styled():
        for place, (hidden, name) in enumerate(names.items()):
            members = [number for number, cell in enumerate(data.cells) if cell.concealment == hidden]
            colour = SERIES[place % len(SERIES)]
            ax.plot(generations, data.cheaters[:, members].mean(axis=(1, 2)), color=colour, linewidth=1.5, label=name)
            if hidden is not None:
                copiers = data.copiers[:, members].mean(axis=(1, 2))
                ax.plot(generations, copiers, color=colour, linewidth=1.2, linestyle="--")
        ax.set_ylim(0, 1)
        ax.set_xlabel("generation")
        head(ax, "share of the miners that cheat, and of the validators that copy")
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)
