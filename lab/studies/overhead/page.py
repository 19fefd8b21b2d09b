"""The page of the overhead study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.report.palette import INK, MUTED, PAPER, PARTS, SERIES, part_colour
from lab.report.plotting import figure_of, log_ticks, narrow, styled
from lab.report.section import Caption, Cell, Column, Picture, Publication, Section
from lab.results.words import counted, percent
from lab.statistics import Estimate, ranked

from .config import WITHIN, OverheadConfig, OverheadData, Point, Unit
from .known_networks import Shape, shapes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REST = "transport and scheduling"
"""The part of the bill that takes what no meter explains."""
NO_QUALITY = "No customer's answer was right at any point, or none could be judged: there is no quality to compare."


def publication(data: OverheadData, config: OverheadConfig) -> Publication:
    """Put the study's answers together."""
    marks = [(shape, shape.overhead(data.unit)) for shape in shapes(config.subnet.name)]
    return Publication(
        study="overhead",
        title="What an answer costs: N miners and V validators over doing it once",
        findings=tuple(_findings(data)),
        sections=(
            _grid(data, marks),
            _parts(data),
            _quality(data),
            _resources(data),
            _references(data.unit, marks),
        ),
        facts=(
            ("subnet", config.subnet.key),
            ("miners", ", ".join(f"{table.count} × {table.name}" for table in config.miners)),
            ("seed", str(config.seed)),
            (
                "prices",
                f"${config.prices.cpu_hour_usd:g} for a core-hour, ${config.prices.gpu_hour_usd:g} for a "
                f"GPU-hour, as of {config.prices.date}",
            ),
        ),
    )


def _findings(data: OverheadData) -> list[str]:
    points = data.points
    small, large = points[0], max(points, key=lambda point: (point.miners * point.validators, point.miners))
    found = [
        f"With {_named(large)} an answer took {large.overhead['cpu_s'].text(1)} times the CPU of producing it once; "
        f"with {_named(small)}, {small.overhead['cpu_s'].text(2)} times."
    ]
    cheapest = data.cheapest()
    found.append(
        NO_QUALITY
        if cheapest is None
        else f"The cheapest subnet within {percent(WITHIN)} of the best quality had {_named(cheapest)}: quality "
        f"{cheapest.quality.text()}, at {cheapest.overhead['cpu_s'].text(1)} times the CPU."
    )
    rest = [_part(point, REST) / sum(_part(point, name) for name in point.parts) for point in points]
    found.append(
        f"Meters counted at most {percent(max(point.unexplained for point in points))} more than the processes used; "
        f"what no meter explains is carried under {REST}, up to {percent(max(rest))} of a task's CPU."
    )
    return found


def _grid(data: OverheadData, marks: Sequence[tuple[Shape, Estimate]]) -> Section:
    known = ranked(data.points, lambda point: point.overhead["cpu_s"].value)
    return Section(
        key="overhead",
        title="Overhead by miners and validators",
        caption=Caption(
            f"{_extremes(known)} Crosses are networks that exist, billed by their published shapes at the unit costs "
            "measured here.",
            "One kind of hardware and one mix of miners. Bars are 95 % intervals over tasks, which leave out "
            "how much another machine, or another mix, would differ.",
        ),
        columns=(
            Column("point", "point"),
            Column("miners", "N"),
            Column("validators", "V"),
            Column("overhead_cpu", "overhead", 2, "×"),
            Column("apart_cpu", "tasks of their own", 2, "×"),
            Column("useful_work", "useful work", 3),
            Column("grading_share", "grading", 1, " %", 100),
            Column("carrying_share", "carrying", 1, " %", 100),
            Column("unexplained", "metered beyond use", 2, " %", 100),
        ),
        rows=tuple(
            (
                f"N={point.miners} V={point.validators}",
                point.miners,
                point.validators,
                point.overhead["cpu_s"],
                point.apart,
                point.useful_work,
                point.grading_share,
                point.carrying_share,
                point.unexplained,
            )
            for point in data.points
        ),
        picture=Picture(lambda ax: draw_overhead(data.points, marks, ax), 380, 340) if known else None,
    )


