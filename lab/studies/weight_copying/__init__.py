"""How much does a validator earn by copying the last consensus that it can see, instead of grading?"""

from lab.studies.study import SimulatedStudy

from .config import CopyingConfig
from .gains import CopyingData, weight_copying
from .page import page, summary, tables

__all__ = ["STUDY"]

STUDY: SimulatedStudy[CopyingConfig, CopyingData] = SimulatedStudy(
    "weight-copying", CopyingConfig, weight_copying, page, tables=tables, summary=summary
)
