"""Drawing: axes in the report's style, ticks, names and legends; `charts` has what is drawn with them.

    ax = new_axes(360, 240)
    draw_estimates([Estimate(0.9, 0.8, 1.0, 30)], ax, colour=SERIES[0])
    name_rows(["A"], ax)

Sizes are in CSS pixels. The colours are the light ones of the report's page, where they become its variables and so
follow the reader's choice of light or dark. A name is never cut: it is wrapped, and the chart grows.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from math import isclose, log10
from typing import TYPE_CHECKING, Any

from lab.statistics import Estimate, number

from .cells import clean, harmless
from .glyphs import FONT, families, spelled
from .palette import INK, LINE, MUTED
from .section import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH_PX = 780
ROW_PX = 26
NARROW_PX = 500
"""Width below which a chart is one for phones."""
FONT_PX = 12.0
LINE_PX = 15
"""Height of a line of text."""
NAMES_SHARE = 0.37
"""Share of a chart's width that the names of its rows may take."""
LABEL_SHARE, TITLE_SHARE = 0.6, 0.85
"""Shares that the label below a chart and the title above it may take."""
LEGEND_PX = 22
"""Height of a legend of one line, for which charts have room."""
HANDLE_PX = 38
"""Width of a legend's entry beyond its text."""
UNNAMED = re.compile(r"_(child|container)\d+|_nolegend_|")
"""Labels that Matplotlib gives; any other is a name, even if it begins with an underscore."""
BREAKS = re.compile(r"[^\s\-_./:,@+]*[\s\-_./:,@+]*")
"""A piece of a name, with the marks behind which a line may end."""

STYLE = {
    "font.size": FONT_PX,
    "text.parse_math": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.facecolor": "none",
    "axes.formatter.useoffset": False,
    "figure.facecolor": "none",
    "text.color": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0.0,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 12.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "subnetlab",
}


def new_axes(width_px: float = WIDTH_PX, height_px: float = 300) -> Axes:
    """Return axes in a figure of that size, which no global state knows of."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with styled():
        layout = ConstrainedLayoutEngine(w_pad=2 / 72, h_pad=2 / 72)
        figure = Figure(figsize=(width_px / 72, height_px / 72), dpi=72, layout=layout)
        return figure.add_subplot()


def draw(picture: Picture, width_px: float, height_px: float, *, spell: bool = False) -> Figure:
    """Draw a section's picture; names in it lose what can't be drawn, and nothing in them is a formula.

    `spell` out the characters that no font here has: a page's reader may have one, but a PNG is final.
    """
    from matplotlib.text import Text
    from matplotlib.ticker import FuncFormatter

    with styled():
        figure = picture.draw(new_axes(width_px, height_px))
        for ax in figure.axes:
            for axis in (ax.xaxis, ax.yaxis):
                formatter = axis.get_major_formatter()
                if isinstance(formatter, FuncFormatter):  # Matplotlib's form of labels that were set
                    formatter.func = _drawable(formatter.func, spell)
            ax.xaxis.label.set_text(wrapped(ax.get_xlabel(), LABEL_SHARE * width_px))
        for text in figure.findobj(Text):
            assert isinstance(text, Text)
            text.set_text(_shown(text.get_text(), spell))
            text.set_parse_math(False)
    return figure


@contextmanager
def styled() -> Iterator[None]:
    """Draw, or write a drawing out, in the report's style."""
    from matplotlib import rc_context

    with rc_context(STYLE | {"font.family": [*families()]}), warnings.catch_warnings():  # type: ignore[arg-type]
        # The page's fonts may have what those here lack.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield


