"""Pages of the scenarios: one for each, and an overview with all headlines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.report.palette import INK, MUTED, SERIES
from lab.report.plotting import figure_of, head, legend_above, styled
from lab.report.section import Caption, Column, Picture, Publication, Section
from lab.results.words import counted

from .data import Scenario, ScenariosData, estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def page(data: ScenariosData) -> Publication:
    """Write the overview: every headline in a sentence, and a table of all of them."""
    overview = Section(
        key="scenarios",
        title="What did each scenario find?",
        caption=Caption("One figure for each scenario, with its interval over the seeds.", ""),
        columns=(Column("scenario", "scenario"), Column("headline", "headline", 3), Column("claim", "claim")),
        rows=tuple((each.name, each.headline, each.config.scenario.claim) for each in data.scenarios),
    )
    return Publication(
        name="scenarios",
        title="Scenarios: time, power and money",
        findings=tuple(map(finding, data.scenarios)),
        sections=(overview,),
        links=tuple((each.config.scenario.title, f"{each.name}/index.html") for each in data.scenarios),
    )


def scenario_page(scenario: Scenario) -> Publication:
    """Write the page of one scenario."""
    table, chain = scenario.config.scenario, scenario.config.chain
    return Publication(
        name=f"scenario-{scenario.name}",
        title=table.title,
        findings=(finding(scenario),),
        sections=(_section(scenario),),
        facts=(
            ("claim", table.claim),
            ("settles", table.settles),
            ("played", f"{counted(chain.epochs, 'epoch')} with {counted(table.seeds, 'seed')} at each point"),
            ("measured", f"epochs {table.after} to {chain.epochs - 1}: {table.measure}"),
        ),
    )


def finding(scenario: Scenario) -> str:
    """Return the sentence with the headline."""
    table = scenario.config.scenario
    headline = scenario.headline.scaled(table.scale).text(table.digits, table.unit)
    return table.sentence.replace("{headline}", headline)


def _section(scenario: Scenario) -> Section:
    table = scenario.config.scenario
    columns = [Column("x", table.x_title, 3)]
    cells: list[list[Any]] = [[point.x] for point in table.points]
    for place, line in enumerate(table.lines):
        columns.append(Column(f"line_{place}", line.name or table.y_title, 3))
        for row, values in zip(cells, scenario.values[place], strict=True):
            row.append(estimate(values))
        if scenario.predicted is not None:
            columns.append(Column(f"predicted_{place}", f"{line.name} predicted".strip(), 3))
            for row, value in zip(cells, scenario.predicted[place], strict=True):
                row.append(None if np.isnan(value) else float(value))
    return Section(
        key=scenario.name,
        title=table.y_title[:1].upper() + table.y_title[1:],
        caption=Caption(table.settles, table.not_shown),
        columns=tuple(columns),
        rows=tuple(map(tuple, cells)),
        picture=Picture(partial(draw, scenario)),
    )


def draw(scenario: Scenario, ax: Axes) -> Figure:
    """Draw the mean over seeds at every point, one colour for each line; closed forms are dashed."""
    table = scenario.config.scenario
    places = [point.x for point in table.points]
    with styled():
        for place, line in enumerate(table.lines):
            colour = SERIES[place % len(SERIES)]
            estimates = [estimate(values) for values in scenario.values[place]]
            means = [np.nan if each.value is None else each.value for each in estimates]
            low = [value if each.low is None else each.low for value, each in zip(means, estimates, strict=True)]
            high = [value if each.high is None else each.high for value, each in zip(means, estimates, strict=True)]
            ax.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
            ax.plot(places, means, "o-", color=colour, markersize=4, linewidth=1.2, label=line.name or "simulated")
            if scenario.predicted is not None:
                ax.plot(places, scenario.predicted[place], "--", color=INK, linewidth=1, label="_nolegend_")
        if table.level is not None:
            ax.axhline(table.level, color=MUTED, linewidth=1, linestyle=":")
        ax.set_xlabel(table.x_title)
        head(ax, table.y_title)
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        if len(table.lines) > 1:
            legend_above(ax)
    return figure_of(ax)


def tables(data: ScenariosData) -> tuple[Section, ...]:
    """Return every run of every scenario as one long table."""
    keys = ("scenario", "line", "x", "seed", "value")
    rows = tuple(
        (each.name, each.config.scenario.lines[line].name, each.config.scenario.points[point].x, seed, float(value))
        for each in data.scenarios
        for (line, point, seed), value in np.ndenumerate(each.values)
        if not np.isnan(value)
    )
    columns = tuple(Column(key, key, 6) for key in keys)
    return (Section(key="runs", title="All runs", caption=Caption("", ""), columns=columns, rows=rows),)


def summary(data: ScenariosData) -> dict[str, Any]:
    """Return the headline of every scenario."""
    return {
        "scenarios": {
            each.name: {
                "headline": each.headline.value,
                "low": each.headline.low,
                "high": each.headline.high,
                "n": each.headline.n,
                "sentence": finding(each),
                "claim": each.config.scenario.claim,
            }
            for each in data.scenarios
        }
    }
