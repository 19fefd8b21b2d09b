"""Guesses: an answer to a page without looking at it.

Goods, prices, headings and typefaces of forms are the same from day to day, so the sections of other
pages are guesses at this one. Where surplus sections cost nothing, guesses are paid; see the scorers
`tutorial` and `sections`.
"""

from __future__ import annotations

from subnets.seed import Seed
from subnets.subnet import Subnet

from .answer import MAX_SECTIONS, MAX_TOTAL_TEXT, OCRAnswer, Section
from .page import page_of


def guesses(subnet: Subnet, count: int = MAX_SECTIONS, seed: int = 0) -> OCRAnswer:
    """Return up to `count` different sections of pages like those of `subnet`, drawn from `seed`."""
    root = Seed(seed).child("guesses")
    sections: dict[tuple[str, str], Section] = {}
    letters = 0
    for number in range(count):
        for line in page_of(subnet.task(root.child(number).integer())).lines:
            key = (line.text, line.font.family if line.font else "")
            if key in sections:
                continue
            if len(sections) == count or letters + len(line.text) > MAX_TOTAL_TEXT:
                return OCRAnswer(sections=tuple(sections.values()))
            sections[key] = Section(text=line.text, box=line.box, font=line.font)
            letters += len(line.text)
    return OCRAnswer(sections=tuple(sections.values()))
