"""Sample answers: the best, the median and the worst."""

from __future__ import annotations

from lab.report.images.thumbnail import data_url
from lab.results.run_figures import RunFigures
from lab.results.sample_answers import Sample, sample_answers
from lab.results.words import quoted
from lab.statistics import number

from ..section import Caption, Cell, Column, Exhibit, Section

COLUMNS = (
    Column("rank", "rank"),
    Column("miner", "miner"),
    Column("score", "score", 2),
    Column("quality", "true quality", 2),
    Column("kind", "task"),
    Column("difficulty", "difficulty", 2),
    Column("validator", "set by"),
)


def samples(run: RunFigures) -> Section:
    """Return sample answers of a run, each with its task."""
    answers = sample_answers(run.record, run.results)
    graded = sum(miner.score.n for miner in run.results.miners)
    caption = Caption(
        f"{len(answers)} of {graded:,} graded responses, picked by score: the best, around the median, and the worst "
        "of those that could be read.",
        "They show the extremes and the middle, not how often such answers occur.",
    )
    return Section(
        "samples",
        "Sample answers",
        caption if answers else Caption("No answer was graded.", "There is nothing to show."),
        COLUMNS,
        tuple(_row(sample) for sample in answers),
        exhibits=tuple(_exhibit(sample) for sample in answers),
    )


def _row(sample: Sample) -> tuple[Cell, ...]:
    return (
        sample.rank,
        sample.miner,
        sample.score,
        sample.quality,
        sample.kind,
        sample.difficulty,
        sample.validator,
    )


def _exhibit(sample: Sample) -> Exhibit:
    quality = "" if sample.quality is None else f", true quality {number(sample.quality)}"
    difficulty = "" if sample.difficulty is None else f" of difficulty {sample.difficulty:.2f}"
    notes = [
        f"score {number(sample.score)}{quality}",
        f"{sample.kind or 'task'}{difficulty}, set by {quoted(sample.validator)}",
    ]
    return Exhibit(
        f"{sample.rank.capitalize()}: {sample.miner}",
        data_url(sample.picture) if sample.picture else "",
        (sample.asked, sample.answered),
        (*notes, sample.note) if sample.note else tuple(notes),
    )