def log_ticks(axis: Axis, prefix: str = "", suffix: str = "", *, scale: float = 1.0) -> None:
    """Label a logarithmic axis at 1, 2 and 5 of each power of ten, or at these powers alone if it spans many."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    across, phone = axis is axis.axes.xaxis, narrow(axis.axes)
    dense = 5.0 if not across else 1.7 if phone else 4.0

    class Locator(LogLocator):
        """Places the ticks once the limits are known."""

        def tick_values(self, vmin: float, vmax: float) -> Any:
            self.set_params(subs=(1.0, 2.0, 5.0) if log10(vmax / vmin) <= dense else (1.0,))
            return super().tick_values(vmin, vmax)

    axis.set_major_locator(Locator(10, numticks=5 if across and phone else 10))
    axis.set_major_formatter(FuncFormatter(lambda value, place: f"{prefix}{_tick(scale * value)}{suffix}"))
    axis.set_minor_formatter(NullFormatter())


def _tick(value: float) -> str:
    """Write a tick with the digits that tell it from its neighbours, three at most."""
    digits = next((digits for digits in (1, 2) if isclose(value, float(f"{value:.{digits}g}"))), 3)
    return number(value, digits, significant=True)


def _drawable(label: Callable[[float, int | None], str], spell: bool) -> Callable[[float, int | None], str]:
    return lambda value, place: _shown(label(value, place), spell)


def _shown(text: str, spell: bool) -> str:
    """Return a text as it is drawn."""
    text = harmless(text).replace("\t", " ")
    return spelled(text) if spell else text


def narrow(ax: Axes) -> bool:
    """Whether a chart is one for phones."""
    return width_px(ax) < NARROW_PX


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes are in."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def rows_px(rows: int) -> int:
    """Height of a chart with so many rows."""
    return 74 + ROW_PX * max(1, rows)


def draw_estimates(
    figures: Sequence[Estimate | None],
    ax: Axes,
    *,
    colour: str,
    marker: str = "o",
    shift: float = 0.0,
    label: str | None = None,
) -> None:
    """Draw estimates, one a row from the top: a line over the interval and a mark; nothing where one is unknown."""
    xs, ys = [], []
    for row, estimate in enumerate(figures):
        if estimate is None or estimate.value is None:
            continue
        xs.append(estimate.value)
        ys.append(row + shift)
        if estimate.low is not None and estimate.high is not None:
            ax.plot([estimate.low, estimate.high], [row + shift] * 2, color=colour, linewidth=1.6, alpha=0.75)
    ax.plot(
        xs,
        ys,
        marker=marker,
        markersize=7 if marker == "o" else 6,
        color=colour,
        linestyle="none",
        label=label,
        clip_on=False,
        zorder=3,
    )


def head(ax: Axes, text: str) -> None:
    """Write what the vertical axis shows above the chart."""
    ax.set_title(wrapped(text, TITLE_SHARE * width_px(ax)), loc="left", fontsize=FONT_PX, color=MUTED)


def name_rows(names: Sequence[str], ax: Axes) -> None:
    """Write a name before each row, the first on top."""
    texts = [wrapped(name, NAMES_SHARE * width_px(ax)) for name in names]
    lines = max((text.count("\n") + 1 for text in texts), default=1)
    grow(ax, len(texts) * max(0, LINE_PX * lines + 6 - ROW_PX))
    ax.set_yticks(range(len(texts)), texts)
    ax.set_ylim(max(1, len(texts)) - 0.5, -0.5)
    ax.grid(axis="x")
    ax.set_axisbelow(True)


def wrapped(name: str, most_px: float, size: float = FONT_PX) -> str:
    """Break a name into lines of at most `most_px`, behind its hyphens and dots if it has some."""
    lines = [""]
    for piece in BREAKS.findall(clean(name)):
        if text_px(lines[-1] + piece.rstrip(), size) <= most_px:
            lines[-1] += piece
            continue
        lines.append("")
        for mark in piece:
            if text_px(lines[-1] + mark, size) > most_px:
                lines.append("")
            lines[-1] += mark
    return "\n".join(stripped for line in lines if (stripped := line.strip()))


@cache
def text_px(text: str, size: float = FONT_PX) -> float:
    """Return how wide a line is when it is drawn."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    with styled():
        width, _, _ = TextToPath().get_text_width_height_descent(text, FontProperties(family=FONT, size=size), False)
    return float(width)


def grow(ax: Axes, by_px: float) -> None:
    """Make the chart higher."""
    figure = figure_of(ax)
    figure.set_figheight(figure.get_figheight() + max(0.0, by_px) / 72)


def legend_above(ax: Axes) -> None:
    """Put the legend above the chart, in as many columns as fit; call it last, since the chart may still grow before.

    Without names there is no legend.
    """
    drawn: list[Any] = [*ax.lines, *ax.collections, *ax.containers]
    handles = [each for each in drawn if not UNNAMED.fullmatch(str(each.get_label() or ""))]
    if not handles:
        return
    width = width_px(ax) - 8
    names = [wrapped(str(handle.get_label()), width - HANDLE_PX) for handle in handles]
    columns = next(count for count in range(len(names), 0, -1) if count == 1 or _legend_px(names, count) <= width)
    heights = [LINE_PX * (name.count("\n") + 1) + 2 for name in names]
    height = LEGEND_PX - LINE_PX - 2 + max(map(sum, _dealt(heights, columns)))
    grow(ax, height - LEGEND_PX)
    figure = figure_of(ax)
    legend = figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0.1,
        borderpad=0.2,
        handletextpad=0.4,
        columnspacing=1.4,
        labelspacing=0.3,
    )
    legend.set_in_layout(False)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, 0, 1, 1 - height / height_px(ax)))  # type: ignore[call-arg]


def _legend_px(names: Sequence[str], columns: int) -> float:
    widths = [HANDLE_PX + max(map(text_px, name.split("\n"))) for name in names]
    return sum(map(max, _dealt(widths, columns))) + 17 * (columns - 1)


def _dealt(values: Sequence[float], columns: int) -> list[Sequence[float]]:
    """Return which entries Matplotlib puts into each column of a legend."""
    least, more = divmod(len(values), columns)
    starts = [place * least + min(place, more) for place in range(columns + 1)]
    return [values[start:end] for start, end in zip(starts, starts[1:], strict=False)]


def spread(values: Sequence[float], gap: float, top: float) -> list[float]:
    """Move values in [0, top] apart until neighbours are at least `gap` from each other, as far as there is room."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    placed = [0.0] * len(values)
    floor, ceiling = 0.0, top
    for place in order:
        placed[place] = max(values[place], floor)
        floor = placed[place] + gap
    for place in reversed(order):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - gap
    return placed


def width_px(ax: Axes) -> float:
    """Return the width of the figure that axes are in."""
    return float(figure_of(ax).get_figwidth() * 72)


def height_px(ax: Axes) -> float:
    """Return the height of the figure that axes are in."""
    return float(figure_of(ax).get_figheight() * 72)
