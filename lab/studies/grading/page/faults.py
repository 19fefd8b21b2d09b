"""Sections on what goes wrong with graders: exploits, biases, misplaced pay, and references of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.report.charts import Mark, draw_heat, draw_rows, series_px
from lab.report.section import Caption, Cell, Column, Picture, Section
from lab.results.words import counted, quoted
from lab.statistics import Estimate, mean, ranked
from lab.studies.grading.bias import WORDS
from lab.studies.grading.cards import Card
from lab.studies.grading.grades import Floats, GradingData
from lab.studies.grading.pay import PayEffect
from lab.studies.grading.tfidf_findings import FINDINGS, paid


def exploit_section(data: GradingData, graders: Sequence[Card]) -> Section:
    """What every adversary earns under every grader."""
    names = [data.miners[column].name for column in data.adversaries]
    values = [[exploit.earned.value for exploit in card.exploits] for card in graders]
    pairs = ranked(
        ((card, exploit) for card in graders for exploit in card.exploits), lambda pair: pair[1].earned.value
    )
    sentence = "The adversaries' earnings are unknown." if names else "There is no adversary."
    if pairs:
        card, most = pairs[0]
        sentence = (
            f"{quoted(most.adversary)} earns most: {most.earned.text()} times as much as the best honest miner under "
            f"{quoted(card.name)}, the highest of {counted(len(pairs), 'pair')}."
        )
    height = 120.0 + 24 * len(graders)
    return Section(
        key="exploits",
        title="What does cheating earn?",
        caption=Caption(
            sentence,
            "Scores over that of the best honest miner on the same tasks. Above 1, cheating pays better; a dash means "
            "that honest work earns nothing. Other ways to cheat may earn more.",
        ),
        columns=(
            Column("grader", "grader"),
            *(Column(name, name, 2, "×") for name in names),
            Column("relative_to", "relative to"),
        ),
        rows=tuple((card.name, *(exploit.earned for exploit in card.exploits), card.best) for card in graders),
        picture=Picture(
            lambda ax: draw_heat([card.name for card in graders], names, values, ax, top=1.5), height, height
        )
        if names
        else None,
    )


def bias_section(graders: Sequence[Card]) -> Section:
    """What moves scores but should not."""
    marks = [Mark(card.name, bias.name, bias.effect) for card in graders for bias in card.biases]
    probed = [name for name in WORDS if any(mark.series == name for mark in marks)]
    clear = [(card.name, bias) for card in graders for bias in card.biases if bias.clear]
    with_interval = [mark for mark in marks if mark.figure.low is not None]
    sentence = (
        f"Of {counted(len(with_interval), 'measured effect')} with an interval, {len(clear)} have one that excludes 0; "
        f"about {len(with_interval) / 20:.0f} would by chance."
    )
    if clear:
        grader, bias = max(clear, key=lambda pair: abs(pair[1].effect.value or 0.0))
        sentence += (
            f" The largest is the effect of {bias.name} ({WORDS[bias.name]}) under {quoted(grader)}: "
            f"{bias.effect.text()} "
            "points of score."
        )
    height = series_px(len({mark.row for mark in marks}), 4)
    return Section(
        key="bias",
        title="What moves a score but should not?",
        caption=Caption(
            sentence,
            "The same answers, with changes that should not matter. Only one kind of padding and of injection is "
            "tried, and a padded right answer may really be worse for a reader.",
        ),
        columns=(
            Column("grader", "grader"),
            *(Column(name.replace(" ", "_"), name, 3) for name in probed),
        ),
        rows=tuple(
            (card.name, *({bias.name: bias.effect for bias in card.biases}.get(name) for name in probed))
            for card in graders
            if card.biases
        ),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="points of score", at=0.0), height, height)
        if marks
        else None,
    )


def pay_section(data: GradingData, graders: Sequence[Card]) -> Section:
    """What a grader's error does to the pay, epoch by epoch."""
    paying = [(card, card.pay) for card in graders if card.pay is not None]
    epochs = max((len(pay.by_epoch) for _, pay in paying), default=0)
    by_correlation = ranked(paying, lambda pair: pair[1].ranking.value)
    sentence = (
        "Under which grader pay follows true quality least is unknown."
        if paying
        else "There were too few tasks for an epoch."
    )
    if by_correlation:
        card, pay = by_correlation[-1]
        sentence = (
            f"Pay follows true quality least under {quoted(card.name)}: Spearman {pay.ranking.text()} over "
            f"{counted(pay.miners, 'miner')}."
        )
    marks = [
        Mark(card.name, series, figure)
        for card, pay in paying
        for series, figure in (("misplaced", pay.misplaced), ("by bias", pay.biased))
    ]
    height = series_px(len(paying), 2)
    return Section(
        key="pay",
        title="What does a grader's error do to the pay?",
        caption=Caption(
            f"{sentence} The picture shows the share of pay that would go to other miners by the truth, "
            "and the part of it that the same grader would misplace on other tasks too.",
            f"{counted(data.config.grading.validators, 'validator')} of equal stake, all with the same grader, through "
            "ledgers and Yuma consensus. Different stakes, bonds or graders would distribute the pay differently.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("misplaced", "misplaced pay", 1, " %", 100),
            Column("biased", "by bias, not noise", 1, " %", 100),
            Column("rank_correlation", "Spearman of pay", 2),
            Column("points_per_point", "points of pay per point of error", 2),
            *(Column(f"rank_correlation_epoch_{epoch + 1}", f"epoch {epoch + 1}", 2) for epoch in range(epochs)),
        ),
        rows=tuple(_pay_row(card.name, pay, epochs) for card, pay in paying),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="share of pay misplaced"), height, height)
        if marks
        else None,
    )


