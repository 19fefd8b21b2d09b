"""Validators: sampling, scoring, the score ledger and weights; dishonest validators too."""

from subnets import Scorer

from .champion import Champion
from .dawid_skene import NO_ANSWER, NOT_ASKED, JuryResult, jury
from .ledger import Ledger, LedgerKind, ScoreLedger
from .memory import Memory
from .registry import LEDGERS, SAMPLERS, SCORERS
from .sampling import All, ByLedger, RandomK, Sampler, StakeWeighted
from .scorer_check import check_scorer, open_scorer
from .strategies import (
    VALIDATORS,
    Bribed,
    Cabal,
    Favourite,
    Inverter,
    LateCopier,
    Lazy,
    PoisonPill,
    ScoreSharer,
    WeightCopier,
    load_validator,
)
from .validator import Assignment, Grades, PublicView, Validator, receive, receive_all, score
from .watchful import Watchful, WatchfulLedger
from .weights import WEIGHT_RULES, Burn, Power, Proportional, Softmax, TopK, WeightRule, WinnerTakesAll
from .window import Round, WindowGrades, WindowScorer

__all__ = [
    "LEDGERS",
    "NOT_ASKED",
    "NO_ANSWER",
    "SAMPLERS",
    "SCORERS",
    "VALIDATORS",
    "WEIGHT_RULES",
    "All",
    "Assignment",
    "Bribed",
    "Burn",
    "ByLedger",
    "Cabal",
    "Champion",
    "Favourite",
    "Grades",
    "Inverter",
    "JuryResult",
    "LateCopier",
    "Lazy",
    "Ledger",
    "LedgerKind",
    "Memory",
    "PoisonPill",
    "Power",
    "Proportional",
    "PublicView",
    "RandomK",
    "Round",
    "Sampler",
    "ScoreLedger",
    "ScoreSharer",
    "Scorer",
    "Softmax",
    "StakeWeighted",
    "TopK",
    "Validator",
    "Watchful",
    "WatchfulLedger",
    "WeightCopier",
    "WeightRule",
    "WindowGrades",
    "WindowScorer",
    "WinnerTakesAll",
    "check_scorer",
    "jury",
    "load_validator",
    "open_scorer",
    "receive",
    "receive_all",
    "score",
]
