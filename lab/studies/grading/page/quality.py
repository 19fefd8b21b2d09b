"""Sections on quality: does a grader rank the miners, and tell right answers from wrong ones?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter

from lab.report.charts import Mark, draw_rows, series_px
from lab.report.section import Caption, Column, Picture, Section
from lab.results.words import listed, quoted
from lab.statistics import Estimate, ranked
from lab.studies.grading.cards import Card

AUC: Callable[[Card], Estimate] = attrgetter("quality.auc")
SOFT_ACCURACY: Callable[[Card], Estimate] = attrgetter("quality.soft_pairwise_accuracy")


def by_ranking(graders: Sequence[Card]) -> list[Card]:
    """Return the graders whose ranking could be judged, the best first."""
    return ranked(graders, lambda card: card.quality.soft_pairwise_accuracy.value)


def leaders(graders: Sequence[Card], figure: Callable[[Card], Estimate]) -> list[Card]:
    """Return the graders whose figure is the highest, as it is printed with two decimals: several at a tie."""
    known = ranked(graders, lambda card: figure(card).value)
    return [card for card in known if f"{figure(card).value:.2f}" == f"{figure(known[0]).value:.2f}"]


def leading(graders: Sequence[Card], figure: Callable[[Card], Estimate], verb: str) -> str:
    """Name the best, as in "'a' ranks": `verb` is "rank"; all of them at a tie, as in "'a' and 'b' rank"."""
    names = [quoted(card.name) for card in leaders(graders, figure)]
    return f"{listed(names)} {verb}{'s' if len(names) == 1 else ''}"


def quality_section(graders: Sequence[Card]) -> Section:
    """How well each grader ranks the honest miners."""
    judged = by_ranking(graders)
    ordered = [*judged, *(card for card in graders if card not in judged)]
    best = (
        f"{leading(judged, SOFT_ACCURACY, 'rank')} the honest miners best"
        if judged
        else "The best ranking of the honest miners is unknown"
    )
    marks = [
        Mark(card.name, series, figure)
        for card in ordered
        for series, figure in (
            ("pairwise accuracy", card.quality.pairwise_accuracy),
            ("soft pairwise accuracy", card.quality.soft_pairwise_accuracy),
        )
    ]
    height = series_px(len(graders), 2)
    return Section(
        key="quality",
        title="Does it rank the miners correctly?",
        caption=Caption(
            f"{best}; a grader at 0.5 (dashed) orders pairs no better than a coin toss.",
            "The order is that of realised quality, the mean over the answers that were graded; against what is known "
            "of oracles beforehand, graders agree less. Only the honest miners of this study count; miners of more "
            "similar quality are harder to rank. A grader that compares with a miner's answers is not judged on that "
            "miner.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("pairwise_accuracy", "pairwise accuracy", 2),
            Column("soft_pairwise_accuracy", "soft pairwise accuracy", 2),
            Column("spearman", "Spearman", 2),
            Column("kendall_tau_b", "Kendall τ-b", 2),
            Column("with_adversaries", "with adversaries", 2),
            Column("known_accuracy", "against known accuracy", 2),
            Column("tasks_to_separate", "tasks to separate 5 points", 0),
        ),
        rows=tuple(
            (
                card.name,
                card.quality.pairwise_accuracy,
                card.quality.soft_pairwise_accuracy,
                card.quality.spearman,
                card.quality.kendall,
                card.quality.with_adversaries,
                card.quality.known_accuracy,
                card.quality.tasks_to_separate,
            )
            for card in ordered
        ),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="share of pairs", at=0.5), height, height),
    )


def right_or_wrong_section(graders: Sequence[Card]) -> Section:
    """How well each grader tells right answers from wrong ones."""
    marks = [Mark(card.name, "AUC", card.quality.auc) for card in graders]
    known = ranked(graders, lambda card: card.quality.auc.value)
    best = (
        f"{leading(known, AUC, 'tell')} them apart best: a right answer scores above a wrong one with probability "
        f"{known[0].quality.auc.text()}."
        if known
        else "Which grader tells them apart best is unknown: none scored both right and wrong answers."
    )
    height = series_px(len(graders))
    return Section(
        key="right_or_wrong",
        title="Does it tell right answers from wrong ones?",
        caption=Caption(
            best,
            "Brier score and calibration error are given for scores that claim to be probabilities; an interval of the "
            "error that starts at 0 says that they may be calibrated. κ takes these as right from a half, and other "
            "scores from the quality that counts as right. Kappa and AUC depend on the share of right answers.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("auc", "AUC", 2),
            Column("kappa", "Cohen's κ", 2),
            Column("brier", "Brier", 3),
            Column("calibration_error", "calibration error", 3),
            Column("spread", "spread over repeats", 4),
        ),
        rows=tuple(
            (
                card.name,
                card.quality.auc,
                card.quality.kappa,
                card.quality.brier,
                card.quality.calibration,
                card.quality.spread,
            )
            for card in graders
        ),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="AUC", at=0.5), height, height),
    )
