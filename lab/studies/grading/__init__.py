"""Who grades the graders: which rank miners rightly, which can be gamed or are biased, and what that does to pay?"""

from lab.studies.study import MeasuredStudy

from .config import GradingConfig
from .grades import GradingData
from .page import page
from .regrade import estimate, regrade

__all__ = ["STUDY"]

STUDY = MeasuredStudy(
    "grading", GradingConfig, GradingData.read, page, after_arms=regrade, estimate_after_arms=estimate
)
