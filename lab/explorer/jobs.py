"""Jobs: the parts of pages that take long, each as HTML. They run in a process of their own, which draws one at a time.

A chart, a report or a replay of a large run so never keeps another page waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal

from lab.report.charts import Series, draw_heat, draw_lines
from lab.report.differences import differences
from lab.report.html import chart, environment
from lab.report.run_report import SECTIONS
from lab.report.section import Caption, Picture, Section
from lab.report.sections.summary import findings, summary
from lab.report.sections.weights import weights
from lab.results.compare import compare
from lab.results.run_figures import RunFigures
from lab.statistics import Estimate

from .pay.trail import PayTrails
from .pay.waterfall import waterfall
from .shelf import RunPlace

MOST_LINES = 8
"""Miners or validators in a chart of lines: as many as there are colours."""
MOST_CELLS = 16
"""Rows and columns of the heat map of weights."""
OWN_TABLES = (summary, weights)
"""Sections of the report that the explorer shows in its own form."""


@dataclass(frozen=True, slots=True)
class RunCharts:
    """Figures of the charts of a run, best paid miners first."""

    miners: tuple[str, ...]
    validators: tuple[str, ...]
    weights: tuple[tuple[float | None, ...], ...]
    """Last weights by miner and validator; None where a validator submitted none."""
    incentive: tuple[tuple[float, ...], ...]
    """Incentive by miner and epoch."""
    trust: tuple[tuple[float, ...], ...]
    """Trust by miner and epoch."""
    validator_trust: tuple[tuple[float, ...], ...]
    """Vtrust by validator and epoch."""


_begun = ExitStack()


def begin(trust: bool) -> None:
    """Prepare a process for jobs: Ctrl-C is its parent's, and records are data unless they are trusted."""
    from lab.record.trust import data_only

    signal(SIGINT, SIG_IGN)
    if not trust:
        _begun.enter_context(data_only())


def report_part(place: RunPlace) -> str:
    """Return the report's findings and sections."""
    with place.open() as record:
        run = RunFigures.of(record)
        found = [section(run) for section in SECTIONS if section not in OWN_TABLES] if run.results.epochs else []
        caption = Caption(" ".join(findings(run)), "`subnetlab report` writes this and more as one file.")
        return rendered(Section("findings", "What the report says", caption), *(each for each in found if each))


def charts_part(data: RunCharts) -> str:
    """Return the heat map of weights, and incentive and trust from epoch to epoch."""
    rows, columns = data.miners[:MOST_CELLS], data.validators[:MOST_CELLS]
    cells = [row[:MOST_CELLS] for row in data.weights[:MOST_CELLS]]
    top = max((value or 0.0 for row in cells for value in row), default=0.0) or 1.0
    height = 110 + 24 * len(rows)
    left_out = len(data.miners) > MOST_CELLS or len(data.validators) > MOST_CELLS
    few = f"Only the {MOST_CELLS} best paid miners and the first {MOST_CELLS} validators are drawn." if left_out else ""
    heat = Section(
        "weights",
        "Weights of the last epoch",
        Caption("What each validator submitted, as a share of its total; a dash stands for no weights.", few),
        picture=Picture(lambda ax: draw_heat(rows, columns, cells, ax, top=top), height, height),
    )
    parts = [
        heat,
        _lines("incentive", "Incentive from epoch to epoch", data.miners, data.incentive, "share of incentive"),
        _lines("trust", "Trust from epoch to epoch", data.miners, data.trust, "trust"),
        _lines("vtrust", "Vtrust from epoch to epoch", data.validators, data.validator_trust, "vtrust"),
    ]
    return rendered(*(part for part in parts if part is not heat or cells))


def pay_part(place: RunPlace, uid: int, version: int) -> str:
    """Return the waterfall of a miner's pay; `version` changes when the record has grown."""
    return rendered(waterfall(_trails(place, version).of_uid(uid)))


def compare_part(first: Path, second: Path) -> str:
    """Return the differences between two runs."""
    result = compare(first, second)
    words = Section("compared", "Comparison", Caption(result.sentence, " ".join(result.notes)))
    return rendered(words) if result.same else rendered(words, differences(result))


def rendered(*sections: Section) -> str:
    """Return sections as HTML, their pictures drawn."""
    template = environment("lab.report").get_template("section.html")
    return "".join(
        template.render(
            section=section, charts={section.key: chart(section)} if section.picture is not None else {}, files=False
        )
        for section in sections
    )


@lru_cache(maxsize=2)
def _trails(place: RunPlace, version: int) -> PayTrails:
    with place.open() as record:
        return PayTrails.of(record)


def _lines(key: str, title: str, names: Sequence[str], values: Sequence[Sequence[float]], label: str) -> Section:
    lines = [
        Series(name, tuple((float(epoch + 1), Estimate(value, None, None, 1)) for epoch, value in enumerate(row)))
        for name, row in zip(names[:MOST_LINES], values[:MOST_LINES], strict=True)
    ]
    few = f"Only {MOST_LINES} of {len(names):,} are drawn." if len(names) > MOST_LINES else ""
    return Section(
        key,
        title,
        Caption("One line for each; exact values of the chain.", few),
        picture=Picture(lambda ax: draw_lines(lines, ax, x="epoch", title=label), 330, 330),
    )
