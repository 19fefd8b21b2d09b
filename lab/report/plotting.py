"""Drawing: axes in the report's style, ticks, and the charts that several pages need (rows, heat, lines, scatter).

    draw_rows([Mark("A", "score", Estimate(0.9, 0.8, 1.0, 30))], new_axes(360, 240), label="share")

Sizes are in CSS pixels. The colours are the light ones of the report's page, where they become its
variables and so follow the reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.statistics import Estimate

from .cells import clean
from .palette import INK, LINE, MUTED, PAPER, SERIES
from .section import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH_PX = 780
ROW_PX = 26
NARROW_PX = 500
"""Below this, names are cut."""

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 12.0,
    "text.parse_math": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.facecolor": "none",
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


def draw(picture: Picture, width_px: float, height_px: float) -> Figure:
    """Draw a section's picture; names in it lose what can't be drawn."""
    from matplotlib.text import Text
    from matplotlib.ticker import FuncFormatter

    figure = picture.draw(new_axes(width_px, height_px))
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            formatter = axis.get_major_formatter()
            if isinstance(formatter, FuncFormatter):  # Matplotlib's form of labels that were set
                formatter.func = _cleaned(formatter.func)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_text(clean(text.get_text()))
    return figure


@contextmanager
def styled() -> Iterator[None]:
    """Draw, or write a drawing out, in the report's style."""
    from matplotlib import rc_context

    with rc_context(STYLE):  # type: ignore[arg-type]
        yield


def log_ticks(axis: Axis, text: Callable[[float], str]) -> None:
    """Label a logarithmic axis at 1, 2 and 5 of each power of ten, and nowhere else."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, place: text(value)))
    axis.set_minor_formatter(NullFormatter())


def _cleaned(label: Callable[[float, int | None], str]) -> Callable[[float, int | None], str]:
    return lambda value, place: clean(label(value, place))


def narrow(ax: Axes) -> bool:
    """Whether a chart is one for phones."""
    return _width_px(ax) < NARROW_PX


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
    for row, one in enumerate(figures):
        if one is None or one.value is None:
            continue
        xs.append(one.value)
        ys.append(row + shift)
        if one.low is not None and one.high is not None:
            ax.plot([one.low, one.high], [row + shift] * 2, color=colour, linewidth=1.6, alpha=0.75)
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


def name_rows(names: Sequence[str], ax: Axes) -> None:
    """Write a name before each row, the first on top."""
    ax.set_yticks(range(len(names)), [short(name, ax) for name in names])
    ax.set_ylim(max(1, len(names)) - 0.5, -0.5)
    ax.grid(axis="x")
    ax.set_axisbelow(True)


def short(name: str, ax: Axes) -> str:
    """Cut a name that is too long for its chart in the middle: names often differ by their ends alone."""
    most = 18 if narrow(ax) else 40
    return name if len(name) <= most else f"{name[: most - 6]}…{name[-5:]}"


def legend_above(ax: Axes, columns: int) -> None:
    """Put the legend over the upper left corner, in so many columns."""
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        borderpad=0.2,
        handletextpad=0.3,
        columnspacing=1.4,
    )


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


def _width_px(ax: Axes) -> float:
    return float(figure_of(ax).get_figwidth() * 72)


def height_px(ax: Axes) -> float:
    """Return the height of the figure that axes are in."""
    return float(figure_of(ax).get_figheight() * 72)


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
