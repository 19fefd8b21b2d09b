"""Token claims: does a miner report more output tokens than its answers hold?

honest = mean_excess(claimed, recounted)            # of outputs known to be counted honestly
found = ClaimCheck.of(claimed, recounted, tolerance=honest.high or 0.0)
found.flagged_at                                      # after how many outputs, or None
found.unclaimed                                       # of which so many can't be checked
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate, mean, ratio
from .resampling import clustered

ALPHA = 0.05
STAKES = ((1.0, 0.5), (0.5, 0.25), (0.25, 0.125), (0.125, 0.125))
"""Bets and their shares of the evidence's capital. The whole stake is best against a constant over-report, the
smaller ones where single claims scatter widely about it."""


def mean_excess(claimed: ArrayLike, recounted: ArrayLike, cluster: ArrayLike | None = None) -> Estimate:
    """Mean relative excess of claims, claimed / recounted - 1.

    Outputs of one `cluster` (outputs,), as those to the same task, are drawn together, and n then counts clusters.

    Of outputs known to be counted honestly its upper end is the tolerance to check others with: what a claim may
    be above our own recount on average, for tokenizers that differ by a few tokens. It holds for outputs of
    similar length, for a token more weighs more in a short one.

    Raises:
        ValueError: lists of unequal length, counts below 0.
    """
    excess, known = _excess(claimed, recounted), _known(claimed, recounted)
    sums = clustered(
        np.column_stack([excess, np.ones(len(excess))]), None if cluster is None else np.asarray(cluster)[known]
    )
    return ratio(*sums.T.tolist())


@dataclass(frozen=True, slots=True)
class ClaimCheck:
    """A sequential test of a miner's claims; it may be read after every output and stopped at any time.

    Null hypothesis: given all before it, a claim's relative excess is at most `tolerance` on average, whatever
    its scatter. As no claim is below 0 the excess is -1 at least, so the product over outputs of
    1 + stake * (excess - tolerance) / (1 + tolerance) is never negative and under the null never grows on average,
    and neither does a mean of such products. By Ville's inequality it then ever reaches 1 / alpha with
    probability alpha at most, over the whole sequence, however long (testing by betting: Waudby-Smith and
    Ramdas 2024, JRSS B 86).
    """

    flagged_at: int | None
    """Outputs after which the evidence reached 1 / alpha, those without a claim among them; None: it never did."""
    evidence: float
    """The largest factor by which the claims ever spoke against honesty."""
    excess: Estimate
    """Mean relative excess over all outputs with both counts."""
    unclaimed: Estimate
    """Share of outputs without a claim: a miner chooses where it claims, so these are no evidence of honesty."""

    @classmethod
    def of(cls, claimed: ArrayLike, recounted: ArrayLike, tolerance: float = 0.0, alpha: float = ALPHA) -> ClaimCheck:
        """Check claims (outputs,) in the order in which they came; NaN is an output without a claim or recount.

        Raises:
            ValueError: lists of unequal length, counts below 0, tolerance below 0, alpha outside (0, 1).
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha {alpha}: the chance of a false alarm, between 0 and 1")
        evidence = log_evidence(claimed, recounted, tolerance)
        flagged = np.flatnonzero(evidence >= -np.log(alpha))
        places = np.flatnonzero(_known(claimed, recounted))
        return cls(
            flagged_at=int(places[flagged[0]]) + 1 if len(flagged) else None,
            evidence=float(np.exp(min(evidence.max(initial=0.0), 700.0))),
            excess=mean_excess(claimed, recounted),
            unclaimed=mean(np.isnan(np.asarray(claimed, dtype=float)).tolist()),
        )


def log_evidence(claimed: ArrayLike, recounted: ArrayLike, tolerance: float = 0.0) -> NDArray[np.float64]:
    """Logarithm of the evidence against honesty after each output with both counts, as `ClaimCheck` defines it."""
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance {tolerance}: the mean excess of honest claims, 0 or more")
    stakes, shares = np.array(STAKES).T
    gains = stakes[:, None] * (_excess(claimed, recounted) - tolerance) / (1 + tolerance)
    # A claim of 0 tokens against the whole stake leaves nothing of it, which is minus infinity in logarithms.
    with np.errstate(divide="ignore"):
        grown = np.cumsum(np.log1p(np.maximum(gains, -1.0)), axis=1)
    return np.asarray(np.logaddexp.reduce(grown + np.log(shares)[:, None], axis=0))


def _excess(claimed: ArrayLike, recounted: ArrayLike) -> NDArray[np.float64]:
    """Relative excess, at least -1, of each claim that has both counts. An empty output counts as one token."""
    claims, counts = np.asarray(claimed, dtype=float), np.asarray(recounted, dtype=float)
    if claims.shape != counts.shape or claims.ndim != 1:
        raise ValueError(f"claimed {claims.shape}, recounted {counts.shape}: give one of each an output")
    known = _known(claims, counts)
    claims, counts = claims[known], counts[known]
    if (claims < 0).any() or (counts < 0).any() or np.isinf(claims).any() or np.isinf(counts).any():
        raise ValueError("tokens are counted from 0 up")
    return np.asarray((claims - counts) / np.maximum(counts, 1.0))


def _known(claimed: ArrayLike, recounted: ArrayLike) -> NDArray[np.bool_]:
    """Whether an output has both counts (outputs,)."""
    return np.asarray(~(np.isnan(np.asarray(claimed, dtype=float)) | np.isnan(np.asarray(recounted, dtype=float))))
