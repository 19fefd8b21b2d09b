"""Page of the overhead study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.report.palette import PARTS
from lab.report.section import Caption, Cell, Column, Picture, Publication, Section
from lab.results.words import counted, percent
from lab.statistics import Estimate, ranked

from .config import OverheadConfig
from .known_networks import Network, networks
from .plots import draw_overhead, draw_parts, draw_quality
from .points import WITHIN, GridPoint, OverheadData, UnitCosts

REST = "transport and scheduling"
"""The part of the bill that includes the CPU that no meter explains."""
NO_QUALITY = "No customer received a right answer at any point, or no answer could be judged."


def page(data: OverheadData, config: OverheadConfig, folder: Path) -> Publication:
    """Write the study's findings and sections."""
    billed = [(network, network.overhead(data.unit)) for network in networks(config.subnet.name)]
    return Publication(
        name="overhead",
        title="What an answer costs: N miners and V validators compared with doing the work once",
        findings=tuple(_findings(data)),
        sections=(
            _grid(data, billed),
            _parts(data),
            _quality(data),
            _resources(data),
            _networks(data.unit, billed),
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
    cheapest = data.cheapest()
    rest = [_part(point, REST) / sum(_part(point, name) for name in point.parts) for point in points]
    return [
        f"With {_named(large)}, an answer took {large.overhead['cpu_s'].text(1)} times the CPU of producing it once; "
        f"with {_named(small)}, {small.overhead['cpu_s'].text(2)} times.",
        NO_QUALITY
        if cheapest is None
        else f"The cheapest subnet within {percent(WITHIN)} of the best quality had {_named(cheapest)}: quality "
        f"{cheapest.quality.text()} at {cheapest.overhead['cpu_s'].text(1)} times the CPU.",
        f"The meters counted at most {percent(max(point.unexplained for point in points))} more CPU than the processes "
        f"used. CPU that no meter explains is billed under {REST}, which takes up to {percent(max(rest))} of a task.",
    ]


def _grid(data: OverheadData, billed: Sequence[tuple[Network, Estimate]]) -> Section:
    known = ranked(data.points, lambda point: point.overhead["cpu_s"].value)
    return Section(
        key="overhead",
        title="Overhead by miners and validators",
        caption=Caption(
            f"{_extremes(known)} There every validator's task is wanted. If only one validator's is, and the others "
            "only check, an answer bears the work of all V. Crosses mark existing networks, billed by their published "
            "counts at the unit costs measured here.",
            "One kind of hardware and one mix of miners. The bars are 95 % intervals over tasks; they do not cover the "
            "difference that another machine or another mix would make.",
        ),
        columns=(
            Column("point", "point"),
            Column("miners", "N"),
            Column("validators", "V"),
            Column("overhead_cpu", "every task wanted", 2, "×"),
            Column("apart_cpu", "one validator's wanted", 2, "×"),
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
        picture=Picture(lambda ax: draw_overhead(data.points, billed, ax), 380, 340) if known else None,
    )


def _extremes(known: Sequence[GridPoint]) -> str:
    """Name the points of highest and lowest overhead; `known` is sorted by overhead, the highest first."""
    if not known:
        return "Doing the work once took no measurable CPU, so the overhead is unknown."
    most, least = known[0], known[-1]
    if most is least:
        return f"The overhead is {most.overhead['cpu_s'].text(1)} with {_named(most)}."
    return (
        f"The overhead is highest with {_named(most)}, at {most.overhead['cpu_s'].text(1)}, and lowest with "
        f"{_named(least)}, at {least.overhead['cpu_s'].text(1)}."
    )


def _parts(data: OverheadData) -> Section:
    names = [name for name in PARTS if any(_part(point, name) for point in data.points)]
    return Section(
        key="parts",
        title="Where the CPU of one answer went",
        caption=Caption(
            "CPU seconds of one task, answered by N miners and graded by V validators, by part of the bill.",
            "Measuring true quality and doing the work once are the laboratory's own work and are left out. Transport, "
            "consensus, record and providers are metered for a whole run and spread evenly, so they have no interval.",
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
    answer = (
        NO_QUALITY
        if cheapest is None
        else f"{_named(cheapest).capitalize()} are the cheapest within {percent(WITHIN)} of the best quality."
    )
    return Section(
        key="quality",
        title="Quality against cost",
        caption=Caption(
            answer,
            "N miners are drawn at random from those of the largest run with V validators, and a customer gets the "
            "answer of the one that the grades of all other rounds rank first; one miner is therefore an average one. "
            "Each V has tasks of its own. Intervals are over tasks; where they overlap, more rounds might favour "
            "another point.",
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
    resources = {"cpu_s": "CPU", "gpu_s": "GPU", "tokens": "tokens", "energy_j": "energy", "usd": "dollars"}
    return Section(
        key="resources",
        title="Overhead by resource",
        caption=Caption(
            "The same bill in CPU seconds, GPU seconds, tokens, joules and dollars.",
            "A dash: doing the work once used none of this resource, or the machine has no meter for it.",
        ),
        columns=(
            Column("point", "point"),
            *(Column(f"overhead_{key}", name, 2, "×") for key, name in resources.items()),
        ),
        rows=tuple(
            (f"N={point.miners} V={point.validators}", *(point.overhead[key] for key in resources))
            for point in data.points
        ),
    )


def _networks(unit: UnitCosts, billed: Sequence[tuple[Network, Estimate]]) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (network.name, network.runs, network.references, network.grades, overhead, network.source)
        for network, overhead in billed
    ]
    return Section(
        key="networks",
        title="Existing networks, billed by their published counts",
        caption=Caption(
            f"In units of doing the task once, an answer costs {unit.answer.text()}, making a task "
            f"{unit.task.text(4)}, and a grade {unit.grade.text(5)}. Each network's bill is these times its counts.",
            "The counts are the networks' published defaults; the unit costs are measured in this study. Intervals are "
            "over this study's tasks, for all unit costs together. A grader that runs a model of its own costs more "
            "than the one measured here.",
        ),
        columns=(
            Column("network", "network"),
            Column("runs", "miner runs", 0),
            Column("references", "model references", 1),
            Column("grades", "grades", 0),
            Column("overhead", "overhead", 1, "×"),
            Column("source", "behind one answer"),
        ),
        rows=tuple(rows),
    )


def _part(point: GridPoint, name: str) -> float:
    """Return the CPU seconds of a part in one task; 0 if the bill has no such part."""
    return point.parts[name].value or 0.0 if name in point.parts else 0.0


def _named(point: GridPoint) -> str:
    return f"{counted(point.miners, 'miner')} and {counted(point.validators, 'validator')}"
