"""What goes wrong with graders, on the grading study's page: cheating, bias, pay, and answers of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.report.plotting import Mark, Series, draw_heat, draw_rows, series_px
from lab.report.section import Caption, Cell, Column, Picture, Section
from lab.results.words import counted
from lab.statistics import Estimate, mean, ranked
from lab.studies.grading.bias import WORDS
from lab.studies.grading.cards import Card
from lab.studies.grading.grades import Floats, GradingData
from lab.studies.grading.tfidf_findings import FINDINGS, paid


def exploits(data: GradingData, found: Sequence[Card]) -> Section:
    """What every adversary earns under every grader."""
    names = [data.miners[column].name for column in data.adversaries]
    values = [[one.earned.value for one in card.exploits] for card in found]
    pairs = ranked(((card, one) for card in found for one in card.exploits), lambda pair: pair[1].earned.value)
    said = "What an adversary earns can't be said." if names else "There is no adversary."
    if pairs:
        card, one = pairs[0]
        said = (
            f"{one.adversary} earns most: under {card.name}, {one.earned.text()} times what the best honest miner "
            f"earns, the highest of {counted(len(pairs), 'pair')}."
        )
    height = 120.0 + 24 * len(found)
    return Section(
        key="exploits",
        title="What does cheating earn?",
        caption=Caption(
            said,
            "Score over that of the best honest miner on the same tasks; above 1 cheating pays better, and a dash says "
            "that honest work earns nothing at all. Ways to cheat that are not tried here may earn more.",
        ),
        columns=(
            Column("grader", "grader"),
            *(Column(name, name, 2, "×") for name in names),
            Column("relative_to", "over that of"),
        ),
        rows=tuple((card.name, *(one.earned for one in card.exploits), card.best) for card in found),
        picture=Picture(lambda ax: draw_heat([card.name for card in found], names, values, ax, top=1.5), height, height)
        if names
        else None,
    )


def bias_section(found: Sequence[Card]) -> Section:
    """What moves scores and should not."""
    marks = [Mark(card.name, bias.name, bias.effect) for card in found for bias in card.biases]
    probed = [name for name in WORDS if any(mark.series == name for mark in marks)]
    clear = [(card.name, bias) for card in found for bias in card.biases if bias.clear]
    said = (
        f"Of {counted(len(marks), 'effect')} looked at, {len(clear)} have an interval that leaves out 0, where chance "
        f"alone would leave about {len(marks) / 20:.0f}."
    )
    if clear:
        grader, bias = max(clear, key=lambda one: abs(one[1].effect.value or 0.0))
        words = f"{bias.name} ({WORDS[bias.name]})"
        said += f" The largest of them is {grader}'s to {words}: {bias.effect.text()} points of score."
    height = series_px(len({mark.row for mark in marks}), 4)
    return Section(
        key="bias",
        title="What moves a score and should not?",
        caption=Caption(
            said,
            "The same answers, changed in what should not matter. Intervals over few tasks are too narrow. Padding and "
            "injections are sentences of one sort; a padded right answer may truly be worse to whoever reads it.",
        ),
        columns=(
            Column("grader", "grader"),
            *(Column(name.replace(" ", "_"), name, 3) for name in probed),
        ),
        rows=tuple(
            (card.name, *({bias.name: bias.effect for bias in card.biases}.get(name) for name in probed))
            for card in found
            if card.biases
        ),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="points of score", at=0.0), height, height)
        if marks
        else None,
    )


def pay_section(data: GradingData, found: Sequence[Card]) -> Section:
    """What a grader's error does to the pay, epoch by epoch."""
    earned = [(card, card.pay) for card in found if card.pay is not None]
    lines = [
        Series(card.name, tuple((float(epoch + 1), figure) for epoch, figure in enumerate(pay.by_epoch)))
        for card, pay in earned
    ]
    by_rank = ranked(earned, lambda one: one[1].ranking.value)
    said = (
        "Under whom pay follows true quality least can't be said."
        if earned
        else "There were too few tasks for an epoch."
    )
    if by_rank:
        card, pay = by_rank[-1]
        said = (
            f"Paid by {card.name}, pay follows true quality least: Spearman {pay.ranking.text()} over "
            f"{counted(pay.miners, 'miner')}."
        )
    marks = [Mark(card.name, "misplaced", pay.misplaced) for card, pay in earned]
    height = series_px(len(earned))
    return Section(
        key="pay",
        title="What does its error do to the pay?",
        caption=Caption(
            f"{said} The picture: the share of pay that goes elsewhere than the truth would send it.",
            f"{counted(data.config.grading.validators, 'validator')} that all grade alike, through ledgers and Yuma "
            "consensus. Stake, bonds and validators that differ would spread it otherwise.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("misplaced", "misplaced pay", 1, " %", 100),
            Column("rank_correlation", "Spearman of pay", 2),
            Column("points_per_point", "points of pay for a point of error", 2),
            *(
                Column(f"rank_correlation_epoch_{epoch + 1}", f"epoch {epoch + 1}", 2)
                for epoch in range(max((len(line.marks) for line in lines), default=0))
            ),
        ),
        rows=tuple(_pay_row(card, max(len(line.marks) for line in lines)) for card, _ in earned),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="share of pay misplaced"), height, height)
        if marks
        else None,
    )


