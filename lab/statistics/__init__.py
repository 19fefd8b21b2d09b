"""Statistics for reports and studies: every estimate has a 95 % interval, its method and its n.

Bootstraps use a fixed seed, so the same data give the same estimate to the last digit.
"""

from .estimate import Estimate, mean, mean_score, quantile, ranked, ratio, share
from .interval import NONNEGATIVE, UNIT
from .number import number
from .ranking import spearman, spearmans

__all__ = [
    "NONNEGATIVE",
    "UNIT",
    "Estimate",
    "mean",
    "mean_score",
    "number",
    "quantile",
    "ranked",
    "ratio",
    "share",
    "spearman",
    "spearmans",
]
