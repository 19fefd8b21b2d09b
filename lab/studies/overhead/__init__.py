"""What does an answer cost: N miners and V validators compared with doing the work once?"""

from lab.studies.study import MeasuredStudy

from .config import OverheadConfig
from .page import page
from .points import OverheadData

__all__ = ["STUDY"]

STUDY = MeasuredStudy("overhead", OverheadConfig, OverheadData.read, page)
