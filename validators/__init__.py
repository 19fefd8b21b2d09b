"""Who asks and grades: sampling, scoring, the score ledger, weights; dishonest validators too."""

from subnets import Scorer

from .ledger import ScoreLedger
from .registry import SAMPLERS, SCORERS
from .sampling import All, RandomK, Sampler, StakeWeighted
from .strategies import VALIDATORS, Favourite, Inverter, WeightCopier, load_validator
from .validator import Assignment, Grades, PublicView, Validator

__all__ = [
    "SAMPLERS",
    "SCORERS",
    "VALIDATORS",
    "All",
    "Assignment",
    "Favourite",
    "Grades",
    "Inverter",
    "PublicView",
    "RandomK",
    "Sampler",
    "ScoreLedger",
    "Scorer",
    "StakeWeighted",
    "Validator",
    "WeightCopier",
    "load_validator",
]
