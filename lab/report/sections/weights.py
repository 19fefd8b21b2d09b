"""Weights: what each validator submitted for the last epoch, and the consensus that came of it."""

from __future__ import annotations

from dataclasses import dataclass

from lab.results.neurons import NeuronResults, by_quality
from lab.results.run_figures import RunFigures
from lab.results.words import counted, listed, quoted
from lab.statistics import spearman

from ..section import Caption, Cell, Column, Section
from .names import label
from .summary import refusals


@dataclass(frozen=True, slots=True)
class _Pair:
    """How far two validators' weights rank the miners alike."""

    correlation: float
    first: int
    second: int


def weights(run: RunFigures) -> Section:
    """Return a row for each miner: the weight of each validator, missing if it submitted none, and the consensus."""
    results = run.results
    title = "Weights of the last epoch"
    if not results.epochs:
        return Section("weights", title, Caption("No epoch is complete yet.", "There are no weights to show."))
    submitted = results.epochs[-1].weights
    columns = [Column(validator.name, validator.name, shaded=True) for validator in results.validators]
    rows: list[tuple[Cell, ...]] = [
        (
            label(miner),
            *(
                submitted[validator.uid].get(miner.uid, 0.0) if validator.uid in submitted else None
                for validator in results.validators
            ),
            miner.consensus,
        )
        for miner in by_quality(results.miners)
    ]
    return Section(
        "weights",
        title,
        _caption(results),
        (Column("miner", "miner"), *columns, Column("consensus", "consensus", shaded=True)),
        tuple(rows),
    )


def _caption(results: NeuronResults) -> Caption:
    submitted = results.epochs[-1].weights
    names = {validator.uid: quoted(validator.name) for validator in results.validators}
    parts = [
        f"What {counted(len(submitted), 'validator')} submitted for the last epoch, as shares of each one's total."
    ]
    pairs = _pairs(results)
    if pairs:
        least = min(pairs, key=lambda pair: (pair.correlation, pair.first, pair.second))
        parts.append(
            f"Of the {counted(len(pairs), 'pair')} of validators none agrees less than {names[least.first]} and "
            f"{names[least.second]}: Spearman {least.correlation:.2f} (n={counted(len(results.miners), 'miner')})."
            if len(pairs) > 1
            else f"{names[least.first]} and {names[least.second]} agree at Spearman {least.correlation:.2f} "
            f"(n={counted(len(results.miners), 'miner')})."
        )
    silent = [quoted(validator.name) for validator in results.validators if validator.uid not in submitted]
    if silent:
        parts.append(f"Without weights: {listed(silent)}.")
    return Caption(
        " ".join([*parts, *refusals(results)]),
        "Agreement does not prove grading: a validator that copies the consensus agrees as well. "
        "The consensus is what the stake behind the validators made of their weights.",
    )


def _pairs(results: NeuronResults) -> list[_Pair]:
    """Return the rank correlation of each two validators that submitted weights, where it is defined."""
    uids = [miner.uid for miner in results.miners]
    rows = {uid: [row.get(miner, 0.0) for miner in uids] for uid, row in sorted(results.epochs[-1].weights.items())}
    return [
        _Pair(correlation, first, second)
        for first in rows
        for second in rows
        if first < second and (correlation := spearman(rows[first], rows[second])) is not None
    ]