def _extremes(known: Sequence[Point]) -> str:
    """Name the points of most and least overhead, from the points in the order of theirs."""
    if not known:
        return "Doing the work once took no CPU here, so overhead is unknown."
    most, least = known[0], known[-1]
    said = f"Overhead is {most.overhead['cpu_s'].text(1)} with {_named(most)}"
    return (
        f"{said}."
        if most is least
        else f"{said}, the most, and {least.overhead['cpu_s'].text(1)} with {_named(least)}, the least."
    )


def _parts(data: OverheadData) -> Section:
    names = [name for name in PARTS if any(_part(point, name) for point in data.points)]
    return Section(
        key="parts",
        title="Where the CPU of one answer went",
        caption=Caption(
            "CPU seconds of one task answered by N miners and graded by V validators, by part.",
            "Measuring true quality and doing the work once are the laboratory's own and not in here. Transport, "
            "consensus, record and providers are metered for a whole run and spread evenly: they have no interval.",
        ),
        columns=(
            Column("point", "point"),
            *(Column(f"{name.replace(' ', '_')}_cpu_s", name, 3, " s") for name in names),
        ),
        rows=tuple(
            (f"N={point.miners} V={point.validators}", *(point.parts.get(name) for name in names))
            for point in data.points
        ),
        picture=Picture(
            lambda ax: draw_parts(data.points, names, ax), 100 + 24 * len(data.points), 170 + 24 * len(data.points)
        ),
    )


def _quality(data: OverheadData) -> Section:
    cheapest = data.cheapest()
    named = (
        NO_QUALITY
        if cheapest is None
        else (f"{_named(cheapest).capitalize()} are the cheapest within {percent(WITHIN)} of the best quality.")
    )
    return Section(
        key="quality",
        title="Quality against cost",
        caption=Caption(
            named,
            "Quality is that of the miner whom all other rounds' grades put first, so it depends on which miners "
            "there are. It is over the tasks that all points share. Intervals are over tasks; where they overlap, more "
            "rounds might name another point.",
        ),
        columns=(
            Column("point", "point"),
            Column("quality", "quality of the answer", 3),
            Column("overhead_cpu", "overhead", 2, "×"),
            Column("cheapest", "cheapest within 1 %"),
        ),
        rows=tuple(
            (f"N={point.miners} V={point.validators}", point.quality, point.overhead["cpu_s"], point is cheapest)
            for point in data.points
        ),
        picture=Picture(lambda ax: draw_quality(data.points, cheapest, ax), 340, 320),
    )


def _resources(data: OverheadData) -> Section:
    named = {"cpu_s": "CPU", "gpu_s": "GPU", "tokens": "tokens", "energy_j": "energy", "usd": "dollars"}
    return Section(
        key="resources",
        title="Overhead by resource",
        caption=Caption(
            "The same bill in CPU seconds, GPU seconds, tokens, joules and dollars.",
            "A dash: doing the work once used none of it here, or this machine has no meter for it.",
        ),
        columns=(Column("point", "point"), *(Column(f"overhead_{key}", name, 2, "×") for key, name in named.items())),
        rows=tuple(
            (f"N={point.miners} V={point.validators}", *(point.overhead[key] for key in named)) for point in data.points
        ),
    )


def _references(unit: Unit, marks: Sequence[tuple[Shape, Estimate]]) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (shape.name, shape.runs, shape.references, shape.grades, overhead, shape.source) for shape, overhead in marks
    ]
    return Section(
        key="networks",
        title="Networks that exist, billed by their published shapes",
        caption=Caption(
            f"In units of doing the task once, an answer costs {unit.answer.text()}, making a task "
            f"{unit.task.text(4)}, a grade {unit.grade.text(5)}; times each network's counts.",
            "The shapes are the networks' published defaults; the unit costs are this study's, not theirs. Intervals "
            "are over this study's tasks, of all unit costs together. "
            "A grader that runs a model of its own costs more than the one measured here.",
        ),
        columns=(
            Column("network", "network"),
            Column("runs", "miner runs", 0),
            Column("references", "model references", 1),
            Column("grades", "grades", 0),
            Column("overhead", "overhead", 1, "×"),
            Column("source", "counted behind one answer"),
        ),
        rows=tuple(rows),
    )


