"""Evolution of strategies: each epoch is paid by Yuma consensus, then profitable strategies are imitated.

    data = evolve(EcologyConfig())
    data.cells[0].cheaters.text()

Axelrod's ecological tournament as a process in a finite population. Miners work or cheat; validators grade or copy the
last consensus that they can see. In each generation one miner and one validator look at another of their kind and take
over its strategy with the probability 1 / (1 + exp(-selection (its profit - their own))), the pairwise comparison of
Traulsen, Nowak and Pacheco (2006).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate, mean
from lab.statistics.interval import UNIT
from lab.studies.payout import SimulatedSubnets, stored_weights

from .config import EcologyConfig

Condition = tuple[float, float, int | None]
"""Detection, cost of cheating and concealment."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
STAKE_RAO = 10**12


@dataclass(frozen=True, slots=True)
class Cell:
    """One condition of the phase diagram: mean shares of the measured generations, over seeds."""

    detection: float
    cheating_cost: float
    concealment: int | None
    """None if validators were honest throughout."""
    cheaters: Estimate
    """Share of the miners that cheat."""
    copiers: Estimate
    """Share of the validators that copy weights."""


@dataclass(frozen=True, slots=True, eq=False)
class EcologyData:
    """Results of the study."""

    config: EcologyConfig
    cells: tuple[Cell, ...]
    cheaters: Floats
    """(generations, conditions, seeds), the share of miners that cheat."""
    copiers: Floats
    """(generations, conditions, seeds), the share of validators that copy."""


def conditions(config: EcologyConfig) -> list[Condition]:
    """Return every combination of detection, cost of cheating and concealment."""
    return list(product(config.detections, config.cheating_costs, config.concealments))


def evolve(
    config: EcologyConfig | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> EcologyData:
    """Simulate every condition with every seed side by side; `progress` receives the generations done and in total."""
    config = config or EcologyConfig()
    every = conditions(config)
    population = _Population(config, [condition for condition in every for _ in range(config.seeds)])
    shape = config.generations, len(every), config.seeds
    cheaters, copiers = np.empty(shape), np.empty(shape)
    for generation in range(config.generations):
        population.live()
        cheaters[generation] = population.cheats.mean(axis=1).reshape(shape[1:])
        copiers[generation] = population.copies.mean(axis=1).reshape(shape[1:])
        progress(generation + 1, config.generations)
    late = slice(config.generations - config.measured, None)
    cheating, copying = cheaters[late].mean(axis=0), copiers[late].mean(axis=0)
    cells = tuple(
        Cell(
            *condition,
            mean(cheating[place].tolist(), UNIT),
            mean(copying[place].tolist(), UNIT),
        )
        for place, condition in enumerate(every)
    )
    return EcologyData(config, cells, cheaters, copiers)


class _Population:
    """The miners and validators of all cases; a case is one condition with one seed."""

    def __init__(self, config: EcologyConfig, cases: Sequence[Condition]) -> None:
        """Begin with half of the miners cheating; the first validators copy."""
        self._config = config
        self._rng = np.random.default_rng(np.random.SeedSequence([1984, config.seeds, len(cases)]))
        self._detection, self._cheating_cost = (np.array([case[place] for case in cases], float) for place in (0, 1))
        self._delay = np.array([case[2] or 0 for case in cases])
        self._honest = np.array([case[2] is None for case in cases])
        count, validators, neurons = len(cases), config.validators, config.validators + config.miners
        stake = np.zeros((count, neurons), np.int64)
        stake[:, :validators] = STAKE_RAO
        params = replace(config.params, max_allowed_validators=validators)
        self._subnets = SimulatedSubnets(stake, [params] * count)
        self._seen: list[NDArray[np.int64]] = []
        """Consensus on the miners, (cases, miners), of the last epochs, the newest last."""
        self.cheats: Flags = np.arange(config.miners)[None, :].repeat(count, 0) % 2 == 1
        self.copies: Flags = (np.arange(validators) < config.first_copiers) & ~self._honest[:, None]
        self._quality = self._qualities((count, config.miners))

    def live(self) -> None:
        """Grade, pay and imitate."""
        config, validators = self._config, self._config.validators
        paid = self._subnets.pay(self._weights())
        self._seen = [*self._seen, self._subnets.consensus[:, validators:]][-1 - int(self._delay.max()) :]
        earned = _over_mean(paid.incentive[:, validators:])
        cost = np.where(self.cheats, self._cheating_cost[:, None], config.working_cost)
        self._imitate(self.cheats, earned - cost)
        changes = self._rng.random(self._quality.shape) < config.churn
        self._quality = np.where(changes, self._qualities(self._quality.shape), self._quality)
        held = _over_mean(paid.dividends[:, :validators])
        self._imitate(self.copies, held - np.where(self.copies, 0.0, config.grading_cost))
        self.copies &= ~self._honest[:, None]

    def _qualities(self, shape: tuple[int, ...]) -> Floats:
        """Draw qualities of workers."""
        return self._rng.uniform(self._config.least_quality, 1.0, shape)

    def _weights(self) -> NDArray[np.uint16]:
        """Return the weights of all validators, (cases, validators, neurons) as they are stored."""
        config = self._config
        good = np.where(self.cheats, 1 - self._detection[:, None], self._quality)[:, None, :]
        shape = len(self.cheats), config.validators, config.miners
        rows = self._rng.binomial(config.tasks, np.broadcast_to(good, shape)).astype(float)
        if self._seen:
            newest = len(self._seen) - 1
            visible = np.maximum(newest - self._delay, 0)
            consensus = np.stack(self._seen)[visible, np.arange(shape[0])]
            # A consensus of nothing leaves a copier with its own grades.
            usable = self.copies & consensus.any(axis=1)[:, None]
            rows = np.where(usable[:, :, None], consensus[:, None, :], rows)
        weights = np.zeros((*shape[:2], config.validators + config.miners), np.uint16)
        weights[:, :, config.validators :] = stored_weights(rows)
        return weights

    def _imitate(self, strategies: Flags, profit: Floats) -> None:
        """Have one neuron of each case compare itself with another; `strategies` (cases, neurons) change in place."""
        cases, size = strategies.shape
        place = np.arange(cases)
        own = self._rng.integers(size, size=cases)
        other = (own + self._rng.integers(1, size, size=cases)) % size
        ahead = profit[place, other] - profit[place, own]
        follows = self._rng.random(cases) < 1 / (1 + np.exp(-self._config.selection * ahead))
        chosen = np.where(follows, strategies[place, other], strategies[place, own])
        mutates = self._rng.random(cases) < self._config.mutation
        strategies[place, own] = np.where(mutates, self._rng.random(cases) < 0.5, chosen)


def _over_mean(pay: NDArray[np.int64]) -> Floats:
    """Return pay (cases, neurons) in units of each case's mean; 0 where nobody is paid."""
    average = pay.mean(axis=1, keepdims=True)
    over: Floats = np.divide(pay, average, out=np.zeros(pay.shape), where=average > 0)
    return over