def _pay_row(card: Card, epochs: int) -> tuple[Cell, ...]:
    assert card.pay is not None
    by_epoch = [*card.pay.by_epoch, *[None] * (epochs - len(card.pay.by_epoch))]
    return (card.name, card.pay.misplaced, card.pay.ranking, card.pay.moved, *by_epoch)


def own_answers(data: GradingData, found: Sequence[Card]) -> list[Section]:
    """Validators that grade by an answer of their own: how they rank, and what their copier earns."""
    own = [card for card in found if card.grader.table.reference is not None]
    if not own:
        return []
    rows: list[tuple[Cell, ...]] = []
    premiums: list[tuple[str, Estimate]] = []
    for card in own:
        column, best = data.own(card.grader), data.best(card.grader)
        assert column is not None
        scores = card.grader.scores
        premium = _mean(scores[:, column] - scores[:, best])
        rows.append(
            (
                card.name,
                _mean(data.quality[:, column]),
                _mean(data.quality[:, best]),
                card.quality.pairwise_accuracy,
                _mean(scores[:, best]),
                premium,
            )
        )
        premiums.append((card.name, premium))
    said = "What a copier of the validator earns can't be said."
    for name, premium in ranked(premiums, lambda one: one[1].value)[:1]:
        said = f"Copying {name} earns {premium.text()} points more than the best honest miner does: its mimic premium."
    return [
        Section(
            key="own_answers",
            title="The paradox with real workers: validators that grade by an answer of their own",
            caption=Caption(
                said,
                "The validator works as one of the miners does, and that miner's score is what a copier earns. The "
                "best honest miner is the best of the others by true quality.",
            ),
            columns=(
                Column("grader", "grader"),
                Column("validator_quality", "true quality of its answers", 2),
                Column("best_quality", "of the best honest miner", 2),
                Column("pairwise_accuracy", "pairwise accuracy", 2),
                Column("ceiling", "score of the best honest miner", 2),
                Column("mimic_premium", "mimic premium", 2),
            ),
            rows=tuple(rows),
        )
    ]


def published(found: Sequence[Card]) -> list[Section]:
    """What was published about a grader of the study, computed again."""
    if not any(card.grader.kind == "tfidf_cubed" for card in found):
        return []
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (finding.answer, paid(finding), finding.paid, finding.text) for finding in FINDINGS
    )
    return [
        Section(
            key="published",
            title="What was published about TF-IDF cubed",
            caption=Caption(
                f"A word salad earns {paid(FINDINGS[1]):.2f} and a denial {paid(FINDINGS[2]):.2f}, a right paraphrase "
                f"{paid(FINDINGS[3]):.2f}: as published.",
                "The report names no sentences; these are ours, of the same length.",
            ),
            columns=(
                Column("answer", "answer"),
                Column("paid", "paid", 2),
                Column("published", "published", 2),
                Column("text", "text"),
            ),
            rows=rows,
        )
    ]


def _mean(values: Floats) -> Estimate:
    return mean(values[~np.isnan(values)].tolist())
