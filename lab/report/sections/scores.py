"""Scores: what validators thought of each miner, compared with its true quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.results.neurons import NeuronResult, NeuronResults, by_quality
from lab.results.run_figures import RunFigures
from lab.results.words import counted, over_miners
from lab.statistics import number

from ..palette import MUTED, SERIES
from ..plotting import draw_estimates, figure_of, legend_above, name_rows, new_axes, rows_px, styled
from ..section import Caption, Column, Picture, Section
from .names import MOST_DRAWN, all_named, label, named, tied, undrawn

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
        legend_above(ax)
    return figure_of(ax)


def _best_and_worst(miners: Sequence[NeuronResult]) -> str:
    """Name the miners of the highest and of the lowest quality; `miners` are sorted by it."""
    best, worst = (tied(miners, _quality, miner) for miner in (miners[0], miners[-1]))
    quality = f"a true quality of {best[0].quality.text()}"
    if len(miners) == 1:
        return f"{named(best[0])} answers with {quality}."
    if len(best) == len(miners):
        return f"All {len(miners):,} miners answer equally well, with {quality}."
    high = f"{named(best[0])} answers best" if len(best) == 1 else f"{all_named(best)} tie for the best answers"
    low = f"{named(worst[0])} answers worst" if len(worst) == 1 else f"{all_named(worst)} tie for the worst"
    return f"{high}, with {quality}; {low}, with {worst[0].quality.text()}."


def _quality(miner: NeuronResult) -> float:
    return miner.quality.value or 0.0


def _gap(miner: NeuronResult) -> float:
    return (miner.score.value or 0.0) - _quality(miner)


def _caption(run: RunFigures, miners: Sequence[NeuronResult]) -> Caption:
    known = [miner for miner in miners if miner.quality.value is not None]
    if not known:
        return Caption("No answer of known quality was graded.", "Nothing can be said about the grading.")
    parts = [_best_and_worst(known)]
    ranking = run.pay_quality.score
    if ranking.value is not None:
        figure = over_miners(ranking, run.pay_quality.miners)
        parts.append(f"The scores' Spearman correlation with the quality of the same answers is {figure}.")
    scored = [miner for miner in known if miner.score.value is not None]
    if scored:
        furthest = max(scored, key=lambda miner: abs(_gap(miner)))
        gap = _gap(furthest)
        if abs(gap) >= 0.005:
            parts.append(
                f"Score and quality lie furthest apart for {all_named(tied(scored, _gap, furthest))}: the score is "
                f"{number(abs(gap))} {'higher' if gap > 0 else 'lower'}."
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
