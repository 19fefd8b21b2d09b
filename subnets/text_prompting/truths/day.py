"""Dates in answers: "14 March 1951", "March 14th, 1951", "1951-03-14". The last one counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from pydantic import Field

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text, fold
from subnets.text_prompting.world.world import MONTHS

from .truth import Truth, truth_of

_MONTH = "|".join(f"{month[:3].lower()}(?:{month[3:].lower()})?" for month in MONTHS)
DATE = re.compile(
    r"\b(?:"
    rf"(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?: day)?(?: of)? (?P<m1>{_MONTH})\.?,? (?:in )?(?P<y1>\d{{4}})"
    rf"|(?P<m2>{_MONTH})\.? (?:the )?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y2>\d{{4}})"
    r"|(?P<y3>\d{4})-(?P<m3>\d{1,2})-(?P<d3>\d{1,2})"
    r"|(?P<first>\d{1,2})[/.](?P<second>\d{1,2})[/.](?P<y4>\d{4})"
    r")\b",
    re.ASCII,
)
NUMBER_OF = {month[:3].lower(): number for number, month in enumerate(MONTHS, 1)}


def parse_date(text: str) -> date | None:
    """Return the last date in the text; None if it is ambiguous (3/4/1951) or impossible (31 June)."""
    last = None
    for match in DATE.finditer(fold(text.replace("*", " "))):
        part = match.groupdict()
        year = int(next(part[y] for y in ("y1", "y2", "y3", "y4") if part[y]))
        if part["first"]:
            first, second = sorted((int(part["first"]), int(part["second"])))
            day, month = (second, first) if second > 12 or first == second else (0, 0)
        else:
            month_text = part["m1"] or part["m2"]
            month = NUMBER_OF[month_text[:3]] if month_text else int(part["m3"])
            day = int(part["d1"] or part["d2"] or part["d3"])
        try:
            last = date(year, month, day)
        except ValueError:
            last = None
    return last


@dataclass(frozen=True, slots=True)
class Day(Truth):
    """A date."""

    day: date = date.min

    def grade(self, text: str) -> Score:
        """Return 1.0 for the exact day, else 0.0."""
        return compare(self.day, parse_date(text), half_life_days=0.0)


def compare(right: date, answered: date | None, *, half_life_days: float) -> Score:
    """Grade a date by how many days it is off."""
    if answered is None:
        return Score(0.0, reason="no date that can be read")
    days = abs((answered - right).days)
    value = float(days == 0) if half_life_days == 0 else 0.5 ** (days / half_life_days)
    return Score(value, {"days_off": float(days)})


class Calendar(Scorer):
    """The right date, decaying with the days that the answer is off."""

    half_life_days: float = Field(10.0, ge=0)
    """Days off that halve the score; 0 pays only for the exact day."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        right = truth_of(task, Day).day
        return compare(right, parse_date(answer_text(response)), half_life_days=self.half_life_days)
