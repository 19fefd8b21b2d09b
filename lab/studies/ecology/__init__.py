"""Which strategies take over a subnet, if those that profit most are imitated?"""

from lab.studies.study import SimulatedStudy

from .config import EcologyConfig
from .evolution import EcologyData, evolve
from .page import page, summary, tables

__all__ = ["STUDY"]

STUDY: SimulatedStudy[EcologyConfig, EcologyData] = SimulatedStudy(
    "ecology", EcologyConfig, evolve, page, tables=tables, summary=summary
)
