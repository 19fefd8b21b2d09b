"""Short answers: the right name, number or thing, named and not denied, and no rival beside it."""

from __future__ import annotations

from dataclasses import dataclass

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text, content
from subnets.text_prompting.words import says

from .truth import Truth, truth_of

MAX_WORDS = 40
"""A longer text is no short answer: it may have named everything."""


@dataclass(frozen=True, slots=True)
class Phrase(Truth):
    """A short answer with its other forms and with what it could be mistaken for."""

    aliases: tuple[str, ...] = ()
    """Other ways to say the same."""
    rivals: tuple[str, ...] = ()
    """Values of the same sort: an answer that names one as well has not decided."""
    asked: str = ""
    """The question: its numbers may be repeated freely."""

    def grade(self, text: str) -> Score:
        """1.0 or 0.0."""
        if len(content(text)) > MAX_WORDS:
            return Score(0.0, reason=f"{len(content(text))} words; at most {MAX_WORDS}")
        if not says(text, (self.text, *self.aliases)):
            return Score(0.0, reason="the right answer is not named")
        rival = next((rival for rival in self.rivals if says(text, (rival,))), "")
        if rival:
            return Score(0.0, reason=f"{rival} is named as well")
        if self.text[0].isdigit() and numbers(text) - numbers(self.text) - numbers(self.asked):
            return Score(0.0, reason="another number is named as well")
        return Score(1.0)


def numbers(text: str) -> set[str]:
    """Return the numbers among the words."""
    return {word for word in content(text) if word[0].isdigit()}


class Named(Scorer):
    """The right phrase is named, no rival is, nothing is denied."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return truth_of(task, Phrase).grade(answer_text(response))
