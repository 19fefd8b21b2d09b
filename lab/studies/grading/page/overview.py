"""The page of the grading study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.report.plotting import Mark, draw_heat, draw_rows, draw_scatter, series_px
from lab.report.section import Caption, Cell, Column, Picture, Publication, Section
from lab.results.words import counted
from lab.statistics import Estimate, ranked
from lab.studies.grading.cards import Card, cards, links, write
from lab.studies.grading.config import GradingConfig
from lab.studies.grading.exploits import ALPHA
from lab.studies.grading.grades import GradingData

from .faults import bias_section, exploits, own_answers, pay_section, published
from .paradox import paradox_sections


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
    return [_best_and_worst(found), _gamed(found), *_misplaced(found)]


def _best_and_worst(found: Sequence[Card]) -> str:
    by_rank = _by_rank(found)
    if not by_rank:
        return f"Which of {counted(len(found), 'grader')} ranks the honest miners best can't be said."
    best, worst = by_rank[0], by_rank[-1]
    return (
        f"Of {counted(len(by_rank), 'grader')}, {best.name} ranks the honest miners best, with a soft pairwise "
        f"accuracy of {best.quality.soft_pairwise_accuracy.text()}, and {worst.name} worst, with "
        f"{worst.quality.soft_pairwise_accuracy.text()}."
    )


def _gamed(found: Sequence[Card]) -> str:
    """Say under whom cheating pays, of all adversaries that were tried."""
    pairs = [(card, one) for card in found for one in card.exploits if one.p_value is not None]
    if not pairs:
        return "What cheating earns can't be said: no adversary was scored."
    tested = (
        f"sign-flip test of {counted(len(pairs), 'pair')} of grader and adversary on the same tasks, Holm over all of "
        f"them, at {ALPHA:g}"
    )
    gamed = list(dict.fromkeys(card.name for card, one in pairs if one.pays))
    if not gamed:
        return f"Under none of them does an adversary out-earn the best honest miner by more than chance ({tested})."
    most = next(iter(ranked((pair for pair in pairs if pair[1].pays), lambda pair: pair[1].earned.value)), None)
    said = f"Under {counted(len(gamed), 'grader')} ({', '.join(gamed)}) an adversary out-earns the best honest miner"
    if most is not None:
        card, one = most
        said += f", most under {card.name}, where {one.adversary} earns {one.earned.text()} times as much"
    return f"{said} ({tested})."


def _misplaced(found: Sequence[Card]) -> list[str]:
    paid = ranked(((card, card.pay.misplaced) for card in found if card.pay is not None), lambda one: one[1].value)
    return [
        f"Most pay is misplaced by {card.name}: {misplaced.percent()} goes elsewhere than the truth would send it."
        for card, misplaced in paid[:1]
    ]


def _by_rank(found: Sequence[Card]) -> list[Card]:
    """Those graders whose ranking could be judged, the best first."""
    return ranked(found, lambda card: card.quality.soft_pairwise_accuracy.value)


def _quality(found: Sequence[Card]) -> Section:
    judged = _by_rank(found)
    by_rank = [*judged, *(card for card in found if card not in judged)]
    said = (
        f"{judged[0].name} ranks the honest miners best" if judged else "Who ranks the honest miners best can't be said"
    )
    marks = [
        Mark(card.name, series, figure)
        for card in by_rank
        for series, figure in (
            ("pairwise accuracy", card.quality.pairwise_accuracy),
            ("soft pairwise accuracy", card.quality.soft_pairwise_accuracy),
        )
    ]
    height = series_px(len(found), 2)
    return Section(
        key="quality",
        title="Does it rank the miners rightly?",
        caption=Caption(
            f"{said}; a grader at 0.5 (dashed) orders pairs no better than a coin.",
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
    best = ranked(found, lambda card: card.quality.auc.value)
    said = (
        f"{best[0].name} tells them apart best: a right answer scores above a wrong one with probability "
        f"{best[0].quality.auc.text()}."
        if best
        else "Which grader tells them apart best can't be said: none scored both right and wrong answers."
    )
    height = series_px(len(found))
    return Section(
        key="right_or_wrong",
        title="Does it tell right answers from wrong ones?",
        caption=Caption(
            said,
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
    pairs = ranked(
        ((card.name, other, figure) for card in found for other, figure in card.agreement), lambda pair: pair[2].value
    )
    said = f"Over all graders' scores Krippendorff's α is {alpha.text()} (0.8 is the usual mark for agreement)."
    if pairs:
        first, second, figure = pairs[-1]
        said += f" On right and wrong {first} and {second} agree least: κ {figure.text()}."
    rows: list[tuple[Cell, ...]] = [("all, Krippendorff's α", "each other", alpha, "–", None)]
    for card in found:
        others = ranked(card.agreement, lambda one: one[1].value)
        if others:
            rows.append((card.name, *others[0], *others[-1]))
    kappas = [{**dict(card.agreement), card.name: Estimate(1.0, None, None, 0)} for card in found]
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
    by_cost = ranked(found, lambda card: card.grader.cpu_s.value)
    said = "No grade was metered."
    if by_cost:
        dear, cheap = by_cost[0], by_cost[-1]
        said = (
            f"A grade by {dear.name} takes {dear.grader.cpu_s.scaled(1000).text(3, ' ms')} of CPU, one by {cheap.name} "
            f"{cheap.grader.cpu_s.scaled(1000).text(3, ' ms')}."
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
