"""The page of the grading study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.captions import Caption
from lab.standings import counted
from lab.statistics import Figure

from .grading import GradingConfig
from .grading_cards import Card, cards, links, write
from .grading_charts import Mark, draw_heat, draw_rows, draw_scatter, rows_px
from .grading_data import GradingData, value_of
from .grading_faults_page import bias_section, exploits, own_answers, pay_section, published
from .grading_paradox_page import paradox_sections
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
        _agreement(data, found),
        _cost(found),
        exploits(data, found),
        bias_section(found),
        pay_section(data, found),
        *own_answers(data, found),
        *paradox_sections(data),
        *published(found),
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
    ranked = sorted(found, key=lambda card: (-value_of(card.quality.soft_pairwise_accuracy), card.name))
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
        most = max(paid_off, key=lambda card: value_of(card.pay.misplaced if card.pay else None))
        assert most.pay is not None
        misplaced = most.pay.misplaced
        said.append(
            f"Paid by {most.name}, {100 * value_of(misplaced):.0f} % ({_percent(misplaced)}, n={misplaced.n}) of the "
            "miners' pay goes elsewhere than the truth would send it."
        )
    return said


def _quality(found: Sequence[Card]) -> Section:
    by_rank = sorted(found, key=lambda card: (-value_of(card.quality.soft_pairwise_accuracy), card.name))
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
    best = max(found, key=lambda card: value_of(card.quality.auc))
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


def _agreement(data: GradingData, found: Sequence[Card]) -> Section:
    names = [card.name for card in found]
    alpha = data.agreement()
    known = [
        (figure, card.name, other) for card in found for other, figure in card.agreement if figure.value is not None
    ]
    said = f"Over all graders' scores Krippendorff's α is {alpha.text()} (0.8 is the usual mark for agreement)."
    if known:
        figure, first, second = min(known, key=lambda pair: (value_of(pair[0]), pair[1], pair[2]))
        said += f" On right and wrong {first} and {second} agree least: κ {figure.text()}."
    rows: list[tuple[Cell, ...]] = [("all, Krippendorff's α", "each other", alpha, "–", None)]
    for card in found:
        others = [(figure, other) for other, figure in card.agreement if figure.value is not None]
        if others:
            closest, farthest = (pick(others, key=lambda one: (value_of(one[0]), one[1])) for pick in (max, min))
            rows.append((card.name, closest[1], closest[0], farthest[1], farthest[0]))
    kappas = [{**dict(card.agreement), card.name: Figure(1.0, None, None, 0)} for card in found]
    values = [[by_name[name].value for name in names] for by_name in kappas]
    height = 120.0 + 24 * len(names)
    return Section(
        key="agreement",
        title="Do the graders agree?",
        caption=Caption(
            f"{said} The picture: Cohen's κ of every pair.",
            "κ counts a score of a half or more as right. Graders that share a mistake agree as well as graders "
            "that are right. Every pair's interval is in the cards.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("closest", "agrees most with"),
            Column("closest_agreement", "κ or α", 2),
            Column("farthest", "least with"),
            Column("farthest_agreement", "κ", 2),
        ),
        rows=tuple(rows),
        picture=Picture(lambda ax: draw_heat(names, names, values, ax, top=1.0), height, height),
    )


def _cost(found: Sequence[Card]) -> Section:
    marks = [(card.name, card.grader.cpu_s, card.quality.soft_pairwise_accuracy) for card in found]
    known = [card for card in found if card.grader.cpu_s.value]
    said = "No grade was metered."
    if known:
        dear = max(known, key=lambda card: value_of(card.grader.cpu_s))
        cheap = min(known, key=lambda card: value_of(card.grader.cpu_s))
        times = value_of(dear.grader.cpu_s) / value_of(cheap.grader.cpu_s)
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


def _percent(figure: Figure) -> str:
    return f"{100 * (figure.low or 0.0):.0f} to {100 * (figure.high or 0.0):.0f} %"
