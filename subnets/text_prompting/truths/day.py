"""Dates in answers: "14 March 1951", "March 14th, 1951", "1951-03-14", "14.3.1951".

The first one after the last "Answer:" counts, else the last one. "13 or 14 March 1951", "before 14 March 1951" and
"14/3/51" can be read in more than one way.
"""

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

from .month import MONTH, NUMBER_OF, ORDINAL, ORDINALS
from .truth import Truth, truth_of

_DAY = rf"(?:\d{{1,2}}|{ORDINAL})"
_JOINS = r"(?:-|to|or|and|/|bis|\u00e0)"
_YEAR = r"\d{4}|'\d\d|\d\d(?!\s*[\d:])"
DATE = re.compile(
    rf"(?<![\w.,])(?:(?P<early>{_DAY})(?:st|nd|rd|th|\.)?\s*{_JOINS}\s*(?:the )?)?(?:"
    rf"(?P<d1>{_DAY})(?:st|nd|rd|th|er|\.|\u00ba)?(?: day)?(?: (?:of|de))?[ -](?P<m1>{MONTH})\b\.?,?"
    rf"(?:[ -]| ?(?:in|of|de|del)(?: the year)? )(?P<y1>{_YEAR})"
    rf"|(?P<m2>{MONTH})\.? (?:the )?(?P<d2>{_DAY})(?:st|nd|rd|th)?,?(?: (?:of|in))? (?P<y2>{_YEAR})"
    rf"|(?P<y5>\d{{4}}),?[ -](?P<m5>{MONTH})\.?[ -](?:the )?(?P<d5>{_DAY})(?:st|nd|rd|th)?"
    r"|(?P<y3>\d{4})(?P<mark>[-/.]) ?(?P<m3>\d{1,2})(?P=mark) ?(?P<d3>\d{1,2})\.?(?:t\d{2}:\d{2}\S{0,20})?"
    r"|(?P<y6>\d{4})\u5e74 ?(?P<m6>\d{1,2})\u6708 ?(?P<d6>\d{1,2})\u65e5"
    r"|(?P<y7>1[5-9]\d\d|20\d\d)(?P<m7>[01]\d)(?P<d7>[0-3]\d)"
    r"|(?P<first>\d{1,2}) ?(?P<sep>[/.-]) ?(?P<second>\d{1,2}) ?(?P=sep) ?(?P<y4>\d{4}|\d\d)"
    rf")(?![\w/]|[-.]\d(?!\d? (?:{MONTH})\b))",
    re.ASCII,
)
FOREIGN = re.compile(r"(?<!\w)(\d{1,2})\.? (?:\w{1,3} )?([^\W\d_]{3,12})\.?,? (?:\w{1,3} )?(\d{4})(?!\w)")
"""A date whose month has a name that is not known here."""
MARKUP = re.compile(r"\\(?:boxed|text(?:bf)?|[ ,])|[*_`${}\[\]\"]")
CUE = re.compile(r"\b(?:answer|date)(?: is)? ?[:=] ?|\banswer is ")
DENIED = re.compile(r"\b(?:not|never|nor|isn't|wasn't) (?:(?:on|in|the) )*$")
BOUNDED = re.compile(
    r"(?:\b(?:before|after|by|until|till|since|from|around|about|circa|ca\.|c\.|approximately|roughly|between|near|"
    r"earlier than|later than|either)|[<>~\u2264\u2265\u2248]) ?(?:the )?$"
)
STARTED_FROM = re.compile(
    r"\b(?:days?|weeks?|months?|years?|day) (?:after|before|from|since|earlier than|later than|prior to) (?:the )?$"
)
"""What stands before a date from which another one is counted: "5 days after"."""
JOINED = re.compile(r"[,;]? ?(?:or|and|-|to|until|/) ?(?:the |on |maybe |perhaps |possibly )?")


@dataclass(frozen=True, slots=True)
class DateReading:
    """All readings of the date that an answer gives."""

    days: frozenset[date] = frozenset()
    certain: bool = True
    """False for a bound or an estimate, such as "before 14 March 1951"."""


