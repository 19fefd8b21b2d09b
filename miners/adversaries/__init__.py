"""Miners that try to be paid for nothing."""

from .copycat import Copycat
from .injections import INJECTIONS
from .insider import Insider, NegatedTruth, Oracle
from .malformed import FAULTS, Malformed
from .negation import negate
from .ring import Ring
from .shotgun import Shotgun
from .text import FILLER, EmptyAnswer, EndlessAnswer, JudgeInjection, Mirror, Overclaimer, Padding, WordSalad
from .two_faced import TwoFaced

__all__ = [
    "FAULTS",
    "FILLER",
    "INJECTIONS",
    "Copycat",
    "EmptyAnswer",
    "EndlessAnswer",
    "Insider",
    "JudgeInjection",
    "Malformed",
    "Mirror",
    "NegatedTruth",
    "Oracle",
    "Overclaimer",
    "Padding",
    "Ring",
    "Shotgun",
    "TwoFaced",
    "WordSalad",
    "negate",
]
