"""Sections on the paradox: curves over the validator's accuracy, and a real run compared with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lab.report.charts import Series, draw_lines
from lab.report.section import Caption, Cell, Column, Picture, Section
from lab.statistics import Estimate
from lab.studies.grading.grades import GradingData
from lab.studies.grading.paradox import (
    ARMS,
    BEST,
    MINERS,
    PAIR,
    WRONG,
    Check,
    SimulatedValidator,
    check_run,
    checks,
    closed_form,
    curve,
)

from .peers import peers_section

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WEAK = 0.3
"""Accuracy of the weak validator whose rankings the caption gives."""


def paradox_sections(data: GradingData) -> list[Section]:
    """Return the sections; none for a study without simulated validators."""
    table = data.config.grading.paradox
    if table is None:
        return []
    points = curve(wrong=sorted({*WRONG, table.wrong}))
    shown = [point for point in points if point.wrong == table.wrong]
    return [
        _ranking(points, shown),
        _samples(shown),
        _ceiling(shown),
        _premium(shown),
        _table(points),
        _run(check_run(data.paradox, table.wrong)),
        peers_section(table.wrong),
    ]


def _ranking(points: Sequence[SimulatedValidator], shown: Sequence[SimulatedValidator]) -> Section:
    own = [point for point in points if point.arm == "own answer"]
    yes_no = [point for point in own if point.wrong == 1]
    lines = [*_lines(shown, lambda point: point.rank_accuracy), _series("own, yes or no", yes_no, _rank)]
    weak = [point for point in own if point.accuracy == WEAK]
    ranked = "; ".join(f"K = {point.wrong}: {point.rank_accuracy.percent()}" for point in weak)
    return _curve(
        "paradox_ranking",
        "The paradox: can a weak validator rank miners that are better than itself?",
        Caption(
            f"A validator that compares with an answer of its own, right {100 * WEAK:.0f} % of the time, orders this "
            f"share of pairs correctly, where K is the number of wrong answers: {ranked}. Below 50 % the order is "
            f"reversed. The picture shows K = {shown[0].wrong}, and K = 1 for yes or no.",
            f"Five miners of accuracy {MINERS[0]:g} to {MINERS[-1]:g}, ranked on 100 tasks. All err independently, "
            "unlike real models.",
        ),
        lambda ax: draw_lines(lines, ax, x="accuracy of the validator", title="pairs of miners in the right order"),
    )


def _samples(shown: Sequence[SimulatedValidator]) -> Section:
    lines = _lines(
        shown,
        lambda point: point.tasks_to_separate,
        lambda arm, accuracy, wrong: _needed(arm, accuracy, wrong),
    )
    own = next(point for point in shown if point.arm == "own answer" and point.accuracy == 0.5)
    true = next(point for point in shown if point.arm == "true reference")
    return _curve(
        "paradox_samples",
        f"The paradox: tasks to separate miners of {PAIR[0]:g} and {PAIR[1]:g}",
        Caption(
            f"With K = {own.wrong} wrong answers, a validator that is right half of the time needs {_tasks(own)}; one "
            f"that knows the truth needs {_tasks(true)}.",
            "Points are simulated, lines are the closed form. There is no point where a better miner scores no better.",
        ),
        lambda ax: draw_lines(
            lines, ax, x="accuracy of the validator", title="tasks for 95 % confidence", log=True, top=100_000
        ),
    )


def _ceiling(shown: Sequence[SimulatedValidator]) -> Section:
    lines = _lines(shown, lambda point: point.ceiling, lambda arm, accuracy, wrong: _score(arm, accuracy, wrong))
    own = next(point for point in shown if point.arm == "own answer" and point.accuracy == 0.7)
    return _curve(
        "paradox_ceiling",
        f"The paradox: the score of a miner of {BEST:g}",
        Caption(
            f"A miner that is right 95 % of the time scores {own.ceiling.text()} under a validator of accuracy 0.7 "
            f"that compares with an answer of its own (K = {own.wrong}).",
            "Points are simulated, lines are the closed form. A low ceiling alone does not change who is paid more.",
        ),
        lambda ax: draw_lines(lines, ax, x="accuracy of the validator", title=f"score of a miner of {BEST:g}"),
    )


def _premium(shown: Sequence[SimulatedValidator]) -> Section:
    lines = _lines(shown, lambda point: point.premium, lambda arm, accuracy, wrong: _copied(arm, accuracy, wrong))
    own = next(point for point in shown if point.arm == "own answer" and point.accuracy == 0.7)
    panel = next(point for point in shown if point.arm == "panel of 3" and point.accuracy == 0.7)
    return _curve(
        "paradox_premium",
        "The paradox: what copying the validator earns",
        Caption(
            f"Copying a validator of accuracy 0.7 earns {own.premium.text()} points more than a miner of {BEST:g} "
            f"earns (K = {own.wrong}); copying one member of a panel of three such validators, {panel.premium.text()}.",
            "Points are simulated, lines are the closed form. Below 0, copying pays less than being right. How the "
            "copier learns the validator's answer is left open.",
        ),
        lambda ax: draw_lines(lines, ax, x="accuracy of the validator", title="mimic premium, points of score"),
    )


def _table(points: Sequence[SimulatedValidator]) -> Section:
    compared = checks(points)
    within = sum(check.within for check in compared)
    return Section(
        key="paradox",
        title="The paradox in figures",
        caption=Caption(
            f"{within} of {len(compared)} simulated scores lie within two standard errors of the closed form "
            f"({100 * within / len(compared):.0f} %; 95 % are expected by chance).",
            "K is the number of equally likely wrong answers. The arm without a reference has no published closed "
            "form; its validator knows the answer or tosses a coin.",
        ),
        columns=(
            Column("point", "arm"),
            Column("accuracy", "a", 1),
            Column("wrong_answers", "K"),
            Column("rank_accuracy", "rank accuracy", 2),
            Column("tasks_to_separate", "tasks to separate", 0),
            Column("ceiling", "ceiling", 2),
            Column("mimic_premium", "mimic premium", 2),
        ),
        rows=tuple(
            (
                point.arm,
                point.accuracy,
                point.wrong,
                point.rank_accuracy,
                point.tasks_to_separate,
                point.ceiling,
                point.premium,
            )
            for point in points
        ),
    )


def _run(compared: Sequence[Check]) -> Section:
    within = sum(check.within for check in compared)
    accuracies = sorted({check.accuracy for check in compared})
    lines = [
        Series(
            f"a={accuracy:g}",
            tuple((check.miner, check.simulated) for check in compared if check.accuracy == accuracy),
            tuple((check.miner, check.expected) for check in compared if check.accuracy == accuracy),
        )
        for accuracy in accuracies
    ]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f"a={check.accuracy:g} m={check.miner:g}", check.simulated, check.expected, check.error, check.within)
        for check in compared
    )
    return Section(
        key="paradox_run",
        title="The paradox with the laboratory's own validators and miners",
        caption=Caption(
            f"{within} of {len(compared)} scores of a real run lie within two standard errors of the closed form. Its "
            "validators compare with an answer of their own, and its miners are oracles of known accuracy.",
            "One seed; one point in twenty is expected outside by chance.",
        ),
        columns=(
            Column("point", "validator, miner"),
            Column("score", "score", 3),
            Column("closed_form", "closed form", 3),
            Column("standard_error", "standard error", 3),
            Column("within", "within two errors"),
        ),
        rows=rows,
        picture=Picture(
            lambda ax: draw_lines(lines, ax, x="accuracy of the miner", title="mean score (lines: closed form)"),
            380,
            380,
        ),
    )


def _curve(key: str, title: str, caption: Caption, draw: Callable[[Axes], Figure]) -> Section:
    return Section(key=key, title=title, caption=caption, picture=Picture(draw, 360, 400))


def _tasks(point: SimulatedValidator) -> str:
    """Write the tasks that a validator needs; there is no number if its slope can't be distinguished from 0."""
    needed = point.tasks_to_separate
    return "an unknown number of tasks" if needed.value is None else f"{needed.text(0)} tasks"


