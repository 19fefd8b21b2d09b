"""Figures over runs that differ in their seeds alone: each run is one observation, so intervals are over runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.statistics import NONNEGATIVE, UNIT, Estimate, mean

from .neurons import NeuronResult
from .run_figures import RunFigures


@dataclass(frozen=True, slots=True)
class MinerOverSeeds:
    """One miner in all runs; a figure that some run lacks has no value."""

    name: str
    pay_share: Estimate
    """Share of the miners' pay."""
    quality: Estimate
    """Mean true quality of its answers."""
    score: Estimate
    """Mean score of its answers."""


@dataclass(frozen=True, slots=True)
class OverSeeds:
    """What several runs say together."""

    seeds: tuple[int, ...]
    miners: tuple[MinerOverSeeds, ...]
    overhead: Estimate
    """CPU of the subnet for a task, divided by that of doing it once."""

    @classmethod
    def of(cls, seeds: Sequence[int], runs: Sequence[RunFigures]) -> OverSeeds:
        """Join the figures of runs of one config, in the order of their seeds."""
        miners = zip(*(run.results.miners for run in runs), strict=True)
        overheads = [run.bill.overhead.value for run in runs]
        return cls(tuple(seeds), tuple(map(_joined, miners)), _mean(overheads, NONNEGATIVE))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON holds it."""
        return asdict(self)


def _joined(miner: tuple[NeuronResult, ...]) -> MinerOverSeeds:
    def over(figure: Callable[[NeuronResult], float | None]) -> Estimate:
        return _mean([figure(result) for result in miner], UNIT)

    return MinerOverSeeds(
        miner[0].name,
        over(lambda result: result.pay_share),
        over(lambda result: result.quality.value),
        over(lambda result: result.score.value),
    )


def _mean(values: Sequence[float | None], bounds: tuple[float, float]) -> Estimate:
    known = [value for value in values if value is not None]
    return mean(known, bounds) if len(known) == len(values) else Estimate(None, None, None, len(known))
