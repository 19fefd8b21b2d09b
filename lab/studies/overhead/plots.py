"""Charts of the overhead study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.report.palette import INK, MUTED, PAPER, SERIES, part_colour
from lab.report.plotting import figure_of, head, legend_above, log_ticks, styled
from lab.statistics import Estimate

from .known_networks import Network
from .points import GridPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_overhead(points: Sequence[GridPoint], billed: Sequence[tuple[Network, Estimate]], ax: Axes) -> Figure:
    """Draw overhead by N on logarithmic axes, for both readings of what a customer wants.

    If every validator's task is wanted, V hardly matters and the lines lie on each other. Dashed are those of a
    customer who wants one validator's task, while the others only check.
    """
    with styled():
        for place, validators in enumerate(sorted({point.validators for point in points})):
            line = [point for point in points if point.validators == validators]
            colour = SERIES[place % len(SERIES)]
            _line(
                ax, [(point.miners, point.overhead["cpu_s"]) for point in line], colour, f"V={validators}, all wanted"
            )
            if validators > 1:
                marks = [(point.miners, point.apart) for point in line]
                _line(ax, marks, colour, f"V={validators}, one wanted", linestyle="--")
        for network, overhead in billed:
            if overhead.value is None:
                continue
            _interval(ax, network.runs, overhead, MUTED)
            ax.plot([network.runs], [overhead.value], marker="x", color=MUTED, linestyle="none", clip_on=False)
            ax.annotate(
                network.name,
                (network.runs, overhead.value),
                xytext=(-6, 4),
                textcoords="offset points",
                ha="right",
                color=MUTED,
                fontsize=11,
            )
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.xaxis.set_major_formatter("{x:.0f}")
        log_ticks(ax.yaxis, suffix="×")
        ax.set_xlabel("N, miners asked")
        ax.set_title("CPU of an answer over doing it once", loc="left", fontsize=12, color=MUTED)
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def draw_parts(points: Sequence[GridPoint], names: Sequence[str], ax: Axes) -> Figure:
    """Draw the CPU seconds of one task, stacked by part."""
    with styled():
        for row, point in enumerate(points):
            left = 0.0
            for name in names:
                value = point.parts[name].value or 0.0 if name in point.parts else 0.0
                ax.barh(
                    [row],
                    [value],
                    left=left,
                    height=0.66,
                    color=part_colour(name),
                    edgecolor=PAPER,
                    linewidth=0.6,
                    label=name if row == 0 else None,
                )
                left += value
        ax.set_yticks(range(len(points)), [f"N={point.miners} V={point.validators}" for point in points])
        ax.set_ylim(len(points) - 0.5, -0.5)
        ax.set_xlabel("CPU seconds per task")
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def draw_quality(points: Sequence[GridPoint], cheapest: GridPoint | None, ax: Axes) -> Figure:
    """Draw the quality of a customer's answer against the overhead paid for it."""
    with styled():
        for place, validators in enumerate(sorted({point.validators for point in points})):
            colour = SERIES[place % len(SERIES)]
            for number, point in enumerate(each for each in points if each.validators == validators):
                x, y = point.overhead["cpu_s"], point.quality
                if x.value is None or y.value is None:
                    continue
                _interval(ax, x.value, y, colour)
                ax.plot(
                    [x.value],
                    [y.value],
                    marker="o",
                    color=colour,
                    linestyle="none",
                    label=None if number else f"V={validators}",
                )
                if point is cheapest:
                    ax.plot(
                        [x.value], [y.value], marker="o", markersize=14, fillstyle="none", color=INK, linestyle="none"
                    )
        ax.set_xscale("log")
        log_ticks(ax.xaxis, suffix="×")
        ax.set_xlabel("overhead in CPU")
        head(ax, "true quality (ringed: the cheapest within 1 %)")
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def _line(ax: Axes, marks: Sequence[tuple[int, Estimate]], colour: str, label: str, *, linestyle: str = "-") -> None:
    known = [(miners, figure.value) for miners, figure in marks if figure.value is not None]
    for miners, figure in marks:
        _interval(ax, miners, figure, colour)
    ax.plot(*zip(*known, strict=True), marker="o", color=colour, label=label, linestyle=linestyle)


def _interval(ax: Axes, x: float, figure: Estimate, colour: str) -> None:
    if figure.low is not None and figure.high is not None:
        ax.plot([x] * 2, [figure.low, figure.high], color=colour, linewidth=1.4, alpha=0.6)
