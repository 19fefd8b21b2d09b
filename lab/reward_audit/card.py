"""The card of a reward function: what an audit found, as sections for the terminal, the page and the files."""

from __future__ import annotations

from lab.report.charts import Mark, draw_rows, series_px
from lab.report.section import NO_CAPTION, Caption, Column, Fact, Label, Picture, Publication, Section
from lab.results.words import counted, listed, quoted
from lab.statistics import Estimate

from .attacks import DRESSED
from .measure import ALPHA, AttackResult, RewardAudit

DRAWN = 20
"""Attacks in the picture, the best paid ones."""
EXCLUDES_ZERO = "its interval excludes 0"


def card(audit: RewardAudit) -> Publication:
    """Write the card of an audited function."""
    sections = (_exploits(audit), _noise(audit), _bias(audit), _cost(audit), _failures(audit))
    return Publication(
        name=audit.source,
        title=f"Grader card of {audit.source}",
        findings=tuple(findings(audit)),
        sections=tuple(section for section in sections if section.rows or section.facts),
        facts=(
            ("function", audit.source),
            ("called with", "all answers to a task" if audit.call == "together" else "one answer at a time"),
            ("tasks", str(audit.tasks)),
            ("attacks", str(len(audit.attacks))),
        ),
        kind="grader",
    )


def findings(audit: RewardAudit) -> list[str]:
    """Sum up an audit, the most important first."""
    sentences = []
    if audit.separates:
        sentences.append(f"Right answers earn {audit.gap.text()} more than wrong ones.")
    else:
        sentences.append(f"Right answers do not earn significantly more than wrong ones: {audit.gap.text()}.")
    test = f"t-test corrected for skewness, Holm over {counted(len(audit.attacks), 'attack')}, at {ALPHA:g}"
    worthless = [each for each in audit.paying if not each.attack.keeps_truth]
    dressed = [each for each in audit.paying if each.attack.keeps_truth]
    if worthless:
        sentences.append(
            f"{counted(len(worthless), 'worthless answer')} earn more than halfway from a wrong answer to a right one "
            f"({test}): {listed(_named(worthless))}."
        )
    if dressed:
        sentences.append(
            f"Right answers earn more than plain ones if they are changed: {listed(_named(dressed))} ({test})."
        )
    if not audit.paying:
        sentences.append(f"No attack pays ({test}).")
    noise = audit.noise
    sentences.append(
        "It is deterministic: the same answers get the same rewards again."
        if not noise.again.value
        else f"It is noisy: graded again, {noise.changed.percent()} of the answers get another reward."
    )
    depends = [
        name for name, change in (("their order", noise.order), ("the other answers", noise.alone)) if change.value
    ]
    if depends and not noise.again.value:
        sentences.append(f"Rewards depend on {listed(depends)}.")
    if audit.failures:
        first = audit.failures[0]
        sentences.append(
            f"It failed in {counted(len(audit.failures), 'way')}, first on {quoted(first.attack)}: {first.task}, "
            f"answer {first.answer}: {first.reason}."
        )
    return sentences


def _named(results: list[AttackResult]) -> list[str]:
    return [quoted(result.attack.name) for result in results]


def _exploits(audit: RewardAudit) -> Section:
    shown = sorted(audit.attacks, key=lambda each: (not each.pays, -(each.reward.value or float("-inf"))))
    marks = [Mark(each.attack.name, "reward", each.reward) for each in shown if each.reward.value is not None][:DRAWN]
    height, right = series_px(len(marks)), audit.right.value
    return Section(
        "exploits",
        "What do attacks earn?",
        Caption(
            f"Mean reward of each attack. Right answers earn {audit.right.text()} (dashed line), wrong ones "
            f"{audit.wrong.text()}.",
            "A worthless answer pays if it earns more than halfway from a wrong answer to a right one, and a right "
            "answer that is dressed up if it earns more than the plain one. Other attacks may earn more.",
        ),
        columns=(
            Column("attack", "attack"),
            Column("reward", "reward"),
            Column("share", "way from wrong (0) to right (1)", 2),
            Column("p", "p, adjusted", 4),
            Column("pays", "pays"),
            Column("description", "what it is"),
        ),
        rows=tuple(
            (
                Label(each.attack.name, "pays more than it should" if each.pays else ""),
                each.reward,
                each.share,
                each.p_value,
                each.pays,
                each.attack.description,
            )
            for each in shown
        ),
        picture=Picture(lambda ax: draw_rows(marks, ax, label="reward", at=right), height, height)
        if marks and right is not None
        else None,
    )


def _noise(audit: RewardAudit) -> Section:
    noise = audit.noise
    return Section(
        "noise",
        "How much does a reward change where nothing should matter?",
        Caption(
            "Mean absolute change of an answer's reward, over right, wrong, padded and attacking answers.",
            "Random choices with a fixed seed count as none.",
        ),
        columns=(Column("change", "what changes"), Column("effect", "change of reward")),
        rows=(
            ("nothing: graded again", noise.again),
            ("the order of the answers", noise.order),
            ("the other answers: graded alone", noise.alone),
        ),
        facts=(Fact(Column("changed", "answers with another reward when graded again", 1, " %", 100), noise.changed),),
    )


def _bias(audit: RewardAudit) -> Section:
    dressed = {attack.name for attack in DRESSED}
    effects = [(each.attack.description, each.effect) for each in audit.attacks if each.attack.name in dressed]
    effects = [*effects, ("the right answer comes last, not first", audit.last)]
    known = [(name, effect) for name, effect in effects if effect.value is not None]
    return Section(
        "bias",
        "What moves the reward of a right answer?",
        Caption(
            "Mean change of a right answer's reward. Length, style, place and claims should not move it.",
            "One in twenty intervals excludes 0 by chance.",
        ),
        columns=(Column("change", "change"), Column("effect", "effect on the reward"), Column("clear", EXCLUDES_ZERO)),
        rows=tuple((name, effect, _clear(effect)) for name, effect in known),
    )


def _clear(effect: Estimate) -> bool:
    """Return whether an effect differs from 0, also where it is the same for every task."""
    if effect.low is None or effect.high is None:
        return bool(effect.value)
    return effect.low > 0 or effect.high < 0


def _cost(audit: RewardAudit) -> Section:
    cost = audit.cost
    return Section(
        "cost",
        "What does a grade cost?",
        NO_CAPTION,
        facts=(
            Fact(Column("ordinary_s", "time for an ordinary answer", 3, " ms", 1000), cost.ordinary_s),
            Fact(Column("slowest_s", f"time for the slowest: {cost.slowest}", 3, " ms", 1000), cost.slowest_s),
        ),
    )


def _failures(audit: RewardAudit) -> Section:
    return Section(
        "failures",
        "Where did the function fail?",
        Caption(
            "What the function raised or returned instead of a reward, by attack; the first input of each.",
            "A miner can send every one of these answers; decide what each should earn.",
        ),
        columns=(
            Column("attack", "attack"),
            Column("times", "times"),
            Column("task", "task"),
            Column("answer", "answer"),
            Column("reason", "what happened"),
        ),
        rows=tuple((each.attack, each.times, each.task, each.answer, each.reason) for each in audit.failures),
    )
