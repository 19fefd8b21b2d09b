"""What do time, power and money do to a subnet: one scenario, one figure, one claim each?"""

from lab.studies.study import SimulatedStudy

from .data import ScenariosData, play_scenarios
from .page import page, summary, tables
from .selection import Selection

__all__ = ["STUDY"]

STUDY: SimulatedStudy[Selection, ScenariosData] = SimulatedStudy(
    "scenarios", Selection.all, play_scenarios, page, tables=tables, summary=summary
)
