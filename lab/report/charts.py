"""Charts: each is `(data, *, ax=None) -> Figure` over data that `standings` and `bill` work out.

    score_against_quality(standings.miners)                                 # a figure of its own
    score_against_quality(standings.miners, ax=new_axes(360, 240))          # one that fits a phone

Sizes are in CSS pixels. The colours are the light ones of the report's page, where they become its
variables and so follow the reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.results.bill import Bill
from lab.results.neurons import NeuronResult, NeuronResults, by_quality
from lab.results.words import percent

from .palette import INK, MUTED, PAPER, SERIES, part_colour
from .plotting import (
    draw_estimates,
    figure_of,
    height_px,
    legend_above,
    name_rows,
    narrow,
    new_axes,
    rows_px,
    short,
    spread,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELLED = 8
"""Lines with a name and a colour of their own; the others are grey."""


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
        gap = 15 * top * 1.05 / max(1.0, height_px(ax) - 50)
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


def _name(one: NeuronResult) -> str:
    return one.name if one.honest else f"{one.name}*"
