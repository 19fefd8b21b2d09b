"""Config of the overhead study: the grid of miners and validators at which the bill is measured."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from lab.config.base import Table
from lab.config.tables import ChainTable
from lab.studies.arm import Arm, subset
from lab.studies.study import StudyConfig

PROBE_MINERS = 8
"""Miners of the probe: an engine that many miners share costs each of them less than one that few share."""


class Grid(Table):
    """The points at which the bill is measured."""

    miners: tuple[int, ...] = Field((1, 2, 4, 8), min_length=1)
    """Numbers of miners N, ascending."""
    validators: tuple[int, ...] = Field((1, 2, 4), min_length=1)
    """Numbers of validators V, ascending."""


class OverheadTable(Grid):
    """The `[overhead]` table: the numbers of miners and validators at which the bill is measured."""

    full: Grid = Grid(miners=(1, 2, 4, 8, 16, 32, 64), validators=(1, 2, 4, 8, 16))
    """Grid for `--full`."""
    probe_rounds: int = Field(4, ge=1)
    """Rounds of the probe, which the forecast is based on."""


class OverheadConfig(StudyConfig):
    """A run's config and the grid; each point of the grid takes the first miners and validators of the run."""

    overhead: OverheadTable = OverheadTable()

    @model_validator(mode="after")
    def _check_baseline(self) -> Self:
        if self.bare.every == 0:
            raise ValueError(
                ".bare.every: 0; the study compares with doing each task once: omit the key, or set it to 1"
            )
        if self.bare.miner is not None:
            raise ValueError(
                f".bare.miner: {self.bare.miner!r}; each point of the grid takes the first miners and lets the first "
                "honest one do its tasks once: omit the key, and put that miner's table first"
            )
        return self

    def grid(self, *, full: bool) -> Grid:
        """Return the points to measure."""
        return self.overhead.full if full else self.overhead

    def arms(self, *, full: bool) -> list[Arm]:
        """Return a run for each point of the grid."""
        grid = self.grid(full=full)
        return [
            Arm(f"n{miners}-v{validators}", subset(self, miners=miners, validators=validators))
            for validators in grid.validators
            for miners in grid.miners
        ]

    def probe(self) -> Arm:
        """Return the probe: one validator, and at least one miner of every table."""
        chain = ChainTable(epochs=1, rounds_per_epoch=self.overhead.probe_rounds)
        miners = min(max(len(self.miners), PROBE_MINERS), len(self.miner_names))
        return Arm("probe", subset(self, miners=miners, validators=1, chain=chain.model_dump(mode="json")))
