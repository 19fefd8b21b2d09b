"""Choices: a letter before an option, or a label. An answer that names two options chooses none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text
from subnets.text_prompting.words import says

from .letter import Letters, read_letters
from .truth import Truth, truth_of

LETTERS = "ABCDEFGH"

MAX_READ = 4_000
"""Maximum characters to read, from the start."""

REASON = re.compile(
    r"[.;\n]|\b(?:because|since|as|not|but|rather|while|whereas|unlike|than|instead|and)\b", re.IGNORECASE
)
"""Where the name of an answer ends, and talk of other options may begin."""


def parse_choice(text: str, options: Sequence[str]) -> int | None:
    """Return the position of the option that an answer names by letter, text or both; None if undecided."""
    text = text[:MAX_READ]
    letters = read_letters(text)
    by_letter = {LETTERS.index(letter) for letter in letters.stated or letters.marked}
    if any(place >= len(options) for place in by_letter):
        return None
    if len(letters.stated) == 1:
        place = by_letter.pop()
        return None if _names_another(letters, place, options) else place
    by_text = {place for place, option in enumerate(options) if says(text, (option,))}
    if len(by_letter) == 1 and (not by_text or by_letter <= by_text and len(by_text) == 1):
        return by_letter.pop()
    return by_text.pop() if not by_letter and len(by_text) == 1 else None


def _names_another(letters: Letters, place: int, options: Sequence[str]) -> bool:
    """Return True if what a text calls its answer has the letter of one option and the words of another."""
    for named in letters.named:
        name = REASON.split(named.lstrip(" .:)"), maxsplit=1)[0]
        said = {other for other, option in enumerate(options) if says(name, (option,))}
        if said and place not in said:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Choice(Truth):
    """The right option among several."""

    options: tuple[str, ...] = ()
    right: int = 0
    """Position of the right option."""
    lettered: bool = True
    """False for labels, which have no letters."""
    ordered: bool = False
    """The options lie on a scale, so that a neighbour of the right one is nearer than the far end."""

    def chosen(self, text: str) -> int | None:
        """Return the position of the option that the answer names."""
        if self.lettered:
            return parse_choice(text, self.options)
        places = [place for place, option in enumerate(self.options) if says(text[:MAX_READ], (option,))]
        return places[0] if len(places) == 1 else None

    def grade(self, text: str) -> Score:
        """Return 1.0 for the right option, else 0.0."""
        option = self.chosen(text)
        if option is None:
            return Score(0.0, reason="names no option, or more than one")
        return Score(float(option == self.right))


class Chosen(Scorer):
    """Pays for the right option or label."""

    ordinal: bool = False
    """On a scale, pay 1 - distance / (length - 1), as prompting 1.x did for sentiment; otherwise no effect."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        truth = truth_of(task, Choice)
        option = truth.chosen(answer_text(response))
        if option is None or not (self.ordinal and truth.ordered):
            return truth.grade(answer_text(response))
        return Score(1.0 - abs(option - truth.right) / (len(truth.options) - 1))
