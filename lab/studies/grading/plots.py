"""Charts of the grading study: estimates in rows, shares as a heat map, lines over an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.report.charts import draw_estimates, figure_of, legend_above, log_ticks, name_rows, narrow, short, styled
from lab.report.palette import INK, MUTED, PAPER, SERIES
from lab.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Mark:
    """One estimate, in the row and of the series that it belongs to."""

    row: str
    series: str
    figure: Estimate


@dataclass(frozen=True, slots=True)
class Line:
    """Estimates along an axis, and the curve that they should lie on."""

    name: str
    marks: tuple[tuple[float, Estimate], ...]
    curve: tuple[tuple[float, float], ...] = ()


def rows_px(rows: int, series: int = 1) -> float:
    """Height of a chart with so many rows."""
    return 90 + rows * (24 + 7 * (series - 1)) + (22 if series > 1 else 0)


def draw_rows(marks: Sequence[Mark], ax: Axes, *, label: str, at: float | None = None) -> Figure:
    """Draw a point and its interval for each mark, a row for each name, colours by series; a line where x is `at`."""
    rows = list(dict.fromkeys(mark.row for mark in marks))
    series = list(dict.fromkeys(mark.series for mark in marks))
    known = {(mark.row, mark.series): mark.figure for mark in marks}
    with styled():
        for place, name in enumerate(series):
            draw_estimates(
                [known.get((row, name)) for row in rows],
                ax,
                colour=SERIES[place % len(SERIES)],
                shift=0.0 if len(series) == 1 else 0.5 * (place / (len(series) - 1) - 0.5),
                label=name,
            )
        if at is not None:
            ax.axvline(at, color=MUTED, linewidth=1, linestyle="--")
        name_rows(rows, ax)
        ax.set_xlabel(label)
        if len(series) > 1:
            legend_above(ax, min(4, len(series)) if not narrow(ax) else 1 if len(series) < 3 else 2)
    return figure_of(ax)


def draw_heat(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float | None]], ax: Axes, *, top: float
) -> Figure:
    """Draw a table of values from 0 to `top` as colours with their numbers on them."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    ramp = LinearSegmentedColormap.from_list("paid", [PAPER, SERIES[1]])
    with styled():
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                share = 0.0 if value is None else max(0.0, min(1.0, value / top))
                ax.fill(
                    [x - 0.48, x + 0.48, x + 0.48, x - 0.48],
                    [y - 0.46, y - 0.46, y + 0.46, y + 0.46],
                    color=to_rgb(ramp(share)[:3]),
                    linewidth=0,
                )
                size = 8.5 if narrow(ax) else 11
                text = "–" if value is None else f"{value:.2f}"
                ax.text(x, y, text, ha="center", va="center", fontsize=size, color=INK)
        ax.set_xticks(range(len(columns)), list(columns), rotation=45, ha="right")
        ax.set_yticks(range(len(rows)), [short(row, ax) for row in rows])
        ax.tick_params(labelsize=10 if narrow(ax) else 12)
        ax.set_xlim(-0.5, len(columns) - 0.5)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.spines["bottom"].set_visible(False)
    return figure_of(ax)


def draw_lines(
    lines: Sequence[Line], ax: Axes, *, x: str, title: str, log: bool = False, top: float | None = None
) -> Figure:
    """Draw estimates with their intervals, and thin lines where they have a curve; joined where they have none."""
    with styled():
        for place, line in enumerate(lines):
            colour = SERIES[place % len(SERIES)]
            known = [(at, figure) for at, figure in line.marks if figure.value is not None]
            if line.curve:
                ax.plot([at for at, _ in line.curve], [y for _, y in line.curve], color=colour, linewidth=1.2)
            for at, figure in known:
                if figure.low is not None and figure.high is not None:
                    ax.plot([at, at], [figure.low, figure.high], color=colour, linewidth=1.6, alpha=0.55)
            style = "none" if line.curve else "-"
            ys = [figure.value for _, figure in known if figure.value is not None]
            ax.plot([at for at, _ in known], ys, marker="o", markersize=4.5, color=colour, linestyle=style,
                    linewidth=1.2, label=line.name)  # fmt: skip
        if log:
            ax.set_yscale("log")
            log_ticks(ax.yaxis, lambda value: f"{value:,.0f}")
        if top is not None:
            ax.set_ylim(top=top)
        ax.set_xlabel(x)
        ax.set_title(title, loc="left", fontsize=12, color=MUTED)
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        columns = 2 if narrow(ax) else min(4, max(1, len(lines)))
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=columns, fontsize=11)
    return figure_of(ax)


def draw_scatter(marks: Sequence[tuple[str, Estimate, Estimate]], ax: Axes, *, x: str, title: str) -> Figure:
    """Draw y over a logarithmic x, each point with its name and the interval of y."""
    with styled():
        for place, (name, across, up) in enumerate(marks):
            if across.value is None or up.value is None or across.value <= 0:
                continue
            colour = SERIES[place % len(SERIES)]
            if up.low is not None and up.high is not None:
                ax.plot([across.value] * 2, [up.low, up.high], color=colour, linewidth=1.6, alpha=0.5)
            ax.plot([across.value], [up.value], marker="o", color=colour, linestyle="none", label=name)
        ax.set_xscale("log")
        known = [across.value for _, across, up in marks if across.value and up.value is not None]
        if known and max(known) > 1000 * min(known):
            ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_minor_formatter("")
        else:
            log_ticks(ax.xaxis, lambda value: f"{value:g}")
        if narrow(ax):
            ax.tick_params(axis="x", labelrotation=45)
        ax.set_xlabel(x)
        ax.set_title(title, loc="left", fontsize=12, color=MUTED)
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        columns = 2 if narrow(ax) else 5
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=columns, fontsize=10)
    return figure_of(ax)
