"""Section on detection: can a relay be told from a local model?"""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.section import Caption, Cell, Column, Picture, Section
from lab.results.words import counted
from lab.statistics import ranked
from lab.studies.miners import plots
from lab.studies.miners.detection import OBSERVED, PROMPTS, DetectionResult, Power

from .table import without_empty_columns


def detection_section(results: Sequence[DetectionResult]) -> Section:
    """How well each pair of miners can be told apart, by group of features and number of prompts."""
    unseen = sorted({group for result in results for group in result.unseen})
    missing = f" Not recorded here, and therefore not tried: {', '.join(unseen)}." if unseen else ""
    return without_empty_columns(
        key="detection",
        title="Can a relay be told from a local model?",
        caption=Caption(
            " ".join(filter(None, map(detection_sentence, results)))
            or "Too few tasks were answered by both miners of a pair.",
            "The relay's server runs on this machine: over a network its latency would differ more, and a deliberate "
            "wait could hide it. Token timing comes from the engines' clocks; validators receive answers whole and "
            "can't see it. Caught is the share of relays detected at 1 % false alarms. Log-probabilities are those of "
            "the text under the validator's own copy; miners send none. Half of the tasks fit the detector, and n "
            "counts the others. The evidence of several prompts is taken to add up to a normal distribution; what 1 % "
            f"false alarms catch is left out where so few tasks can't tell.{missing}",
        ),
        columns=(
            Column("pair", "pair"),
            Column("seen", "features"),
            *(Column(f"auc_{prompts}", f"AUC, {counted(prompts, 'prompt')}", 2) for prompts in PROMPTS),
            *(Column(f"caught_{prompts}", f"caught, {prompts}", 0, " %", 100) for prompts in PROMPTS),
        ),
        rows=tuple(row for result in results for row in _rows(result)),
        picture=Picture(lambda ax: plots.detections(results, ax), 380, 460),
    )


def _rows(result: DetectionResult) -> list[tuple[Cell, ...]]:
    """Return a row for each group of features: AUC by prompts, then the share caught at 1 % false alarms."""
    rows: list[tuple[Cell, ...]] = []
    for group in dict.fromkeys(power.group for power in result.powers):
        powers = [power for power in result.powers if power.group == group]
        rows.append(
            (result.table.name, group, *(power.auc for power in powers), *(power.caught for power in powers)),
        )
    return rows


def detection_sentence(result: DetectionResult) -> str:
    """Say how well two miners can be told apart; empty if there were too few tasks."""
    observed = [power for power in result.powers if power.group == OBSERVED]
    if not observed:
        return ""
    first, last = observed[0], observed[-1]
    return (
        f"{result.table.name}: a validator tells them apart with an AUC of {first.auc.text()} from one prompt and "
        f"{last.auc.text()} from {last.prompts}{_best_feature(result)}."
    )


def _best_feature(result: DetectionResult) -> str:
    """Name the single group of features that contributes most."""
    alone = [
        power
        for power in result.powers
        if power.prompts == 1 and power.group in ("latency", "text", "log-probabilities")
    ]

    def distance(power: Power) -> float | None:
        return None if power.auc.value is None else abs(power.auc.value - 0.5)

    best = next(iter(ranked(alone, distance)), None)
    if best is None or distance(best) == 0:
        return ""
    gives = "gives" if best.group in ("latency", "text") else "give"
    return f"; from one prompt, {best.group} alone {gives} {best.auc.text()}"
