"""Sections on validators that are engines: how each pair agrees, beside the closed form of independent errors."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from lab.report.section import Caption, Cell, Column, Section
from lab.results.words import counted, quoted
from lab.statistics import UNIT, Estimate, ratio
from lab.statistics.paradox import SameAnswer
from lab.studies.grading.grades import GradingData, known_means
from lab.studies.grading.tasks import SharedErrors, shared_errors

TWO_SIDED = 1.96
"""Standard errors in half of a 95 % interval."""


def engine_sections(data: GradingData) -> list[Section]:
    """Return the section; none with fewer than two graders that compare with a miner's answer."""
    own = {data.own(grader) for grader in data.graders if grader.table.reference is not None}
    columns = sorted(column for column in own if column is not None)
    pairs = {pair: shared_errors(data.items, *pair) for pair in combinations(columns, 2)}
    known = {pair: errors for pair, errors in pairs.items() if errors is not None}
    if not known:
        return []
    rows: list[tuple[Cell, ...]] = []
    distances: list[float] = []
    for (first, second), errors in known.items():
        agreement = ratio(errors.same, errors.parts, UNIT)
        expected = SameAnswer(errors.first, errors.wrong).score(errors.second)
        distances.append(_standard_errors(agreement, expected))
        names = (data.miners[first].name, data.miners[second].name)
        rows.append((*names, errors.first, errors.second, agreement, expected, distances[-1], *_correlation(errors)))
    within = sum(abs(distance) <= 2 for distance in distances)
    correlations = [each.correlation for each in known.values() if not np.isnan(each.correlation)]
    why = f"; the errors of two engines correlate by {np.mean(correlations):.2f} on average" if correlations else ""
    return [
        Section(
            key="engine_pairs",
            title="Do engines err as independently as the closed form supposes?",
            caption=Caption(
                f"{within} of {counted(len(known), 'pair')} agree with it within two standard errors{why}.",
                "Agreement is the share of the words of which both say the same, the score that one gets from the "
                "other. The closed form is a m + (1 - a)(1 - m) / K for independent errors, each of K wrong answers "
                "equally likely. Where errors come together, as on words that a page shows badly, a weak validator "
                "pays good and bad miners alike more than it supposes. Standard errors are by tasks.",
            ),
            columns=(
                Column("first", "engine"),
                Column("second", "engine"),
                Column("first_right", "words right", 3),
                Column("second_right", "words right", 3),
                Column("agreement", "agreement", 3),
                Column("closed_form", "closed form", 3),
                Column("standard_errors", "apart, standard errors", 1),
                Column("correlation", "correlation of errors", 2),
                Column("same_when_wrong", "same where both are wrong", 2),
            ),
            rows=tuple(rows),
        ),
        _validators(data, columns, known),
    ]


def _validators(data: GradingData, columns: list[int], pairs: dict[tuple[int, int], SharedErrors]) -> Section:
    """Premium of copying each engine, measured and by the closed form."""
    means = known_means(data.quality)
    rows: list[tuple[Cell, ...]] = []
    for own in columns:
        others = [column for column in columns if column != own]
        best = max(others, key=lambda column: means[column])
        errors = pairs.get((min(own, best), max(own, best)))
        if errors is None:
            continue
        accuracy, miner = (errors.first, errors.second) if own < best else (errors.second, errors.first)
        agreement = ratio(errors.same, errors.parts, UNIT)
        premium = Estimate(None, None, None, agreement.n)
        if agreement.value is not None and agreement.low is not None and agreement.high is not None:
            premium = Estimate(
                1 - agreement.value, 1 - agreement.high, 1 - agreement.low, agreement.n, agreement.method
            )
        expected = SameAnswer(accuracy, errors.wrong).mimic_premium(miner)
        ranked = sorted(others, key=lambda column: means[column])
        order = [_agreement(pairs, own, column) for column in ranked]
        right = [worse < better for worse, better in combinations(order, 2)]
        rows.append((data.miners[own].name, accuracy, sum(right) / len(right) if right else None, premium, expected))
    first = rows[-1] if rows else None
    return Section(
        key="engine_premiums",
        title="What does a copier of an engine earn, and does the engine rank the others?",
        caption=Caption(
            f"A copier of {quoted(str(first[0]))} earns what the table shows beyond the best of the others."
            if first is not None
            else "No engine's answers could be compared.",
            "Words, as above. Rank accuracy is the share of pairs of the others that its reading orders as the truth "
            "does; the section on rankings has it with intervals and the tasks that it takes to separate miners.",
        ),
        columns=(
            Column("validator", "validator"),
            Column("accuracy", "words right", 3),
            Column("rank_accuracy", "rank accuracy", 2),
            Column("premium", "mimic premium", 3),
            Column("closed_form", "closed form", 3),
        ),
        rows=tuple(rows),
    )


def _agreement(pairs: dict[tuple[int, int], SharedErrors], first: int, second: int) -> float:
    errors = pairs[min(first, second), max(first, second)]
    return sum(errors.same) / sum(errors.parts)


def _correlation(errors: SharedErrors) -> tuple[Cell, Cell]:
    values = (errors.correlation, errors.same_when_wrong)
    return tuple(None if np.isnan(value) else value for value in values)  # type: ignore[return-value]


def _standard_errors(agreement: Estimate, expected: float) -> float:
    """Return how many standard errors the agreement is above what was expected; infinite without an interval."""
    if agreement.value is None or agreement.low is None or agreement.high is None or agreement.high <= agreement.low:
        return float("inf")
    return (agreement.value - expected) / ((agreement.high - agreement.low) / (2 * TWO_SIDED))
