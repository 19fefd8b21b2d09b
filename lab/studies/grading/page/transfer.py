"""Sections on another subnet that the same miners answered: do ranking and errors hold there?"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from lab.report.section import Caption, Column, Section
from lab.results.words import counted
from lab.statistics import UNIT, Estimate, mean
from lab.statistics.resampling import resampled_sums
from lab.studies.grading.grades import Floats, GradingData, known_means
from lab.studies.grading.tasks import AnsweredTasks, bands


def transfer_sections(data: GradingData) -> list[Section]:
    """Return the sections; none where no other subnet was answered."""
    if data.other is None:
        return []
    here, there = data.answered, data.other
    honest = data.honest
    cuts = [("all", here, there)]
    for low, high in bands(here, there):
        cuts.append((f"{low:.2f} to {high:.2f}", here.between(low, high), there.between(low, high)))
    names = [data.miners[column].name for column in honest]
    correlations = [
        (band, len(first.quality), len(second.quality), _rank_correlation(first, second, honest))
        for band, first, second in cuts
    ]
    return [
        Section(
            key="transfer",
            title="Does the ranking hold on the other subnet's tasks?",
            caption=Caption(
                f"The rankings of {counted(len(honest), 'miner')} by true quality correlate by "
                f"{correlations[0][3].text()} (Spearman) between the two.",
                f"Here: {data.config.subnet.key}. There: {data.config.grading.other_subnet}. Tasks are resampled "
                "on both sides for the interval.",
            ),
            columns=(
                Column("difficulty", "difficulty"),
                Column("tasks_here", "tasks here", 0),
                Column("tasks_there", "tasks there", 0),
                Column("spearman", "Spearman", 2),
            ),
            rows=tuple(correlations),
        ),
        Section(
            key="transfer_errors",
            title="Are the errors the same?",
            caption=Caption(
                _largest(here, there, names, honest),
                "Missed: parts, such as words, of which the answer has nothing. Misread: it has something else.",
            ),
            columns=(
                Column("miner", "miner"),
                Column("difficulty", "difficulty"),
                *(
                    Column(f"{figure}_{side}", f"{figure} {side}", 3)
                    for figure in FIGURES
                    for side in ("here", "there")
                ),
            ),
            rows=tuple(
                (name, band, *(_mean(getattr(side, figure)[:, column]) for figure in FIGURES for side in both))
                for name, column in zip(names, honest, strict=True)
                for band, *both in cuts
            ),
        ),
    ]


FIGURES = ("quality", "missed", "misread")


def _mean(values: Floats) -> Estimate:
    return mean(values[~np.isnan(values)].tolist(), UNIT)


def _largest(here: AnsweredTasks, there: AnsweredTasks, names: list[str], honest: list[int]) -> str:
    apart = known_means(there.quality)[honest] - known_means(here.quality)[honest]
    if np.isnan(apart).all():
        return "The true quality of the answers is not known on both."
    place = int(np.nanargmax(np.abs(apart)))
    return f"The quality of {names[place]!r} differs most: by {apart[place]:+.2f} there."


def _rank_correlation(here: AnsweredTasks, there: AnsweredTasks, honest: list[int]) -> Estimate:
    """Return Spearman's correlation of the miners' mean qualities, tasks resampled on both sides."""
    tables = [side.quality[:, honest] for side in (here, there)]
    tables = [table[~np.isnan(table).any(axis=1)] for table in tables]
    n = min(map(len, tables))
    if n < 2 or len(honest) < 3:
        return Estimate(None, None, None, n)
    # The second table is reversed, so that the two are not resampled alike.
    draws = [resampled_sums(table) for table in (tables[0], tables[1][::-1])]
    value = _spearmans(*(table.sum(axis=0, keepdims=True) for table in tables))[0]
    return Estimate.of_draws(float(value), _spearmans(*draws), n)


def _spearmans(first: Floats, second: Floats) -> Floats:
    """Return Spearman's correlation of each row of (B, M) with the same row of the other; NaN where all are equal."""
    ranks = [rankdata(table.round(9), axis=1) for table in (first, second)]
    apart = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    spread = np.sqrt((apart[0] ** 2).sum(axis=1) * (apart[1] ** 2).sum(axis=1))
    together = (apart[0] * apart[1]).sum(axis=1)
    return np.asarray(np.divide(together, spread, out=np.full(len(spread), np.nan), where=spread > 0))
