"""Which design should I launch: which grader, how many validators, what weights, and what does it cost?"""

from lab.studies.grading.regrade import estimate, regrade
from lab.studies.study import MeasuredStudy

from .config import DesignConfig
from .data import DesignData
from .page import page

__all__ = ["STUDY"]

STUDY = MeasuredStudy("design", DesignConfig, DesignData.read, page, after_arms=regrade, estimate_after_arms=estimate)
