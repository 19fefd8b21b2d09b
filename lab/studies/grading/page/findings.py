"""Findings of the grading study, and the order of its sections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.report.section import Publication
from lab.results.words import counted, listed, quoted
from lab.statistics import ranked
from lab.statistics.paired import TEST
from lab.studies.grading.cards import Card, cards, links, write
from lab.studies.grading.config import GradingConfig
from lab.studies.grading.exploits import ALPHA
from lab.studies.grading.grades import GradingData

from .agreement import agreement_section
from .cost import cost_section
from .engines import engine_sections
from .faults import bias_section, exploit_section, own_answer_sections, pay_section, tfidf_sections
from .paradox import paradox_sections
from .quality import SOFT_ACCURACY, by_ranking, leaders, leading, quality_section, right_or_wrong_section
from .recorded import recorded_sections
from .transfer import transfer_sections


def page(data: GradingData, config: GradingConfig, folder: Path) -> Publication:
    """Write the study's findings and sections, and the graders' cards into `folder`/cards."""
    graders = cards(data)
    for card in graders:
        write(card, folder / "cards")
    sections = [
        quality_section(graders),
        right_or_wrong_section(graders),
        agreement_section(data, graders),
        cost_section(graders),
        exploit_section(data, graders),
        bias_section(graders),
        pay_section(data, graders),
        *own_answer_sections(data, graders),
        *engine_sections(data, graders),
        *paradox_sections(data),
        *transfer_sections(data),
        *recorded_sections(data),
        *tfidf_sections(graders),
    ]
    return Publication(
        name="grading",
        title="Who grades the graders",
        findings=(_best_and_worst(graders), _exploited(graders), *_misplaced(graders)),
        sections=tuple(sections),
        facts=(
            ("subnet", config.subnet.key),
            ("miners", ", ".join(miner.name if miner.honest else f"{miner.name}*" for miner in data.miners)),
            ("tasks", f"{len(data.keys)}; an answer of quality {config.grading.right_at:g} or more counts as right"),
            ("seed", str(config.seed)),
            ("prices", f"${config.prices.cpu_hour_usd:g} for a core-hour, as of {config.prices.date}"),
        ),
        links=links(graders),
    )


def _best_and_worst(graders: Sequence[Card]) -> str:
    judged = by_ranking(graders)
    if not judged:
        return f"It is unknown which of {counted(len(graders), 'grader')} ranks the honest miners best."
    best, worst = judged[0].quality.soft_pairwise_accuracy, judged[-1].quality.soft_pairwise_accuracy
    tied = leading(judged, SOFT_ACCURACY, "rank")
    if len(leaders(judged, SOFT_ACCURACY)) == len(judged):
        equally = " equally well" if len(judged) > 1 else ""
        return f"{tied} the honest miners{equally}, with a soft pairwise accuracy of {best.text()}."
    return (
        f"Of {counted(len(judged), 'grader')}, {tied} the honest miners best, with a soft pairwise accuracy of "
        f"{best.text()}, and {quoted(judged[-1].name)} worst, with {worst.text()}."
    )


def _exploited(graders: Sequence[Card]) -> str:
    """Name the graders under which cheating pays."""
    pairs = [(card, exploit) for card in graders for exploit in card.exploits if exploit.p_value is not None]
    if not pairs:
        return "What cheating earns is unknown: no adversary was scored."
    test = (
        f"{TEST} of {counted(len(pairs), 'pair')} of grader and adversary on the same tasks, Holm over all of "
        f"them, at {ALPHA:g}"
    )
    exploited = list(dict.fromkeys(card.name for card, exploit in pairs if exploit.pays))
    if not exploited:
        return f"Under no grader does an adversary significantly out-earn the best honest miner ({test})."
    sentence = (
        f"Under {counted(len(exploited), 'grader')} ({listed(map(quoted, exploited))}) an adversary significantly "
        "out-earns the "
        "best honest miner"
    )
    for card, exploit in ranked((pair for pair in pairs if pair[1].pays), lambda pair: pair[1].earned.value)[:1]:
        sentence += (
            f", by most under {quoted(card.name)}, where {quoted(exploit.adversary)} earns "
            f"{exploit.earned.text()} times as much"
        )
    return f"{sentence} ({test})."


def _misplaced(graders: Sequence[Card]) -> list[str]:
    paying = [(card, card.pay) for card in graders if card.pay is not None]
    return [
        f"{quoted(card.name)} misplaces the most pay: by the truth, {pay.misplaced.percent()} of it would go to other "
        f"miners, {pay.biased.percent()} because of its bias and not of noise."
        for card, pay in ranked(paying, lambda pair: pair[1].misplaced.value)[:1]
    ]
