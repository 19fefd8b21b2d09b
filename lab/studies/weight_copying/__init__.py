"""What does a validator earn that copies the last consensus it can see, compared with one that works?"""

from lab.studies.study import SimulatedStudy

from .config import CopyingConfig
from .gains import CopyingData, weight_copying
from .page import page, summary, tables

__all__ = ["STUDY"]

STUDY: SimulatedStudy[CopyingConfig, CopyingData] = SimulatedStudy(
    "weight-copying", CopyingConfig, weight_copying, page, tables=tables, summary=summary
)
