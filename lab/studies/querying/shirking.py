"""Shirking: what a miner earns that works while it is asked often and guesses once it is asked seldom.

It is compared with a twin that always works, in the same subnet. The shirker knows at every query whether the asking
validator counts it as known, which is more than a real one can find out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .beliefs import Beliefs
from .config import Policy, QueryingConfig

Floats = NDArray[np.float64]

WORKING = 0.8
"""Accuracy of the twin, and of the shirker while it works."""
GUESSING = 0.25
"""Accuracy of a guess among four answers."""


@dataclass(frozen=True, slots=True, eq=False)
class Shirker:
    """The shirker's lot under one policy; arrays over replications."""

    policy: Policy
    pay: Floats
    """Its pay over its twin's."""
    work: Floats
    """The queries that it works on over those that its twin does."""

    @property
    def wage(self) -> Floats:
        """Its pay for each query that it works on, over its twin's."""
        unknown = np.full(self.pay.shape, np.nan)
        return np.asarray(np.divide(self.pay, self.work, out=unknown, where=self.work > 0))


def shirker(config: QueryingConfig, policy: Policy, seed: int = 0) -> Shirker:
    """Play a subnet of honest miners, of which the first shirks and the second is its twin."""
    rng = np.random.default_rng([seed, 1])
    shape = (config.replications, config.validators, config.miners)
    beliefs = Beliefs(policy, *shape)
    accuracy = np.broadcast_to(np.linspace(*config.accuracies, config.miners), shape).copy()
    accuracy[..., 1] = WORKING
    earned, worked = np.zeros((config.replications, 2)), np.zeros((config.replications, 2))
    for epoch in range(config.epochs):
        works = ~beliefs.known[..., 0]
        accuracy[..., 0] = np.where(works, WORKING, GUESSING)
        answers = (rng.random(shape) < accuracy).astype(float)
        asked = rng.random(shape) < beliefs.chances
        beliefs.observe(answers, asked)
        if epoch >= config.warm_up:
            scores = beliefs.means.mean(axis=1)
            earned += scores[:, :2] / scores.sum(axis=-1, keepdims=True)
            worked[:, 0] += (asked[..., 0] & works).sum(axis=1)
            worked[:, 1] += asked[..., 1].sum(axis=1)
    return Shirker(policy, earned[:, 0] / earned[:, 1], worked[:, 0] / worked[:, 1])
