"""Charts of the design study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lab.report.palette import INK, SERIES
from lab.report.plotting import figure_of, head, legend_above, styled
from lab.statistics import Estimate

from .space import Design

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_front(
    designs: Sequence[Design],
    usd: Sequence[Estimate],
    misplaced: Sequence[Estimate],
    picks: Mapping[str, int],
    ax: Axes,
) -> Figure:
    """Draw misplaced pay by dollars, a colour for each grader, with the picked designs named."""
    graders = list(dict.fromkeys(design.grader.name for design in designs))
    with styled():
        for place, name in enumerate(graders):
            own = [number for number, design in enumerate(designs) if design.grader.name == name]
            for first, number in enumerate(own):
                x, y = usd[number].value or 0.0, misplaced[number].value or 0.0
                low, high = misplaced[number].low, misplaced[number].high
                colour = SERIES[place % len(SERIES)]
                ax.plot([x], [y], "o", color=colour, markersize=6, label=None if first else name)
                if low is not None and high is not None:
                    ax.plot([x, x], [low, high], color=colour, linewidth=1, alpha=0.6)
        for name, number in picks.items():
            at = usd[number].value or 0.0, misplaced[number].value or 0.0
            ax.annotate(name, at, xytext=(6, 5), textcoords="offset points", color=INK, fontsize=9)
        ax.set_xscale("log")
        ax.set_xlabel("dollars for an answer")
        head(ax, "misplaced share of the pay")
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)
