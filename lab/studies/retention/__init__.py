"""How much of its weight must an honest majority put on honest miners, so that a cabal does not grow?"""

from lab.studies.study import SimulatedStudy

from .config import RetentionConfig
from .guarantee import RetentionData, retention
from .page import page, summary, tables

__all__ = ["STUDY"]

STUDY: SimulatedStudy[RetentionConfig, RetentionData] = SimulatedStudy(
    "retention", RetentionConfig, retention, page, tables=tables, summary=summary
)
