"""The page of the grading study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.captions import Caption
from lab.standings import counted
from lab.statistics import Figure

from .grading import GradingConfig
from .grading_bias import WORDS
from .grading_cards import Card, cards, links, write
from .grading_charts import Line, Mark, draw_heat, draw_rows, draw_scatter, rows_px
from .grading_data import GradingData
from .grading_paradox_page import paradox_sections
from .grading_published import FINDINGS, paid
from .publication import Cell, Column, Picture, Publication, Section

BEATS = 1.0


def publication(data: GradingData, config: GradingConfig, folder: Path) -> Publication:
    """Put the study's answers together, and write the graders' cards into `folder`/cards."""
    found = cards(data)
    for card in found:
        write(card, folder / "cards")
    sections = [
        _quality(found),
        _telling(found),
        _agreement(data),
        _cost(found),
        _exploits(data, found),
        _bias(found),
        _pay(data, found),
        *_own(data, found),
        *paradox_sections(data),
        *_published(found),
    ]
    return Publication(
        study="grading",
        title="Who grades the graders",
        findings=tuple(_findings(data, found)),
        sections=tuple(sections),
        facts=(
            ("subnet", config.subnet.key),
            ("miners", ", ".join(miner.name if miner.honest else f"{miner.name}*" for miner in data.miners)),
            ("tasks", f"{len(data.places)}; an answer of quality {config.grading.right_at:g} or more is right"),
            ("seed", str(config.seed)),
            ("prices", f"${config.prices.cpu_hour_usd:g} for a core-hour, as of {config.prices.date}"),
        ),
        links=links(found),
    )


def _findings(data: GradingData, found: Sequence[Card]) -> list[str]:
    ranked = sorted(found, key=lambda card: (-_value(card.quality.soft_pairwise_accuracy), card.name))
    best, worst = ranked[0], ranked[-1]
    said = [
        f"Of {counted(len(found), 'grader')}, {best.name} ranks the honest miners best, with a soft pairwise accuracy "
        f"of {best.quality.soft_pairwise_accuracy.text()}, and {worst.name} worst, with "
        f"{worst.quality.soft_pairwise_accuracy.text()}."
    ]
    gamed = [
        (card, *card.worst)
        for card in found
        if card.worst is not None and card.worst[1].low is not None and card.worst[1].low > BEATS
    ]
    if gamed:
        card, name, earned = max(gamed, key=lambda one: one[2].value or 0.0)
        said.append(
            f"Under {counted(len(gamed), 'grader')} ({', '.join(one[0].name for one in gamed)}) an adversary out-earns "
            f"the best honest miner; most under {card.name}, where {name} earns {earned.text()} times as much."
        )
    else:
        said.append("Under none of them does an adversary earn clearly more than the best honest miner.")
    paid_off = [card for card in found if card.pay is not None and card.pay.misplaced.value is not None]
    if paid_off:
        most = max(paid_off, key=lambda card: _value(card.pay.misplaced if card.pay else None))
        assert most.pay is not None
        misplaced = most.pay.misplaced
        said.append(
            f"Paid by {most.name}, {100 * _value(misplaced):.0f} % ({_percent(misplaced)}, n={misplaced.n}) of the "
            "miners' pay goes elsewhere than the truth would send it."
        )
    return said


def _quality(found: Sequence[Card]) -> Section:
    by_rank = sorted(found, key=lambda card: (-_value(card.quality.soft_pairwise_accuracy), card.name))
    marks = [
        Mark(card.name, series, figure)
        for card in by_rank
        for series, figure in (
            ("pairwise accuracy", card.quality.pairwise_accuracy),
            ("soft pairwise accuracy", card.quality.soft_pairwise_accuracy),
        )
    ]
    height = rows_px(len(found), 2)
    first = by_rank[0]
    return Section(
        key="quality",
        title="Does it rank the miners rightly?",
        caption=Caption(
            f"{first.name} ranks the honest miners best; a grader at 0.5 (dashed) orders pairs no better than a coin.",
            "Over the honest miners of this study alone; miners that are closer together are harder to rank. A grader "
            "with an answer of its own is not judged by the miner that gives it.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("pairwise_accuracy", "pairwise accuracy", 2),
            Column("soft_pairwise_accuracy", "soft pairwise accuracy", 2),
            Column("spearman", "Spearman", 2),
            Column("kendall_tau_b", "Kendall τ-b", 2),
            Column("with_adversaries", "with adversaries", 2),
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
                card.quality.tasks_to_separate,
            )
            for card in by_rank
        ),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="share of pairs", at=0.5), height, height),
    )


def _telling(found: Sequence[Card]) -> Section:
    marks = [Mark(card.name, "AUC", card.quality.auc) for card in found]
    best = max(found, key=lambda card: _value(card.quality.auc))
    height = rows_px(len(found))
    return Section(
        key="right_or_wrong",
        title="Does it tell right answers from wrong ones?",
        caption=Caption(
            f"{best.name} tells them apart best: a right answer scores above a wrong one with probability "
            f"{best.quality.auc.text()}.",
            "Brier score and calibration error are given where a score claims to be a probability. Kappa and AUC "
            "depend on how many answers are right.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("auc", "AUC", 2),
            Column("kappa", "Cohen's κ", 2),
            Column("brier", "Brier", 3),
            Column("calibration_error", "calibration error", 3),
            Column("spread", "spread graded again", 4),
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
            for card in found
        ),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="AUC", at=0.5), height, height),
    )


def _agreement(data: GradingData) -> Section:
    names = [grader.name for grader in data.graders]
    kappas = [[data.kappa(first, second) for second in data.graders] for first in data.graders]
    pairs = [(kappas[i][j], names[i], names[j]) for i in range(len(names)) for j in range(i)]
    alpha = data.agreement()
    said = f"Over all graders' scores Krippendorff's α is {alpha.text()} (0.8 is the usual mark for agreement)."
    known = [pair for pair in pairs if pair[0].value is not None]
    if known:
        figure, first, second = min(known, key=lambda pair: (_value(pair[0]), pair[1], pair[2]))
        said += f" On right and wrong {first} and {second} agree least: κ {figure.text()}."
    values = [[figure.value for figure in row] for row in kappas]
    height = 120.0 + 24 * len(names)
    return Section(
        key="agreement",
        title="Do the graders agree?",
        caption=Caption(
            said,
            "κ counts a score of a half or more as right. Graders that share a mistake agree as well as graders "
            "that are right.",
        ),
        columns=(
            Column("first", "grader"),
            Column("second", "and"),
            Column("measure", "measure"),
            Column("agreement", "agreement", 2),
        ),
        rows=(
            ("all", "each other", "Krippendorff's α", alpha),
            *((first, second, "Cohen's κ", figure) for figure, first, second in pairs),
        ),
        picture=Picture(lambda ax: draw_heat(names, names, values, ax, top=1.0), height, height) if pairs else None,
    )


def _cost(found: Sequence[Card]) -> Section:
    marks = [(card.name, card.grader.cpu_s, card.quality.soft_pairwise_accuracy) for card in found]
    known = [card for card in found if card.grader.cpu_s.value]
    said = "No grade was metered."
    if known:
        dear = max(known, key=lambda card: _value(card.grader.cpu_s))
        cheap = min(known, key=lambda card: _value(card.grader.cpu_s))
        times = _value(dear.grader.cpu_s) / _value(cheap.grader.cpu_s)
        said = (
            f"A grade by {dear.name} takes {dear.grader.cpu_s.text(3, ' s')} of CPU, {times:,.0f} times as much as one "
            f"by {cheap.name}."
        )
    return Section(
        key="cost",
        title="What does a grade cost?",
        caption=Caption(
            said,
            "CPU of this machine at the prices below; a validator's own answer is part of its grades' cost. Loading "
            "a model is not.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("cpu_s", "CPU of a grade", 3, " ms", 1000),
            Column("usd", "$ for a million", 2, "", 1_000_000),
            Column("tokens", "tokens", 0),
            Column("unscored", "unscored", 1, " %", 100),
        ),
        rows=tuple(
            (card.name, card.grader.cpu_s, card.grader.usd, card.grader.tokens, card.grader.unscored) for card in found
        ),
        picture=Picture(
            lambda ax: draw_scatter(marks, ax, x="CPU seconds of a grade", title="soft pairwise accuracy"), 360, 420
        ),
    )


def _exploits(data: GradingData, found: Sequence[Card]) -> Section:
    names = [data.miners[column].name for column in data.adversaries]
    values = [[dict(card.exploits)[name].value for name in names] for card in found]
    paid = [(card.worst[1], card.worst[0], card.name) for card in found if card.worst is not None]
    said = "There is no adversary."
    if paid:
        earned, name, grader = max(paid, key=lambda one: (_value(one[0]), one[1], one[2]))
        said = f"{name} earns most: under {grader}, {earned.text()} times what the best honest miner earns."
    rows: list[tuple[Cell, ...]] = [
        (card.name, name, figure, card.best) for card in found for name, figure in card.exploits
    ]
    height = 120.0 + 24 * len(found)
    return Section(
        key="exploits",
        title="What does cheating earn?",
        caption=Caption(
            said,
            "Score over that of the best honest miner on the same tasks; above 1 cheating pays better. Ways to cheat "
            "that are not tried here may earn more.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("adversary", "adversary"),
            Column("earned", "earned", 2, "×"),
            Column("relative_to", "over that of"),
        ),
        rows=tuple(rows),
        picture=Picture(lambda ax: draw_heat([card.name for card in found], names, values, ax, top=1.5), height, height)
        if names
        else None,
    )


def _bias(found: Sequence[Card]) -> Section:
    marks = [Mark(card.name, bias.name, bias.effect) for card in found for bias in card.biases]
    clear = [(bias, card.name) for card in found for bias in card.biases if bias.clear]
    said = "No bias that was probed can be told from none."
    if clear:
        bias, grader = max(clear, key=lambda one: (abs(_value(one[0].effect)), one[1]))
        said = (
            f"The clearest bias is {grader}'s to {bias.name} ({WORDS[bias.name]}): {bias.effect.text()} points of "
            "score."
        )
    height = rows_px(len({mark.row for mark in marks}), 4)
    return Section(
        key="bias",
        title="What moves a score and should not?",
        caption=Caption(
            said,
            "The same answers, changed in what should not matter. Padding and injections are sentences of one sort; "
            "a right answer that is padded may truly be worse to whoever reads it.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("bias", "bias"),
            Column("effect", "effect", 3),
            Column("clear", "interval leaves out 0"),
        ),
        rows=tuple((card.name, bias.name, bias.effect, bias.clear) for card in found for bias in card.biases),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="points of score", at=0.0), height, height)
        if marks
        else None,
    )


def _pay(data: GradingData, found: Sequence[Card]) -> Section:
    paid = [(card, card.pay) for card in found if card.pay is not None]
    lines = [
        Line(card.name, tuple((float(epoch + 1), figure) for epoch, figure in enumerate(pay.by_epoch)))
        for card, pay in paid
    ]
    said = "There were too few tasks for an epoch."
    if paid:
        lowest = min(paid, key=lambda one: (_value(one[1].ranking), one[0].name))
        said = (
            f"Paid by {lowest[0].name}, pay follows true quality least: Spearman {lowest[1].ranking.text()} over "
            f"{counted(len(data.miners), 'miner')}."
        )
    marks = [Mark(card.name, "misplaced", pay.misplaced) for card, pay in paid]
    height = rows_px(len(paid))
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
        rows=tuple(_pay_row(card, max(len(line.marks) for line in lines)) for card, _ in paid),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="share of pay misplaced"), height, height)
        if marks
        else None,
    )


def _pay_row(card: Card, epochs: int) -> tuple[Cell, ...]:
    assert card.pay is not None
    by_epoch = [*card.pay.by_epoch, *[None] * (epochs - len(card.pay.by_epoch))]
    return (card.name, card.pay.misplaced, card.pay.ranking, card.pay.moved, *by_epoch)


def _own(data: GradingData, found: Sequence[Card]) -> list[Section]:
    """Validators that grade by an answer of their own: how they rank, and what their copier earns."""
    own = [card for card in found if card.grader.table.reference is not None]
    if not own:
        return []
    rows: list[tuple[Cell, ...]] = []
    for card in own:
        column, best = data.own(card.grader), data.best(card.grader)
        assert column is not None
        scores = card.grader.scores
        rows.append(
            (
                card.name,
                _mean(data.quality[:, column]),
                _mean(data.quality[:, best]),
                card.quality.pairwise_accuracy,
                _mean(scores[:, best]),
                _mean(scores[:, column] - scores[:, best]),
            )
        )
    worst = max(rows, key=lambda row: _value(row[5] if isinstance(row[5], Figure) else None))
    assert isinstance(worst[5], Figure)
    return [
        Section(
            key="own_answers",
            title="The paradox with real workers: validators that grade by an answer of their own",
            caption=Caption(
                f"Copying {worst[0]} earns {worst[5].text()} points more than the best honest miner does: its mimic "
                "premium.",
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


def _published(found: Sequence[Card]) -> list[Section]:
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


def _mean(values: object) -> Figure:
    import numpy as np

    from lab.statistics import mean

    known = np.asarray(values, dtype=float)
    return mean(known[~np.isnan(known)].tolist())


def _value(figure: Figure | None) -> float:
    return 0.0 if figure is None or figure.value is None else figure.value


def _percent(figure: Figure) -> str:
    return f"{100 * (figure.low or 0.0):.0f} to {100 * (figure.high or 0.0):.0f} %"
