"""The contest of policies: pay that each misplaces and queries that it costs, by how often miners change.

Each validator asks in each epoch whom its policy wants; an answer is right with the miner's accuracy of the day. Scores
become weights in proportion, Yuma consensus pays, and pay is compared with shares by the accuracies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus import YumaParams
from lab.studies.payout import SimulatedSubnets, stored_weights

from .beliefs import Beliefs
from .config import QueryingConfig, World

Floats = NDArray[np.float64]
STAKE_RAO = 10**12


@dataclass(frozen=True, slots=True, eq=False)
class PolicyContest:
    """Results of all policies in one world."""

    change: int
    """Epochs after which a miner changes, in the mean; 0 if it never does."""
    world: World
    misplaced: Floats
    """Share of the pay that others would receive by their accuracies, (policies, replications)."""
    queries: Floats
    """Share of the queries that asking everybody takes, (policies, replications)."""


def contest(config: QueryingConfig, change: int, world: World, seed: int = 0) -> PolicyContest:
    """Let all policies ask the same miners."""
    rng = np.random.default_rng([seed, change])
    policies, replications = len(config.policies), config.replications
    shape = (replications, config.validators, config.miners)
    beliefs = [Beliefs(policy, *shape) for policy in config.policies]
    subnets = _subnets(config, policies * replications)
    accuracy = _drawn(config, world, rng)
    misplaced, queries = np.zeros((policies, replications)), np.zeros((policies, replications))
    looks = range(config.warm_up, config.epochs, config.paid_every)
    for epoch in range(config.epochs):
        changed = rng.random(accuracy.shape) * change < (change > 0)
        accuracy = np.where(changed, _drawn(config, world, rng), accuracy)
        answers = (rng.random(shape) < accuracy[:, None]).astype(float)
        coins = rng.random(shape)
        for place, belief in enumerate(beliefs):
            asked = coins < belief.chances
            belief.observe(answers, asked)
            if epoch >= config.warm_up:
                queries[place] += asked.mean(axis=(1, 2))
        if epoch in looks:
            pay = _paid(subnets, np.stack([belief.means for belief in beliefs]))
            misplaced += np.abs(pay - accuracy / accuracy.sum(axis=-1, keepdims=True)).sum(axis=-1) / 2
    return PolicyContest(change, world, misplaced / len(looks), queries / (config.epochs - config.warm_up))


def _drawn(config: QueryingConfig, world: World, rng: np.random.Generator) -> Floats:
    """Draw accuracies (replications, miners)."""
    shape = config.replications, config.miners
    return rng.uniform(*config.accuracies, shape) if world == "spread" else rng.choice(config.accuracies, shape)


def _subnets(config: QueryingConfig, cases: int) -> SimulatedSubnets:
    stake = np.zeros((cases, config.validators + config.miners), np.int64)
    stake[:, : config.validators] = STAKE_RAO
    return SimulatedSubnets(stake, [YumaParams(max_allowed_validators=config.validators)] * cases)


def _paid(subnets: SimulatedSubnets, scores: Floats) -> Floats:
    """Return each miner's share of pay, (policies, replications, miners), by scores (..., validators, miners)."""
    *outer, validators, miners = scores.shape
    rows = np.zeros((int(np.prod(outer)), validators, validators + miners), np.uint16)
    rows[..., validators:] = stored_weights(scores.reshape(-1, validators, miners))
    incentive = subnets.pay(rows).incentive[:, validators:].astype(float)
    return np.asarray((incentive / incentive.sum(axis=-1, keepdims=True)).reshape(*outer, miners))
