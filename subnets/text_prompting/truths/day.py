"""Dates in answers: "14 March 1951", "March 14th, 1951", "1951-03-14", "14.3.1951". The last one counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
    rf"(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?: day)?(?: of)?[ -](?P<m1>{_MONTH})\.?,?[ -](?:in )?(?P<y1>\d{{4}})"
    rf"|(?P<m2>{_MONTH})\.? (?:the )?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?(?: of)? (?P<y2>\d{{4}})"
    rf"|(?P<y5>\d{{4}}),?[ -](?P<m5>{_MONTH})\.?[ -](?P<d5>\d{{1,2}})(?:st|nd|rd|th)?"
    r"|(?P<y3>\d{4})(?P<mark>[-/.])(?P<m3>\d{1,2})(?P=mark)(?P<d3>\d{1,2})(?:t\d{2}:\d{2}\S{0,20})?"
    r"|(?P<first>\d{1,2})(?P<sep>[/.-]) ?(?P<second>\d{1,2})(?P=sep) ?(?P<y4>\d{4})"
    r")(?![\w/]|[-.]\d)",
    re.ASCII,
)
NUMBER_OF = {month[:3].lower(): number for number, month in enumerate(MONTHS, 1)}
MARKUP = re.compile(r"\\(?:boxed|text(?:bf)?|[ ,])|[*_`${}\[\]]")
DENIED = re.compile(r"\b(?:not|never|nor|isn't|wasn't) (?:(?:on|in|the) )*$")


def parse_date(text: str) -> date | None:
    """Return the last date in the text; None if it is ambiguous (3/4/1951) or impossible (31 June)."""
    days = read_date(text)
    return next(iter(days)) if len(days) == 1 else None


def read_date(text: str) -> frozenset[date]:
    """Return all readings of the last date in the text; empty if there is none or it is impossible."""
    last: frozenset[date] = frozenset()
    plain = fold(MARKUP.sub(" ", text))
    for match in DATE.finditer(plain):
        if DENIED.search(plain[max(0, match.start() - 20) : match.start()]):
            continue
        part = match.groupdict()
        year = int(next(part[y] for y in ("y1", "y2", "y3", "y4", "y5") if part[y]))
        if part["first"]:
            first, second = int(part["first"]), int(part["second"])
            last = _days(year, ((first, second), (second, first)))
        else:
            month_text = part["m1"] or part["m2"] or part["m5"]
            month = NUMBER_OF[month_text[:3]] if month_text else int(part["m3"])
            last = _days(year, ((int(part["d1"] or part["d2"] or part["d3"] or part["d5"]), month),))
    return last


def _days(year: int, readings: Iterable[tuple[int, int]]) -> frozenset[date]:
    """Return the possible dates among readings of a day and a month."""
    days = set()
    for day, month in readings:
        try:
            days.add(date(year, month, day))
        except ValueError:
            continue
    return frozenset(days)


@dataclass(frozen=True, slots=True)
class Day(Truth):
    """A date."""

    day: date = date.min

    def grade(self, text: str) -> Score:
        """Return 1.0 for the exact day, else 0.0; unscored if only one reading of an ambiguous date is right."""
        return grade_reading(self.day, read_date(text), half_life_days=0.0)


def grade_reading(right: date, days: frozenset[date], *, half_life_days: float) -> Score:
    """Grade every reading of a date; unscored unless all of them earn the same."""
    if not days:
        return compare(right, None, half_life_days=half_life_days)
    scores = [compare(right, day, half_life_days=half_life_days) for day in sorted(days)]
    if len({score.value for score in scores}) > 1:
        return Score(None, reason="the date can be read in two ways")
    return scores[0]


def compare(right: date, answered: date | None, *, half_life_days: float) -> Score:
    """Grade a date by the number of days it is off."""
    if answered is None:
        return Score(0.0, reason="no date that can be read")
    days = abs((answered - right).days)
    value = float(days == 0) if half_life_days == 0 else 0.5 ** (days / half_life_days)
    return Score(value, {"days_off": float(days)})


class Calendar(Scorer):
    """Pays for the right date, less for each day that the answer is off."""

    half_life_days: float = Field(10.0, ge=0)
    """Days off that halve the score; 0 pays only for the exact day."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        right = truth_of(task, Day).day
        return grade_reading(right, read_date(answer_text(response)), half_life_days=self.half_life_days)
