"""Page of the querying study, its long table, and the summary that `--json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.report.palette import SERIES
from lab.report.plotting import figure_of, head, legend_above, styled
from lab.report.section import NO_CAPTION, Caption, Column, Picture, Publication, Section
from lab.results.words import counted, quoted
from lab.statistics import UNIT, Estimate, mean

from .bandits import TARGET
from .config import Policy, World
from .contest import PolicyContest
from .data import QueryingData
from .savings import ACCURACY, ANSWERS
from .shirking import GUESSING, WORKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES: dict[World, str] = {
    "spread": "How much pay is misplaced, and for how many queries?",
    "good or bad": "The same where miners are either good or bad",
}

WORDS: dict[World, str] = {"spread": "have any accuracy", "good or bad": "are good or bad"}
FEW = 0.25
"""Share of the queries that the findings call few."""


def page(data: QueryingData) -> Publication:
    """Write the study's findings and sections."""
    config = data.config
    low, high = config.accuracies
    return Publication(
        name="querying",
        title="Fewer queries",
        findings=(*_savings(data), _shirking(data), _bandits(data)),
        sections=(*(_contests(data, world) for world in config.worlds), _shirkers(data), _races(data), _cascades(data)),
        facts=(
            (
                "subnet",
                f"{config.miners} miners of accuracies {low:g} to {high:g}, {config.validators} validators",
            ),
            ("simulated", f"{counted(config.epochs, 'epoch')} in {counted(config.replications, 'world')}"),
            ("measured", f"pay of epochs {config.warm_up} to {config.epochs}, one in {config.paid_every}"),
        ),
    )


def _savings(data: QueryingData) -> list[str]:
    """Compare asking few queries with what subnets do, where miners change."""
    everybody, slower = data.config.policies[:2]
    findings = []
    for contest in data.contests:
        few = [place for place, queries in enumerate(contest.queries.mean(axis=1)) if queries <= FEW]
        if not contest.change or not few:
            continue
        best = min(few, key=lambda place: float(contest.misplaced[place].mean()))
        more = mean((contest.misplaced[best] - contest.misplaced[0]).tolist())
        verdict = "more than" if (more.low or 0.0) > 0 else "less than" if (more.high or 0.0) < 0 else "as much as"
        findings.append(
            f"Where miners {WORDS[contest.world]}, and each changes every {contest.change} epochs: with "
            f"{100 * contest.queries[best].mean():.0f} % of the queries, {quoted(data.config.policies[best].name)} "
            f"misplaces {_misplaced(contest, best).percent(2)} of the pay, {verdict} "
            f"{quoted(everybody.name)} ({_misplaced(contest, 0).percent(2)}); {quoted(slower.name)} misplaces "
            f"{_misplaced(contest, 1).percent(2)}."
        )
    return findings


def _shirking(data: QueryingData) -> str:
    each = "; ".join(
        f"{_mean(shirker.pay).text()} of its honest twin's pay for {_mean(shirker.work).text()} of its work under "
        f'"{shirker.policy.name}"'
        for shirker in data.shirkers
    )
    return f"A miner that works only while it is asked often earns {each}."


def _bandits(data: QueryingData) -> str:
    races = [race for race in data.races if race.uniform is not None and race.adaptive is not None]
    shares = ", ".join(f"{race.adaptive} instead of {race.uniform} ({race.field.name})" for race in races)
    return (
        f"Bandits do not help: until {100 * TARGET:g} % of the pairs of miners are in the right order, asking those "
        f"whose order is least sure takes {shares} queries."
    )


def _contests(data: QueryingData, world: World) -> Section:
    contests = [contest for contest in data.contests if contest.world == world]
    low, high = data.config.accuracies
    return Section(
        key=f"querying_{world.replace(' ', '_')}",
        title=TITLES[world],
        caption=Caption(
            "Share of the pay that would go to others by the miners' accuracies of the day, and queries as a share of "
            "those that asking everybody in every round takes. "
            + (
                f"A miner that changes gets any accuracy from {low:g} to {high:g}."
                if world == "spread"
                else f"Accuracies are {low:g} or {high:g}; a miner that changes gets either with equal chances."
            ),
            "Simulated: answers are right or wrong, each validator asks one task in an epoch, and weights are in "
            "proportion to scores. A change of less than a tenth can hardly be noticed with so few queries: it "
            "is forgotten only as fast as the cap allows.",
        ),
        columns=(
            Column("policy", "policy"),
            *(
                column
                for contest in contests
                for column in (
                    Column(f"misplaced_{contest.change}", f"misplaced, {_period(contest)}", 2, " %", 100),
                    Column(f"queries_{contest.change}", "queries", 0, " %", 100),
                )
            ),
        ),
        rows=tuple(
            (
                policy.name,
                *(
                    cell
                    for contest in contests
                    for cell in (_misplaced(contest, place), float(contest.queries[place].mean()))
                ),
            )
            for place, policy in enumerate(data.config.policies)
        ),
        picture=Picture(lambda ax: draw_contests(data.config.policies, contests, ax), 380, 400),
    )


