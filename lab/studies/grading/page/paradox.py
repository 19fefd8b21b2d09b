"""The paradox on the grading study's page: curves over the validator's accuracy, and the run that meets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lab.report.plotting import Series, draw_lines
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
    Point,
    checks,
    closed_form,
    curve,
    played,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WEAK = 0.3
"""Accuracy of the weak validator whose rankings are told."""


def paradox_sections(data: GradingData) -> list[Section]:
    """Return the paradox's sections; none for a study without simulated validators."""
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
        _run(played(data.paradox, table.wrong)),
    ]


def _ranking(points: Sequence[Point], shown: Sequence[Point]) -> Section:
    own = [point for point in points if point.arm == "own answer"]
    yes_no = [point for point in own if point.wrong == 1]
    lines = [*_lines(shown, lambda point: point.rank_accuracy), _line("own, yes or no", yes_no, _rank)]
    weak = [point for point in own if point.accuracy == WEAK]
    ranked = "; ".join(f"K = {point.wrong}: {point.rank_accuracy.percent()}" for point in weak)
    return _curve(
        "paradox_ranking",
        "The paradox: can a weak validator rank miners that are better than itself?",
        Caption(
            f"Pairs in the right order by an answer of its own that is right {100 * WEAK:.0f} % of the time, K being "
            f"how many wrong answers there are: {ranked}. Below 50 % the order is turned round. The picture: "
            f"K = {shown[0].wrong}, and K = 1 for yes or no.",
            f"Five miners of {MINERS[0]:g} to {MINERS[-1]:g}, ranked on 100 tasks; all err independently, and real "
            "models do not.",
        ),
        lambda ax: draw_lines(lines, ax, x="accuracy of the validator", title="pairs of miners in the right order"),
    )


def _samples(shown: Sequence[Point]) -> Section:
    lines = _lines(
        shown,
        lambda point: point.tasks_to_separate,
        lambda arm, accuracy, wrong: _needed(arm, accuracy, wrong),
    )
    own = next(point for point in shown if point.arm == "own answer" and point.accuracy == 0.5)
    true = next(point for point in shown if point.arm == "true reference")
    return _curve(
        "paradox_samples",
        f"The paradox: tasks to tell {PAIR[0]:g} from {PAIR[1]:g}",
        Caption(
            f"With K = {own.wrong} wrong answers, a validator that is right half of the time needs "
            f"{_tasks(own)}, one that knows the truth {_tasks(true)}.",
            "Points are simulated, lines the closed form. Where a better miner scores no better there is no point.",
        ),
        lambda ax: draw_lines(
            lines, ax, x="accuracy of the validator", title="tasks for 95 % confidence", log=True, top=100_000
        ),
    )


def _ceiling(shown: Sequence[Point]) -> Section:
    lines = _lines(shown, lambda point: point.ceiling, lambda arm, accuracy, wrong: _score(arm, accuracy, wrong))
    own = next(point for point in shown if point.arm == "own answer" and point.accuracy == 0.7)
    return _curve(
        "paradox_ceiling",
        f"The paradox: what a miner of {BEST:g} is given",
        Caption(
            f"Graded by a validator of 0.7 with an answer of its own (K = {own.wrong}), a miner that is right 95 % of "
            f"the time scores {own.ceiling.text()}.",
            "Points are simulated, lines the closed form. A low ceiling alone does not change who is paid more.",
        ),
        lambda ax: draw_lines(lines, ax, x="accuracy of the validator", title=f"score of a miner of {BEST:g}"),
    )


def _premium(shown: Sequence[Point]) -> Section:
    lines = _lines(shown, lambda point: point.premium, lambda arm, accuracy, wrong: _copied(arm, accuracy, wrong))
    own = next(point for point in shown if point.arm == "own answer" and point.accuracy == 0.7)
    panel = next(point for point in shown if point.arm == "panel of 3" and point.accuracy == 0.7)
    return _curve(
        "paradox_premium",
        "The paradox: what copying the validator earns",
        Caption(
            f"Copying a validator of 0.7 earns {own.premium.text()} points more than a miner of {BEST:g} (K = "
            f"{own.wrong}); copying a member of a panel of three such, {panel.premium.text()}.",
            "Points are simulated, lines the closed form. Below 0 copying pays less than being right. How the copier "
            "learns the validator's answer is not asked.",
        ),
        lambda ax: draw_lines(lines, ax, x="accuracy of the validator", title="mimic premium, points of score"),
    )


def _table(points: Sequence[Point]) -> Section:
    found = checks(points)
    within = sum(check.within for check in found)
    return Section(
        key="paradox",
        title="The paradox in figures",
        caption=Caption(
            f"{within} of {len(found)} simulated scores lie within two standard errors of the closed form "
            f"({100 * within / len(found):.0f} %; chance would leave 95 %).",
            "K is how many wrong answers there are, all alike. The arm without a reference has no published closed "
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


def _run(found: Sequence[Check]) -> Section:
    within = sum(check.within for check in found)
    names = sorted({check.accuracy for check in found})
    lines = [
        Series(
            f"a={accuracy:g}",
            tuple((check.miner, check.simulated) for check in found if check.accuracy == accuracy),
            tuple((check.miner, check.expected) for check in found if check.accuracy == accuracy),
        )
        for accuracy in names
    ]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f"a={check.accuracy:g} m={check.miner:g}", check.simulated, check.expected, check.error, check.within)
        for check in found
    )
    return Section(
        key="paradox_run",
        title="The same with the laboratory's own validators and miners",
        caption=Caption(
            f"{within} of {len(found)} scores of a real run, with validators that compare with an answer of their own "
            "and oracles of known quality, lie within two standard errors of the closed form.",
            "One seed; chance alone leaves one point in twenty outside.",
        ),
        columns=(
            Column("point", "validator, miner"),
            Column("score", "score", 3),
            Column("closed_form", "closed form", 3),
            Column("standard_error", "standard error", 3),
            Column("within", "within two"),
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


def _tasks(point: Point) -> str:
    """Write how many tasks a validator needs; there is no number where its slope can't be told from none."""
    needed = point.tasks_to_separate
    return "a number of tasks that can't be named" if needed.value is None else f"{needed.text(0)} tasks"


Of = Callable[[Point], Estimate]
Closed = Callable[[str, float, int], float | None]


def _lines(shown: Sequence[Point], of: Of, closed: Closed = lambda arm, accuracy, wrong: None) -> list[Series]:
    return [_line(arm, [point for point in shown if point.arm == arm], of, closed) for arm in ARMS]


def _line(name: str, points: Sequence[Point], of: Of, closed: Closed = lambda arm, accuracy, wrong: None) -> Series:
    steps = [(point, place / 20) for point in points[:1] for place in range(2, 21)]
    drawn = ((accuracy, closed(point.arm, accuracy, point.wrong)) for point, accuracy in steps)
    return Series(
        name,
        tuple((point.accuracy, of(point)) for point in points),
        tuple((accuracy, value) for accuracy, value in drawn if value is not None),
    )


def _rank(point: Point) -> Estimate:
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
