"""Sections on validators that are engines: how each pair agrees, beside the closed form of independent errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from lab.report.section import Caption, Cell, Column, Section
from lab.results.words import counted, quoted
from lab.statistics import UNIT, Estimate, ranked, ratio
from lab.statistics.paradox import SameAnswer
from lab.studies.grading.cards import Card
from lab.studies.grading.grades import GradingData, known_means
from lab.studies.grading.tasks import SharedErrors, shared_errors

TWO_SIDED = 1.96
"""Standard errors in half of a 95 % interval."""


def engine_sections(data: GradingData, graders: Sequence[Card]) -> list[Section]:
    """Return the section; none with fewer than two graders that compare with a miner's answer."""
    validators = {data.own(card.grader): card for card in graders if card.grader.table.reference is not None}
    cards = {column: card for column, card in validators.items() if column is not None}
    columns = sorted(cards)
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
                "Agreement is the share of the page's words of which both say the same, which one scores by the "
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
        _validators(data, cards, known),
    ]


def _validators(data: GradingData, cards: Mapping[int, Card], pairs: Mapping[tuple[int, int], SharedErrors]) -> Section:
    """How each engine ranks the others, and what copying it earns, measured and by the closed form."""
    means = known_means(data.quality)
    rows: list[tuple[Cell, ...]] = []
    highest: list[tuple[str, Estimate]] = []
    for own, card in sorted(cards.items()):
        best = max((column for column in cards if column != own), key=lambda column: means[column])
        errors = pairs[min(own, best), max(own, best)]
        accuracy, miner = (errors.first, errors.second) if own < best else (errors.second, errors.first)
        premium = _complement(ratio(errors.same, errors.parts, UNIT))
        expected = SameAnswer(accuracy, errors.wrong).mimic_premium(miner)
        name, quality = data.miners[own].name, card.quality
        highest.append((name, premium))
        rows.append((name, accuracy, quality.pairwise_accuracy, quality.tasks_to_separate, premium, expected))
    name, premium = ranked(highest, lambda pair: pair[1].value)[0]
    return Section(
        key="engine_premiums",
        title="Engines as validators: do they rank the others, and what does a copier earn?",
        caption=Caption(
            f"A copier of {quoted(name)} earns {premium.text()} points beyond the best of the others, in words.",
            "Rank accuracy and the tasks that it takes to separate two miners 5 points apart are of the grader that "
            "compares with the engine's reading. Premiums are in shares of words, as above.",
        ),
        columns=(
            Column("validator", "validator"),
            Column("accuracy", "words right", 3),
            Column("rank_accuracy", "rank accuracy", 2),
            Column("tasks_to_separate", "tasks to separate", 0),
            Column("premium", "mimic premium", 3),
            Column("closed_form", "closed form", 3),
        ),
        rows=tuple(rows),
    )


def _complement(share: Estimate) -> Estimate:
    value, low, high = (None if each is None else 1 - each for each in (share.value, share.high, share.low))
    return Estimate(value, low, high, share.n, share.method)


def _correlation(errors: SharedErrors) -> tuple[Cell, Cell]:
    values = (errors.correlation, errors.same_when_wrong)
    return tuple(None if np.isnan(value) else value for value in values)  # type: ignore[return-value]


def _standard_errors(agreement: Estimate, expected: float) -> float:
    """Return how many standard errors the agreement is above what was expected; infinite without an interval."""
    if agreement.value is None or agreement.low is None or agreement.high is None or agreement.high <= agreement.low:
        return float("inf")
    return (agreement.value - expected) / ((agreement.high - agreement.low) / (2 * TWO_SIDED))
