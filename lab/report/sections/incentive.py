"""Incentive: how each miner's share moves from epoch to epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.results.neurons import U16, NeuronResult, NeuronResults
from lab.results.run_figures import RunFigures
from lab.results.words import counted, percent

from ..palette import MUTED, SERIES
from ..plotting import LINE_PX, figure_of, grow, head, height_px, new_axes, spread, styled, width_px, wrapped
from ..section import Caption, Column, Picture, Section
from .names import label, named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW_EPOCHS = 8
"""Epochs up to which the chart has a tick for each."""
LABELLED = 8
"""Lines with a name and a colour of their own; the others are grey."""

NAMES_SHARE = 0.3
"""Share of the chart's width that the names behind the lines may take."""
AROUND_PX = 50
"""Height of what is above and below the lines: title, ticks and label."""


@dataclass(frozen=True, slots=True)
class IncentiveLine:
    """A miner's incentive, epoch by epoch."""

    miner: NeuronResult
    values: tuple[float, ...]
    """Shares in [0, 1]."""


def incentive(run: RunFigures) -> Section:
    """Return the incentive of each miner in each epoch."""
    results = run.results
    lines = incentives(results)
    return Section(
        "incentive",
        "Incentive, epoch by epoch",
        _caption(results, lines),
        (Column("miner", "miner"), *(Column(f"epoch_{e.number}", f"epoch {e.number + 1}") for e in results.epochs)),
        tuple((label(line.miner), *line.values) for line in lines),
        Picture(lambda ax: draw_incentive(results, ax=ax), 330, 300) if len(results.epochs) > 1 else None,
    )


def incentives(results: NeuronResults) -> list[IncentiveLine]:
    """Return a line for each miner, the best paid of the last epoch first."""
    lines = [
        IncentiveLine(miner, tuple(epoch.pay.incentive[miner.uid] / U16 for epoch in results.epochs))
        for miner in results.miners
    ]
    return sorted(lines, key=lambda line: (-line.values[-1] if line.values else 0.0, line.miner.uid))


def draw_incentive(results: NeuronResults, *, ax: Axes | None = None) -> Figure:
    """Draw the incentive of each miner in each epoch, dashed for miners that are not honest."""
    from matplotlib.ticker import MaxNLocator

    ax = ax or new_axes(height_px=320)
    lines = incentives(results)
    epochs = [epoch.number + 1 for epoch in results.epochs]
    top = 1.05 * max([*(value for line in lines for value in line.values), 0.01])
    with styled():
        for place, line in enumerate(lines):
            labelled = place < LABELLED
            ax.plot(
                epochs,
                line.values,
                color=SERIES[place] if labelled else MUTED,
                linewidth=2 if labelled else 1,
                alpha=1 if labelled else 0.45,
                linestyle="solid" if line.miner.honest else (0, (4, 2)),
                marker="o",
                markersize=4.5 if labelled else 2.5,
                clip_on=False,
                zorder=3 if labelled else 2,
            )
        if epochs:
            _name_ends(lines[:LABELLED], epochs[-1], top, ax)
            ax.set_xlim(epochs[0], max(epochs[-1] + 0.03 * len(epochs), epochs[0] + 0.5))
        ax.set_ylim(0, top)
        if len(epochs) <= FEW_EPOCHS:
            ax.set_xticks(epochs)
        else:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        ax.set_xlabel("epoch")
        ax.tick_params(axis="y", labelcolor=MUTED)
        head(ax, "share of the miners' incentive")
    return figure_of(ax)


def _name_ends(lines: list[IncentiveLine], last: int, top: float, ax: Axes) -> None:
    """Write each miner's name behind the end of its line, far enough apart to be read."""
    names = [wrapped(str(label(line.miner)), NAMES_SHARE * width_px(ax)) for line in lines]
    line_px = LINE_PX * max(name.count("\n") + 1 for name in names)
    grow(ax, AROUND_PX + len(names) * line_px - height_px(ax))
    gap = line_px * top / (height_px(ax) - AROUND_PX)
    heights = spread([line.values[-1] for line in lines], gap, top)
    for place, (name, line, height) in enumerate(zip(names, lines, heights, strict=True)):
        ax.annotate(
            name,
            (last, line.values[-1]),
            xytext=(1.0, height),
            textcoords=("axes fraction", "data"),
            color=SERIES[place],
            va="center",
            annotation_clip=False,
        )


def _caption(results: NeuronResults, lines: list[IncentiveLine]) -> Caption:
    if not results.epochs or not lines:
        return Caption("No epoch is complete yet.", "Nothing can be said about incentive.")
    line = max(lines, key=lambda line: (abs(line.values[-1] - line.values[0]), -line.miner.uid))
    first, last = line.values[0], line.values[-1]
    if len(results.epochs) == 1:
        shows = "There is only one epoch."
    elif abs(last - first) < 0.005:
        shows = (
            f"No miner's incentive moved by half a point from the first to the last of "
            f"{counted(len(results.epochs), 'epoch')}."
        )
    else:
        shows = (
            f"No miner moved more than {named(line.miner)}: from {percent(first)} of the incentive in epoch "
            f"{results.epochs[0].number + 1} to {percent(last)} in epoch {results.epochs[-1].number + 1}."
        )
    return Caption(
        shows,
        "This is one run with one seed, so there is no interval; another seed would draw other lines. "
        "The dividends that validators earn are not in it.",
    )