def _pay_row(name: str, pay: PayEffect, epochs: int) -> tuple[Cell, ...]:
    by_epoch = [*pay.by_epoch, *[None] * (epochs - len(pay.by_epoch))]
    return (name, pay.misplaced, pay.biased, pay.ranking, pay.moved, *by_epoch)


def own_answer_sections(data: GradingData, graders: Sequence[Card]) -> list[Section]:
    """Validators that compare with an answer of their own: how they rank, and what their copier earns."""
    own = [card for card in graders if card.grader.table.reference is not None]
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
    sentence = "What a copier of the validator earns is unknown."
    for name, premium in ranked(premiums, lambda pair: pair[1].value)[:1]:
        sentence = (
            f"Copying {quoted(name)} earns {premium.text()} points more than the best honest miner, its mimic premium."
        )
    return [
        Section(
            key="own_answers",
            title="The paradox with real workers: validators that compare with an answer of their own",
            caption=Caption(
                sentence,
                "The validator works like one of the miners, so that miner's score is what a copier earns. The best "
                "honest miner is the best of the others by true quality.",
            ),
            columns=(
                Column("grader", "grader"),
                Column("validator_quality", "true quality of its answers", 2),
                Column("best_quality", "true quality of the best honest miner", 2),
                Column("pairwise_accuracy", "pairwise accuracy", 2),
                Column("ceiling", "score of the best honest miner", 2),
                Column("mimic_premium", "mimic premium", 2),
            ),
            rows=tuple(rows),
        )
    ]


def tfidf_sections(graders: Sequence[Card]) -> list[Section]:
    """Published findings about a grader of the study, reproduced."""
    if not any(card.grader.kind == "tfidf_cubed" for card in graders):
        return []
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (finding.answer, paid(finding), finding.paid, finding.text) for finding in FINDINGS
    )
    return [
        Section(
            key="published",
            title="Published findings about TF-IDF cubed",
            caption=Caption(
                f"A word salad earns {paid(FINDINGS[1]):.2f}, a negated answer {paid(FINDINGS[2]):.2f}, and a right "
                f"paraphrase {paid(FINDINGS[3]):.2f}, as published.",
                "The report quotes no sentences; these are ours, of the same length.",
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