Of = Callable[[SimulatedValidator], Estimate]
Closed = Callable[[str, float, int], float | None]


def _lines(
    shown: Sequence[SimulatedValidator], of: Of, closed: Closed = lambda arm, accuracy, wrong: None
) -> list[Series]:
    return [_series(arm, [point for point in shown if point.arm == arm], of, closed) for arm in ARMS]


def _series(
    name: str, points: Sequence[SimulatedValidator], of: Of, closed: Closed = lambda arm, accuracy, wrong: None
) -> Series:
    steps = [(point, place / 20) for point in points[:1] for place in range(2, 21)]
    drawn = ((accuracy, closed(point.arm, accuracy, point.wrong)) for point, accuracy in steps)
    return Series(
        name,
        tuple((point.accuracy, of(point)) for point in points),
        tuple((accuracy, value) for accuracy, value in drawn if value is not None),
    )


def _rank(point: SimulatedValidator) -> Estimate:
    return point.rank_accuracy


def _needed(arm: str, accuracy: float, wrong: int) -> float | None:
    closed = closed_form(arm, accuracy, wrong)
    needed = None if closed is None else closed.tasks_to_separate(*PAIR)
    return needed if needed is not None and needed < 1e6 else None


def _score(arm: str, accuracy: float, wrong: int) -> float | None:
    closed = closed_form(arm, accuracy, wrong)
    return None if closed is None else closed.score(BEST)


def _copied(arm: str, accuracy: float, wrong: int) -> float | None:
    closed = closed_form(arm, accuracy, wrong)
    return None if closed is None else closed.mimic_premium(BEST)
