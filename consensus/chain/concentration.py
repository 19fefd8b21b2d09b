"""Concentration of a subnet: who holds the stake, who earns the incentive.

    concentration(Metagraph.load("sn1.json")).stake.nakamoto

Everything is summed per coldkey first: many hotkeys of one owner are one holder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .metagraph import Metagraph

TOP = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Holding:
    """One quantity, and its distribution over its holders."""

    holders: int
    gini: float
    """0 if everybody has the same, towards 1 if one has everything."""
    top_share: dict[int, float]
    """Share of the 1, 5 and 10 largest."""
    nakamoto: int
    """Smallest number of holders with more than half together; 0 if there is nothing to hold."""
    effective: float
    """Number of equal holders that would be as concentrated: 1 / sum of squared shares."""


@dataclass(frozen=True, slots=True)
class Concentration:
    """The concentration of one metagraph."""

    netuid: int
    block: int
    neurons: int
    coldkeys: int
    stake: Holding
    incentive: Holding
    miner_incentive: dict[str, float]
    """Spread over the uids with incentive: the shares at the 10th, 50th and 90th percentile, the largest share,
    and the ratio of the 90th to the 10th."""


def concentration(metagraph: Metagraph) -> Concentration:
    """Measure a metagraph: stake and incentive per coldkey, and the spread of incentive over its miners."""
    stake = _per_coldkey(metagraph.coldkeys, metagraph.stake_rao.astype(np.float64))
    incentive = _per_coldkey(metagraph.coldkeys, metagraph.incentive)
    return Concentration(
        metagraph.netuid,
        metagraph.block,
        metagraph.n,
        len(set(metagraph.coldkeys)),
        holding(stake),
        holding(incentive),
        _spread(metagraph.incentive),
    )


def holding(amounts: ArrayLike) -> Holding:
    """Measure one amount per holder; holders of nothing don't count."""
    values = np.asarray(amounts, np.float64)
    values = np.sort(values[values > 0])[::-1]
    if not len(values):
        return Holding(0, 0.0, dict.fromkeys(TOP, 0.0), 0, 0.0)
    shares = values / values.sum()
    return Holding(
        holders=len(values),
        gini=gini(values),
        top_share={k: float(shares[:k].sum()) for k in TOP},
        nakamoto=nakamoto(values),
        effective=float(1 / np.square(shares).sum()),
    )


def gini(amounts: ArrayLike) -> float:
    """Return the mean absolute difference between two holders over twice the mean; 0 if there is nothing."""
    values = np.sort(np.asarray(amounts, np.float64))
    n, total = len(values), float(values.sum())
    if n == 0 or total == 0:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ values / (n * total))


def nakamoto(amounts: ArrayLike) -> int:
    """Return the smallest number of holders who together have more than half."""
    values = np.sort(np.asarray(amounts, np.float64))[::-1]
    if not len(values) or values.sum() == 0:
        return 0
    return int(np.argmax(np.cumsum(values) > values.sum() / 2)) + 1


def _per_coldkey(coldkeys: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, which = np.unique(np.array(coldkeys, dtype=np.str_), return_inverse=True)
    return np.bincount(which, weights=values).astype(np.float64)


def _spread(incentive: NDArray[np.float64]) -> dict[str, float]:
    earning = incentive[incentive > 0]
    if not len(earning):
        return {}
    low, middle, high = np.quantile(earning, (0.1, 0.5, 0.9))
    return {
        "p10": float(low),
        "p50": float(middle),
        "p90": float(high),
        "max": float(earning.max()),
        "p90_over_p10": float(high / low),
    }
