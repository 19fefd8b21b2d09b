"""What the replay foretells of a run that was not part of it, and what that run paid.

The run has its own tasks, so an interval says where its pay should lie, not where the mean of many such runs does: both
the recorded tasks and the draw from them are resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from consensus.chain.hyperparameters import Hyperparameters
from consensus.yuma.params import U16_MAX
from lab.record.completed_run import CompletedRun
from lab.statistics import Estimate
from validators import Validator
from validators.sampling import RandomK

from .config import DesignConfig
from .replay import MOST_VALIDATORS, ReplayWorlds, ScoreTables, replay
from .space import Design, GraderChoice

DRAWS = 400


@dataclass(frozen=True, slots=True)
class Foretold:
    """One miner of the run."""

    miner: str
    expected: Estimate
    """Share of the pay, with the interval in which a run should lie; n counts recorded tasks."""
    paid: float

    @property
    def inside(self) -> bool | None:
        """True if the run paid within the interval; None if there is none."""
        low, high = self.expected.low, self.expected.high
        return None if low is None or high is None else low <= self.paid <= high


def foretell(config: DesignConfig, tables: ScoreTables, run: CompletedRun) -> tuple[Foretold, ...]:
    """Foretell the pay of each miner of a run that was played with the config's own validators."""
    design, epochs = own_design(config, tables), config.chain.epochs
    rng = np.random.default_rng(config.seed)
    samples = rng.integers(0, len(tables), (DRAWS, len(tables)))
    worlds = ReplayWorlds.draw(
        tables, count=DRAWS, rounds=epochs * design.rounds_per_epoch, seed=config.seed, samples=samples
    )
    pay = replay(tables, [design], worlds).pay[0]
    paid = np.array([epoch.pay.incentive for epoch in run.epochs], float)[:, len(run.names("validator")) :].sum(axis=0)
    shares = paid / max(1.0, paid.sum())
    return tuple(
        Foretold(name, Estimate.of_draws(float(draws.mean()), draws, len(tables)), float(share))
        for name, draws, share in zip(run.names("miner").values(), pay.T, shares, strict=True)
    )


def own_design(config: DesignConfig, tables: ScoreTables) -> Design:
    """Return the design of the config's own validators."""
    validators = config.build_validators()
    first: Validator = validators[0]
    place = config.own_grader
    assert place is not None  # the config refuses to be without
    rules = Hyperparameters.development(**config.hyperparameters())
    asked = first.sampler.k / len(config.miner_names) if isinstance(first.sampler, RandomK) else 1.0
    return Design(
        grader=GraderChoice(config.graders[place].name, place, 1.0),
        miners=int(tables.honest.sum()),
        validators=min(len(validators), MOST_VALIDATORS),
        share=min(1.0, asked),
        alpha=first.alpha,
        weight_rule=first.weight_rule,
        rounds_per_epoch=config.chain.rounds_per_epoch,
        commit_reveal=False,
        kappa=rules.kappa / U16_MAX,
        bonds="yuma1" if rules.yuma_version == "yuma1" else "yuma3 liquid" if rules.liquid_alpha else "yuma3",
    )
