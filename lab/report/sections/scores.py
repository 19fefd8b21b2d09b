"""Scores: what validators thought of each miner, compared with its true quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.results.neurons import NeuronResult, NeuronResults, by_quality
from lab.results.run_figures import RunFigures
from lab.results.words import counted, over_miners

from ..palette import MUTED, SERIES
from ..plotting import draw_estimates, figure_of, legend_above, name_rows, new_axes, rows_px, styled
from ..section import Caption, Column, Picture, Section
from .names import MOST_DRAWN, label, named, undrawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = (
    Column("miner", "miner"),
    Column("quality", "true quality", 2),
    Column("score", "score", 2),
)


def scores(run: RunFigures) -> Section:
    """Return score and true quality of each miner, the best first."""
    miners = by_quality(run.results.miners)
    drawn = miners[:MOST_DRAWN]
    height = rows_px(len(drawn))
    return Section(
        "scores",
        "Score and true quality of each miner",
        _caption(run, miners),
        COLUMNS,
        tuple((label(miner), miner.quality, miner.score) for miner in miners),
        Picture(lambda ax: draw_scores(drawn, ax=ax), height, height) if run.results.epochs else None,
    )


def draw_scores(miners: Sequence[NeuronResult], *, ax: Axes | None = None) -> Figure:
    """Draw mean score and mean true quality of each miner, with 95 % intervals, in the order given."""
    ax = ax or new_axes(height_px=rows_px(len(miners)))
    with styled():
        for name, colour, marker, shift, figures in (
            ("score", SERIES[0], "o", -0.14, [miner.score for miner in miners]),
            ("true quality", SERIES[1], "D", 0.14, [miner.quality for miner in miners]),
        ):
            draw_estimates(figures, ax, colour=colour, marker=marker, shift=shift, label=name)
        for row, miner in enumerate(miners):
            if miner.score.value is None and miner.quality.value is None:
                ax.text(0.01, row, "nothing graded", color=MUTED, va="center", fontsize=11)
        ax.set_xlim(-0.025, 1.025)
        ax.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        name_rows([str(label(miner)) for miner in miners], ax)
        legend_above(ax, 2)
    return figure_of(ax)


def _caption(run: RunFigures, miners: Sequence[NeuronResult]) -> Caption:
    known = [miner for miner in miners if miner.quality.value is not None]
    if not known:
        return Caption("No answer of known quality was graded.", "Nothing can be said about the grading.")
    best, worst = known[0], known[-1]
    parts = [
        f"{named(best)} answers best, with a true quality of {best.quality.text()}, and {named(worst)} worst, "
        f"with {worst.quality.text()}."
    ]
    ranking = run.pay_quality.score
    if ranking.value is not None:
        parts.append(f"The scores rank them as quality does at Spearman {over_miners(ranking)}.")
    gaps = {
        miner.name: miner.score.value - (miner.quality.value or 0.0) for miner in known if miner.score.value is not None
    }
    if gaps:
        name, gap = max(gaps.items(), key=lambda item: abs(item[1]))
        if abs(gap) >= 0.005:
            parts.append(
                f"Score and quality lie furthest apart for {name}: the score is {abs(gap):.2f} "
                f"{'higher' if gap > 0 else 'lower'}."
            )
    unscored = sum(miner.unscored for miner in miners)
    if unscored:
        parts.append(f"{counted(unscored, 'unscored answer')} left out.")
    return Caption(
        " ".join(parts),
        f"The lines are 95 % intervals for {_tasks(run.results)}; other tasks may rank the miners differently. "
        "Score and quality are two measures: what a grader counts beyond the truth, or misses, sets them apart."
        f"{undrawn(len(miners))}",
    )


def _tasks(results: NeuronResults) -> str:
    kinds = sorted({graded.kind for graded in results.rounds if graded.kind})
    difficulties = [graded.difficulty for graded in results.rounds if graded.difficulty is not None]
    text = f"these {counted(len(results.rounds), 'task')}"
    if kinds:
        text += f" ({', '.join(kinds[:6])}{' and others' if len(kinds) > 6 else ''})"
    if difficulties:
        easiest, hardest = min(difficulties), max(difficulties)
        text += f" of difficulty {easiest:.2f}" + (f" to {hardest:.2f}" if easiest < hardest else "")
    return text