def draw_contests(policies: tuple[Policy, ...], contests: list[PolicyContest], ax: Axes) -> Figure:
    """Draw misplaced pay against queries, one colour for each policy, one point for each rate of change."""
    with styled():
        for place, policy in enumerate(policies):
            x = [100 * contest.queries[place].mean() for contest in contests]
            y = [100 * contest.misplaced[place].mean() for contest in contests]
            ax.plot(x, y, "o-", color=SERIES[place % len(SERIES)], markersize=5, linewidth=1, label=policy.name)
        ax.set_xlim(0, 105)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("queries, % of asking everybody")
        head(ax, "misplaced pay, %")
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def _shirkers(data: QueryingData) -> Section:
    return Section(
        key="shirking",
        title="What does a miner earn that works only while it is asked often?",
        caption=Caption(
            f"It is right in {100 * WORKING:g} % of its answers to a validator that does not count it as known, and "
            f"guesses ({100 * GUESSING:g} %) for one that does. Its twin always works. A miner that was found out is "
            "asked often again.",
            "The shirker is assumed to know when it counts as known. A real one sees only how often it is asked.",
        ),
        columns=(
            Column("policy", "policy"),
            Column("pay", "pay, of the twin's", 2),
            Column("work", "queries worked on, of the twin's", 2),
            Column("wage", "pay for each of them", 2),
        ),
        rows=tuple(
            (shirker.policy.name, _mean(shirker.pay), _mean(shirker.work), _mean(shirker.wage))
            for shirker in data.shirkers
        ),
    )


def _races(data: QueryingData) -> Section:
    return Section(
        key="bandits",
        title="Do bandits help?",
        caption=Caption(
            f"Queries until {100 * TARGET:g} % of the pairs of miners are in the right order, asking all in turn, or "
            "the neighbours whose order is least sure.",
            f"Means of {counted(data.config.rankings, 'ranking')}; the miners do not change. Miners of one tier count "
            "as no pair. Finding the best miner alone is another question, and there adaptive queries do save.",
        ),
        columns=(Column("field", "miners"), Column("uniform", "in turn", 0), Column("adaptive", "least sure first", 0)),
        rows=tuple((race.field.name, race.uniform, race.adaptive) for race in data.races),
    )


def _cascades(data: QueryingData) -> Section:
    return Section(
        key="cascade",
        title="How much does a judge have to see?",
        caption=Caption(
            f"Standard error of the mean of {ANSWERS} answers of which {100 * ACCURACY:g} % are right, by a cheap "
            "grader that a judge corrects, and by the judge alone. Tasks that tell miners apart save as well: of four "
            "equally common kinds in which 1, .5, .1 and none of a miner's skill shows, the first alone needs "
            f"{data.strata:.2f} of the queries that all four need.",
            "Simulated; the cheap grade is the chance that the answer is right. The share by kinds of tasks is "
            "computed, and supposes that it is known how much each kind shows.",
        ),
        columns=(
            Column("correlation", "correlation of cheap grade and judge", 2),
            Column("judged", "judged", 0, " %", 100),
            Column("error", "standard error", 4),
            Column("error_of_all", "if all are judged", 4),
        ),
        rows=tuple((f"{each.correlation:.2f}", each.judged, each.error, each.error_of_all) for each in data.cascades),
    )


def tables(data: QueryingData) -> tuple[Section, ...]:
    """Return every cell of the contests as one long table."""
    keys = ("world", "change_epochs", "policy", "misplaced", "queries")
    table = Section(
        key="querying",
        title="Misplaced pay and queries",
        caption=NO_CAPTION,
        columns=tuple(Column(key, key) for key in keys),
        rows=tuple(
            (
                contest.world,
                contest.change,
                policy.name,
                _misplaced(contest, place),
                round(float(contest.queries[place].mean()), 4),
            )
            for contest in data.contests
            for place, policy in enumerate(data.config.policies)
        ),
    )
    return (table,)


def summary(data: QueryingData) -> dict[str, Any]:
    """Return the misplaced pay of every policy in every world, and the shirkers' pay."""
    return {
        "contests": [
            {
                "world": contest.world,
                "change_epochs": contest.change,
                "policy": policy.name,
                "misplaced": float(contest.misplaced[place].mean()),
                "queries": float(contest.queries[place].mean()),
            }
            for contest in data.contests
            for place, policy in enumerate(data.config.policies)
        ],
        "shirkers": [
            {"policy": shirker.policy.name, "pay": float(shirker.pay.mean()), "work": float(shirker.work.mean())}
            for shirker in data.shirkers
        ],
    }


def _misplaced(contest: PolicyContest, place: int) -> Estimate:
    return mean(contest.misplaced[place].tolist(), UNIT)


def _mean(values: NDArray[np.float64]) -> Estimate:
    return mean(values[~np.isnan(values)].tolist())


def _period(contest: PolicyContest) -> str:
    return f"a change every {contest.change} epochs" if contest.change else "no changes"
