"""The text prompting workload: tasks about an invented world, their known truth, and scorers that grade by it."""

from .choice import Choice, Chosen, parse_choice
from .criteria import Criteria, Instructions
from .day import Calendar, Day, parse_date
from .facts import Facts, KeptFacts
from .inquiry import Asks, Inquiry
from .language_model import LANGUAGE_MODELS, LanguageModel, TransformersModel
from .numeric import Amount, Numeric, parse_number
from .phrase import Exact, Named, Phrase
from .subnet import TextPrompting
from .truth import KnownTruth, Truth, reference_text
from .written import Written

__all__ = [
    "LANGUAGE_MODELS",
    "Amount",
    "Asks",
    "Calendar",
    "Choice",
    "Chosen",
    "Criteria",
    "Day",
    "Exact",
    "Facts",
    "Inquiry",
    "Instructions",
    "KeptFacts",
    "KnownTruth",
    "LanguageModel",
    "Named",
    "Numeric",
    "Phrase",
    "TextPrompting",
    "TransformersModel",
    "Truth",
    "Written",
    "parse_choice",
    "parse_date",
    "parse_number",
    "reference_text",
]
