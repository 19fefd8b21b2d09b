"""Statistics that the reports and studies share: every figure with its 95 % interval and its n.

Bootstraps draw from a fixed seed, so the same data give the same figure to the last digit.
"""

from .estimate import Estimate, mean, ranked, ratio
from .ranking import spearman, spearmans
from .resampling import RESAMPLES

__all__ = ["RESAMPLES", "Estimate", "mean", "ranked", "ratio", "spearman", "spearmans"]
