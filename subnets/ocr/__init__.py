"""The OCR workload: synthetic pages whose text and boxes are known, and scorers that grade what miners read."""

from .answer import COLUMN_GAP_EM, MAX_SECTIONS, MAX_TEXT, MAX_TOTAL_TEXT, Font, OCRAnswer, Section
from .guesses import guesses
from .page import Line, Page
from .section_f1 import Sections
from .subnet import OCR
from .tutorial import Tutorial

__all__ = [
    "COLUMN_GAP_EM",
    "MAX_SECTIONS",
    "MAX_TEXT",
    "MAX_TOTAL_TEXT",
    "OCR",
    "Font",
    "Line",
    "OCRAnswer",
    "Page",
    "Section",
    "Sections",
    "Tutorial",
    "guesses",
]
