"""The text prompting workload: tasks about an invented world, and scorers that grade by their known truth."""

from subnets.language_model import LANGUAGE_MODELS, LanguageModel, TransformersModel
from subnets.text_prompting.truths.choice import Choice, Chosen, parse_choice
from subnets.text_prompting.truths.criteria import Criteria, Instructions
from subnets.text_prompting.truths.day import Calendar, Day, parse_date
from subnets.text_prompting.truths.facts import Facts, KeptFacts
from subnets.text_prompting.truths.inquiry import Asks, Inquiry
from subnets.text_prompting.truths.number import parse_number
from subnets.text_prompting.truths.numeric import Amount, Numeric
from subnets.text_prompting.truths.phrase import Named, Phrase
from subnets.text_prompting.truths.truth import KnownTruth, Truth
from subnets.text_prompting.truths.written import Written

from .subnet import TextPrompting

__all__ = [
    "LANGUAGE_MODELS",
    "Amount",
    "Asks",
    "Calendar",
    "Choice",
    "Chosen",
    "Criteria",
    "Day",
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
]