def parse_date(text: str) -> date | None:
    """Return the date that a text gives; None if it is ambiguous (3/4/1951) or impossible (31 June)."""
    reading = read_date(text)
    return next(iter(reading.days)) if reading.certain and len(reading.days) == 1 else None


def read_date(text: str) -> DateReading:
    """Read the date that a text gives; without days if there is none or it is impossible."""
    plain = fold(MARKUP.sub(" ", text)).replace("\u00ba", "")
    stated: list[re.Match[str]] = []
    for match in DATE.finditer(plain):
        before = plain[max(0, match.start() - 40) : match.start()]
        if not DENIED.search(before) and not STARTED_FROM.search(before):
            stated.append(match)
    if not stated:
        return _foreign_date(plain)
    place = len(stated) - 1
    cues = [cue.end() for cue in CUE.finditer(plain) if cue.end() <= stated[-1].start()]
    if cues:
        place = next(i for i, match in enumerate(stated) if match.start() >= cues[-1])
    days, certain = _days(stated[place]), not BOUNDED.search(plain[: stated[place].start()][-20:])
    if stated[place]["early"]:
        certain = False
    for other in (place - 1, place + 1):
        if 0 <= other < len(stated):
            left, right = sorted((stated[place], stated[other]), key=lambda match: match.start())
            if JOINED.fullmatch(plain[left.end() : right.start()]):
                days, certain = days | _days(stated[other]), False
    return DateReading(days, certain)


def _foreign_date(plain: str) -> DateReading:
    """Return the day in every month of a year; without days if the text has no date in a language unknown here."""
    found = [match for match in FOREIGN.finditer(plain) if match[2] not in NUMBER_OF and not match[2].isascii()]
    if not found:
        return DateReading()
    day, year = int(found[-1][1]), int(found[-1][3])
    return DateReading(_possible((year,), ((day, month) for month in range(1, 13))), certain=False)


def _days(match: re.Match[str]) -> frozenset[date]:
    """Return the possible dates that a match stands for, the days of "13 or 14 March 1951" among them."""
    part = match.groupdict()
    years = _years(next(part[f"y{n}"] for n in range(1, 8) if part[f"y{n}"]).lstrip("'"))
    if part["first"]:
        first, second = int(part["first"]), int(part["second"])
        return _possible(years, ((first, second), (second, first)))
    month_text = next(part[f"m{n}"] for n in (1, 2, 3, 5, 6, 7) if part[f"m{n}"])
    day_text = next(part[f"d{n}"] for n in (1, 2, 3, 5, 6, 7) if part[f"d{n}"])
    month = NUMBER_OF.get(month_text) or int(month_text)
    days = [_day(text) for text in (day_text, part["early"]) if text]
    return _possible(years, ((day, month) for day in days))


def _day(text: str) -> int:
    return int(text) if text.isdigit() else ORDINALS[text.replace(" ", "-")]


def _years(text: str) -> tuple[int, ...]:
    """Return the year, or the three that two digits may mean."""
    return (int(text),) if len(text) == 4 else tuple(century + int(text) for century in (1800, 1900, 2000))


def _possible(years: Iterable[int], readings: Iterable[tuple[int, int]]) -> frozenset[date]:
    """Return the dates that exist among readings of a day and a month."""
    days = set()
    pairs = list(readings)
    for year in years:
        for day, month in pairs:
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


def grade_reading(right: date, reading: DateReading, *, half_life_days: float) -> Score:
    """Grade every reading of a date; unscored unless all of them earn the same, and if a bound would earn anything."""
    if not reading.days:
        return compare(right, None, half_life_days=half_life_days)
    scores = [compare(right, day, half_life_days=half_life_days) for day in sorted(reading.days)]
    if len({score.value for score in scores}) > 1 or not reading.certain and scores[0].value:
        return Score(None, reason="the date can be read in more than one way")
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

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        right = truth_of(task, Day).day
        return grade_reading(right, read_date(answer_text(response)), half_life_days=self.half_life_days)