def draw_overhead(points: Sequence[Point], marks: Sequence[tuple[Shape, Estimate]], ax: Axes) -> Figure:
    """Overhead by N, a line for each V, on logarithmic axes."""
    with styled():
        for place, validators in enumerate(sorted({point.validators for point in points})):
            line = [point for point in points if point.validators == validators]
            _line(ax, line, SERIES[place % len(SERIES)], f"V={validators}")
        for shape, overhead in marks:
            if overhead.value is None:
                continue
            _interval(ax, shape.runs, overhead, MUTED)
            ax.plot([shape.runs], [overhead.value], marker="x", color=MUTED, linestyle="none", clip_on=False)
            ax.annotate(
                shape.name,
                (shape.runs, overhead.value),
                xytext=(-6, 4),
                textcoords="offset points",
                ha="right",
                color=MUTED,
                fontsize=11,
            )
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.xaxis.set_major_formatter("{x:.0f}")
        log_ticks(ax.yaxis, lambda value: f"{value:g}×")
        ax.set_xlabel("N, miners asked")
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        ax.legend(loc="upper left")
    return figure_of(ax)


def draw_parts(points: Sequence[Point], names: Sequence[str], ax: Axes) -> Figure:
    """CPU seconds of one task, stacked by part."""
    with styled():
        for row, point in enumerate(points):
            left = 0.0
            for name in names:
                value = _part(point, name)
                ax.barh(
                    [row],
                    [value],
                    left=left,
                    height=0.66,
                    color=part_colour(name),
                    edgecolor=PAPER,
                    linewidth=0.6,
                    label=name if row == 0 else None,
                )
                left += value
        ax.set_yticks(range(len(points)), [f"N={point.miners} V={point.validators}" for point in points])
        ax.set_ylim(len(points) - 0.5, -0.5)
        ax.set_xlabel("CPU seconds a task")
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=1 if narrow(ax) else 3, fontsize=11)
    return figure_of(ax)


def draw_quality(points: Sequence[Point], cheapest: Point | None, ax: Axes) -> Figure:
    """Quality of a customer's answer over the overhead paid for it."""
    with styled():
        for place, validators in enumerate(sorted({point.validators for point in points})):
            colour = SERIES[place % len(SERIES)]
            for number, point in enumerate(one for one in points if one.validators == validators):
                x, y = point.overhead["cpu_s"], point.quality
                if x.value is None or y.value is None:
                    continue
                _interval(ax, x.value, y, colour)
                ax.plot(
                    [x.value],
                    [y.value],
                    marker="o",
                    color=colour,
                    linestyle="none",
                    label=None if number else f"V={validators}",
                )
                if point is cheapest:
                    ax.plot(
                        [x.value], [y.value], marker="o", markersize=14, fillstyle="none", color=INK, linestyle="none"
                    )
        ax.set_xscale("log")
        log_ticks(ax.xaxis, lambda value: f"{value:g}×")
        ax.set_xlabel("overhead in CPU")
        ax.set_title("true quality (ringed: the cheapest within 1 %)", loc="left", fontsize=12, color=MUTED)
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        ax.legend(loc="lower right")
    return figure_of(ax)


def _line(ax: Axes, line: Sequence[Point], colour: str, label: str) -> None:
    ns: list[int] = []
    values: list[float] = []
    for point in line:
        figure = point.overhead["cpu_s"]
        if figure.value is None:
            continue
        _interval(ax, point.miners, figure, colour)
        ns.append(point.miners)
        values.append(figure.value)
    ax.plot(ns, values, marker="o", color=colour, label=label)


def _interval(ax: Axes, x: float, figure: Estimate, colour: str) -> None:
    if figure.low is not None and figure.high is not None:
        ax.plot([x] * 2, [figure.low, figure.high], color=colour, linewidth=1.4, alpha=0.6)


def _part(point: Point, name: str) -> float:
    """CPU seconds of a task; 0 where the point's bill has no such part."""
    return point.parts[name].value or 0.0 if name in point.parts else 0.0


def _named(point: Point) -> str:
    return f"{counted(point.miners, 'miner')} and {counted(point.validators, 'validator')}"
