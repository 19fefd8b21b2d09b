"""Charts that several pages need: estimates by row, a table as colours, lines, and a scatter.

draw_rows([Mark("A", "score", Estimate(0.9, 0.8, 1.0, 30))], new_axes(360, 240), label="share")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.statistics import Estimate, number

from .cells import MISSING, clean
from .palette import INK, MUTED, SERIES
from .plotting import (
    FONT_PX,
    LINE_PX,
    NAMES_SHARE,
    draw_estimates,
    figure_of,
    grow,
    head,
    legend_above,
    log_ticks,
    name_rows,
    narrow,
    styled,
    text_px,
    width_px,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHADE = 0.55
"""Opacity of the deepest colour of a cell."""
HEAD_PX = 110
"""Length up to which names of columns are written aslant; longer ones stand upright, where none covers another."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One estimate, in the row and of the series that it belongs to."""

    row: str
    series: str
    figure: Estimate


@dataclass(frozen=True, slots=True)
class Series:
    """Estimates along an axis, and the curve that they should lie on."""

    name: str
    marks: tuple[tuple[float, Estimate], ...]
    curve: tuple[tuple[float, float], ...] = ()


def series_px(rows: int, series: int = 1) -> float:
    """Height of a chart with so many rows of so many series."""
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
            legend_above(ax)
    return figure_of(ax)


def draw_heat(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float | None]], ax: Axes, *, top: float
) -> Figure:
    """Draw a table of values from 0 to `top` as colours with their numbers on them."""
    labels = 10.0 if narrow(ax) else 12.0
    sides = [wrapped(row, NAMES_SHARE * width_px(ax), labels) for row in rows]
    names_px = max((text_px(line, labels) for side in sides for line in side.split("\n")), default=0.0)
    cell_px = (width_px(ax) - names_px) / max(1, len(columns))
    with styled():
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                share = 0.0 if value is None else max(0.0, min(1.0, value / top))
                ax.fill(
                    [x - 0.48, x + 0.48, x + 0.48, x - 0.48],
                    [y - 0.46, y - 0.46, y + 0.46, y + 0.46],
                    color=SERIES[1],
                    alpha=SHADE * share,  # a colour of the page, where numbers stay legible in the dark
                    linewidth=0,
                )
                text = MISSING if value is None else number(value)
                size = min(8.5 if narrow(ax) else 11.0, FONT_PX * (cell_px - 2) / text_px(text))
                ax.text(x, y, text, ha="center", va="center", fontsize=size, color=INK)
        heights = [LINE_PX * (text.count("\n") + 1) for text in sides]
        grow(ax, len(rows) * max(0, max(heights, default=0) - 24))
        ax.set_yticks(range(len(rows)), sides)
        ax.tick_params(labelsize=labels)
        heads = [clean(column) for column in columns]
        if all(text_px(head, labels) <= HEAD_PX for head in heads):
            ax.set_xticks(range(len(heads)), heads, rotation=45, ha="right")
        else:
            if cell_px > 3 * LINE_PX:
                heads = [wrapped(head, 2 * HEAD_PX, labels) for head in heads]
            grow(ax, max(text_px(line, labels) for head in heads for line in head.split("\n")) - HEAD_PX / 2)
            ax.set_xticks(range(len(heads)), heads, rotation=90)
        ax.set_xlim(-0.5, len(columns) - 0.5)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.spines["bottom"].set_visible(False)
    return figure_of(ax)


def draw_lines(
    lines: Sequence[Series], ax: Axes, *, x: str, title: str, log: bool = False, top: float | None = None
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
            ax.plot(
                [at for at, _ in known],
                ys,
                marker="o",
                markersize=4.5,
                color=colour,
                linestyle=style,
                linewidth=1.2,
                label=line.name,
            )
        if log:
            ax.set_yscale("log")
            log_ticks(ax.yaxis)
        if top is not None:
            ax.set_ylim(top=top)
        ax.set_xlabel(x)
        head(ax, title)
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def draw_scatter(
    marks: Sequence[tuple[str, Estimate, Estimate]], ax: Axes, *, x: str, title: str, top: float | None = None
) -> Figure:
    """Draw y, up to `top`, over a logarithmic x, each point with its name and the interval of y."""
    with styled():
        for place, (name, across, up) in enumerate(marks):
            if across.value is None or up.value is None or across.value <= 0:
                continue
            colour = SERIES[place % len(SERIES)]
            if up.low is not None and up.high is not None:
                ax.plot([across.value] * 2, [up.low, up.high], color=colour, linewidth=1.6, alpha=0.5)
            ax.plot([across.value], [up.value], marker="o", color=colour, linestyle="none", label=name)
        ax.set_xscale("log")
        log_ticks(ax.xaxis)
        if top is not None:
            low, high = ax.get_ylim()
            ax.set_ylim(low, min(high, top + 0.02 * (top - low)))
        ax.set_xlabel(x)
        head(ax, title)
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)
