"""Token claims: does a miner report more output tokens than its answers hold?

honest = mean_excess(claimed, recounted)              # outputs known to be counted honestly
check = ClaimCheck.of(claimed, recounted, tolerance=honest.high or 0.0)
check.flagged_at                                      # number of outputs until the flag, or None
check.unclaimed                                       # share of outputs that can't be checked
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate, ratio, share
from .resampling import clustered

ALPHA = 0.05
STAKES = ((1.0, 0.5), (0.5, 0.25), (0.25, 0.125), (0.125, 0.125))
"""Bets and their shares of the capital. The full stake is best against a constant over-report, smaller stakes against
claims that scatter widely."""


def mean_excess(claimed: ArrayLike, recounted: ArrayLike, cluster: ArrayLike | None = None) -> Estimate:
    """Return the mean relative excess of claims, claimed / recounted - 1.

    Outputs of one `cluster` (outputs,), like those to the same task, belong together, and n counts clusters.

    For outputs known to be counted honestly, the upper end is the tolerance for checking others: the average excess
    over our own recount that a slightly different tokenizer explains. It applies to outputs of similar length, because
    one more token weighs more in a short output.

    Raises:
        ValueError: the lists differ in length, or a count is below 0.
    """
    excess, known = _excess(claimed, recounted), _known(claimed, recounted)
    sums = clustered(
        np.column_stack([excess, np.ones(len(excess))]), None if cluster is None else np.asarray(cluster)[known]
    )
    return ratio(*sums.T.tolist())


@dataclass(frozen=True, slots=True)
class ClaimCheck:
    """A sequential test of a miner's claims, which may be read after every output and stopped at any time.

    Null hypothesis: given all earlier claims, a claim's expected relative excess is at most `tolerance`. No claim is
    below 0, so the excess is at least -1, and the product over outputs of
    1 + stake * (excess - tolerance) / (1 + tolerance) is never negative. Under the null its expectation never grows,
    and neither does that of a mean of such products. By Ville's inequality, the probability that it ever reaches
    1 / alpha is at most alpha, however long the sequence (testing by betting: Waudby-Smith and Ramdas 2024,
    JRSS B 86).
    """

    flagged_at: int | None
    """Number of outputs, with or without a claim, until the evidence reached 1 / alpha; None if it never did."""
    evidence: float
    """Largest evidence against honesty, as a factor."""
    excess: Estimate
    """Mean relative excess over all outputs with both counts."""
    unclaimed: Estimate
    """Share of outputs without a claim. A miner chooses where it claims, so these are no evidence of honesty."""

    @classmethod
    def of(cls, claimed: ArrayLike, recounted: ArrayLike, tolerance: float = 0.0, alpha: float = ALPHA) -> ClaimCheck:
        """Check claims (outputs,) in order of arrival; NaN is an output without a claim or recount.

        Raises:
            ValueError: the lists differ in length, a count or the tolerance is below 0, or alpha is outside (0, 1).
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha {alpha}: the probability of a false alarm, between 0 and 1")
        evidence = log_evidence(claimed, recounted, tolerance)
        flagged = np.flatnonzero(evidence >= -np.log(alpha))
        places = np.flatnonzero(_known(claimed, recounted))
        return cls(
            flagged_at=int(places[flagged[0]]) + 1 if len(flagged) else None,
            evidence=float(np.exp(min(evidence.max(initial=0.0), 700.0))),
            excess=mean_excess(claimed, recounted),
            unclaimed=share(np.isnan(np.asarray(claimed, dtype=float))),
        )


def log_evidence(claimed: ArrayLike, recounted: ArrayLike, tolerance: float = 0.0) -> NDArray[np.float64]:
    """Return the logarithm of the evidence against honesty after each output with both counts; see `ClaimCheck`."""
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance {tolerance}: the mean excess of honest claims, 0 or more")
    stakes, shares = np.array(STAKES).T
    gains = stakes[:, None] * (_excess(claimed, recounted) - tolerance) / (1 + tolerance)
    # A claim of 0 tokens loses the full stake, which is minus infinity in logarithms.
    with np.errstate(divide="ignore"):
        grown = np.cumsum(np.log1p(np.maximum(gains, -1.0)), axis=1)
    return np.asarray(np.logaddexp.reduce(grown + np.log(shares)[:, None], axis=0))


def _excess(claimed: ArrayLike, recounted: ArrayLike) -> NDArray[np.float64]:
    """Return the relative excess, at least -1, of each claim with both counts. An empty output counts as one token."""
    claims, counts = np.asarray(claimed, dtype=float), np.asarray(recounted, dtype=float)
    if claims.shape != counts.shape or claims.ndim != 1:
        raise ValueError(f"claimed {claims.shape}, recounted {counts.shape}: give one of each for every output")
    known = _known(claims, counts)
    claims, counts = claims[known], counts[known]
    if (claims < 0).any() or (counts < 0).any() or np.isinf(claims).any() or np.isinf(counts).any():
        raise ValueError("tokens are counted from 0 up")
    return np.asarray((claims - counts) / np.maximum(counts, 1.0))


def _known(claimed: ArrayLike, recounted: ArrayLike) -> NDArray[np.bool_]:
    """Return which outputs have both counts (outputs,)."""
    return np.asarray(~(np.isnan(np.asarray(claimed, dtype=float)) | np.isnan(np.asarray(recounted, dtype=float))))
