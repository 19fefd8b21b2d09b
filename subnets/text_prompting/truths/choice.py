"""Choices: a letter before an option, or a label. An answer that names two options chooses none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text
from subnets.text_prompting.words import says

from .letter import chosen_letters
from .truth import Truth, truth_of

LETTERS = "ABCDEFGH"

MAX_READ = 4_000
"""Maximum characters to read, from the start."""


def parse_choice(text: str, options: Sequence[str]) -> int | None:
    """Return the position of the option that an answer names by letter, text or both; None if undecided."""
    text = text[:MAX_READ]
    by_letter = {LETTERS.index(letter) for letter in chosen_letters(text)}
    by_text = {place for place, option in enumerate(options) if says(text, (option,))}
    if any(place >= len(options) for place in by_letter):
        return None
    if len(by_letter) == 1 and (not by_text or by_letter <= by_text and len(by_text) == 1):
        return by_letter.pop()
    return by_text.pop() if not by_letter and len(by_text) == 1 else None


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

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        truth = truth_of(task, Choice)
        option = truth.chosen(answer_text(response))
        if option is None or not (self.ordinal and truth.ordered):
            return truth.grade(answer_text(response))
        return Score(1.0 - abs(option - truth.right) / (len(truth.options) - 1))
