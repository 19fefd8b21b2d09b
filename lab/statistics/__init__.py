"""Statistics for reports and studies: every estimate has a 95 % interval and its n.

Bootstraps use a fixed seed, so the same data give the same estimate to the last digit.
"""

from .estimate import Estimate, mean, ranked, ratio
from .number import number
from .ranking import spearman, spearmans
from .resampling import RESAMPLES

__all__ = ["RESAMPLES", "Estimate", "mean", "number", "ranked", "ratio", "spearman", "spearmans"]
