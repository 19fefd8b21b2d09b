"""Charts: each is `(data, *, ax=None) -> Figure` over data that `standings` and `bill` work out.

    score_against_quality(standings.miners)                                 # a figure of its own
    score_against_quality(standings.miners, ax=new_axes(360, 240))          # one that fits a phone

Sizes are in CSS pixels. The colours are the light ones of the report's page, where they become its
variables and so follow the reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.results.bill import Bill
from lab.results.neurons import NeuronResult, NeuronResults, by_quality, percent
from lab.statistics import Estimate

from .palette import INK, LINE, MUTED, PAPER, SERIES, part_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH_PX = 780
ROW_PX = 26
NARROW_PX = 500
"""Below this, names are cut."""

LABELLED = 8
"""Lines with a name and a colour of their own; the others are grey."""

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
    most = 13 if narrow(ax) else 26
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


def score_against_quality(miners: Sequence[NeuronResult], *, ax: Axes | None = None) -> Figure:
    """Mean score and mean true quality of each miner, with 95 % intervals, the best miner on top."""
    ax = ax or new_axes(height_px=rows_px(len(miners)))
    shown = by_quality(miners)
    with styled():
        for label, colour, marker, shift, figures in (
            ("score", SERIES[0], "o", -0.14, [one.score for one in shown]),
            ("true quality", SERIES[1], "D", 0.14, [one.quality for one in shown]),
        ):
            draw_estimates(figures, ax, colour=colour, marker=marker, shift=shift, label=label)
        for row, one in enumerate(shown):
            if one.score.value is None and one.quality.value is None:
                ax.text(0.01, row, "nothing graded", color=MUTED, va="center", fontsize=11)
        ax.set_xlim(-0.025, 1.025)
        ax.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        name_rows([_name(one) for one in shown], ax)
        legend_above(ax, 2)
    return figure_of(ax)


def pay_by_quality(miners: Sequence[NeuronResult], *, ax: Axes | None = None) -> Figure:
    """Each miner's share of the miners' pay over the run, in the same order: the best miner on top."""
    ax = ax or new_axes(height_px=rows_px(len(miners)) - 26)
    shown = by_quality(miners)
    shares = [one.pay_share or 0.0 for one in shown]
    with styled():
        colours = [SERIES[2] if one.honest else SERIES[1] for one in shown]
        ax.barh(range(len(shown)), [100 * share for share in shares], height=0.62, color=colours, linewidth=0)
        top = max([*shares, 0.01])
        for row, (one, share) in enumerate(zip(shown, shares, strict=True)):
            text = "nothing paid" if one.pay_share is None else percent(share)
            ax.text(100 * (share + 0.012 * top), row, text, va="center", color=INK, fontsize=12)
        ax.set_xlim(0, 100 * top * 1.14)
        ax.set_xlabel("% of the miners' pay")
        name_rows([_name(one) for one in shown], ax)
    return figure_of(ax)


def incentive_by_epoch(standings: NeuronResults, *, ax: Axes | None = None) -> Figure:
    """Incentive of each miner in each epoch; those that are not honest dashed."""
    from matplotlib.ticker import MaxNLocator

    ax = ax or new_axes(height_px=320)
    lines = incentives(standings)
    epochs = [epoch.number for epoch in standings.epochs]
    with styled():
        top = max([*(value for _, values in lines for value in values), 0.01])
        labels: list[tuple[float, str, str]] = []
        for place, (one, values) in enumerate(lines):
            named = place < LABELLED
            colour = SERIES[place % len(SERIES)] if named else MUTED
            ax.plot(
                epochs,
                values,
                color=colour,
                linewidth=2 if named else 1,
                alpha=1 if named else 0.45,
                linestyle="solid" if one.honest else (0, (4, 2)),
                marker="o",
                markersize=4.5 if named else 2.5,
                clip_on=False,
                zorder=3 if named else 2,
            )
            if named and values:
                labels.append((values[-1], short(_name(one), ax), colour))
        gap = 15 * top * 1.05 / max(1.0, _height_px(ax) - 50)
        places = spread([value for value, _, _ in labels], gap, top * 1.05)
        for (value, text, colour), y in zip(labels, places, strict=True):
            ax.annotate(
                text,
                (epochs[-1], value),
                xytext=(1.0, y),
                textcoords=("axes fraction", "data"),
                color=colour,
                va="center",
                annotation_clip=False,
            )
        ax.set_ylim(0, top * 1.05)
        if epochs:
            ax.set_xlim(epochs[0], max(epochs[-1] + 0.03 * len(epochs), epochs[0] + 0.5))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        ax.set_xlabel("epoch")
        ax.tick_params(axis="y", labelcolor=MUTED)
        ax.set_title("share of the miners' incentive", loc="left", fontsize=12, color=MUTED)
    return figure_of(ax)


def bill_of_a_task(bill: Bill, *, ax: Axes | None = None) -> Figure:
    """CPU seconds of a task through the subnet, stacked by part, above those of doing it once."""
    ax = ax or new_axes(height_px=150)
    with styled():
        left = 0.0
        for name, cpu_s in task_parts(bill):
            ax.barh([0], [cpu_s], left=left, height=0.6, color=part_colour(name), edgecolor=PAPER, linewidth=0.8)
            left += cpu_s
        once = bill.once_cpu_s
        if once.value is not None:
            ax.barh([1], [once.value], height=0.6, color=MUTED, linewidth=0)
            if once.low is not None and once.high is not None:
                ax.plot([once.low, once.high], [1, 1], color=INK, linewidth=1.6)
        pad = 0.012 * max(left, once.value or 0.0)
        ax.text(left + pad, 0, f"{left:.2f} s", va="center")
        ax.text(
            (once.high or once.value or 0.0) + pad,
            1,
            "not measured" if once.value is None else f"{once.value:.2f} s",
            va="center",
        )
        ax.set_xlim(0, max(left, once.value or 0.0, 1e-9) * (1.12 if not narrow(ax) else 1.24))
        ax.set_yticks([0, 1], ["subnet", "once"])
        ax.set_ylim(1.5, -0.5)
        ax.set_xlabel("CPU seconds a task")
        ax.grid(axis="x")
        ax.set_axisbelow(True)
    return figure_of(ax)


def incentives(standings: NeuronResults) -> list[tuple[NeuronResult, list[float]]]:
    """Return each miner with its incentive by epoch, in [0, 1], the best paid of the last epoch first."""
    found = [(one, [epoch.pay.incentive[one.uid] / 65_535 for epoch in standings.epochs]) for one in standings.miners]
    return sorted(found, key=lambda line: (-line[1][-1] if line[1] else 0.0, line[0].uid))


def task_parts(bill: Bill) -> list[tuple[str, float]]:
    """Return the subnet's parts with their CPU seconds a task: a segment for each miner, then the others by size."""
    if not bill.tasks:
        return []
    return [(part.group, part.cost.cpu_s / bill.tasks) for part in bill.subnet_parts]


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


def _name(one: NeuronResult) -> str:
    return one.name if one.honest else f"{one.name}*"


def _width_px(ax: Axes) -> float:
    return float(figure_of(ax).get_figwidth() * 72)


def _height_px(ax: Axes) -> float:
    return float(figure_of(ax).get_figheight() * 72)
