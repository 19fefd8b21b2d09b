"""How few queries pay miners as rightly as asking everybody does, and what does shirking earn then?"""

from lab.studies.study import SimulatedStudy

from .config import QueryingConfig
from .data import QueryingData, querying
from .page import page, summary, tables

__all__ = ["STUDY"]

STUDY: SimulatedStudy[QueryingConfig, QueryingData] = SimulatedStudy(
    "querying", QueryingConfig, querying, page, tables=tables, summary=summary
)
