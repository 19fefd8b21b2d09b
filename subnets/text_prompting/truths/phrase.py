"""Short answers: the right name, number or thing, neither denied nor accompanied by a rival."""

from __future__ import annotations

from dataclasses import dataclass

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text, content
from subnets.text_prompting.words import says

from .truth import Truth, truth_of

MAX_WORDS = 40
"""Maximum words of a short answer; a longer one may name everything."""
MAX_READ = 4_000
"""Maximum characters of a short answer."""


@dataclass(frozen=True, slots=True)
class Phrase(Truth):
    """A short answer with its other forms and its rivals."""

    aliases: tuple[str, ...] = ()
    """Other ways to give the answer."""
    rivals: tuple[str, ...] = ()
    """Other values of the same sort; an answer that also names one is undecided."""
    asked: str = ""
    """The question, whose numbers may be repeated."""

    def grade(self, text: str) -> Score:
        """Return 1.0 or 0.0."""
        if len(text) > MAX_READ:
            return Score(0.0, reason=f"{len(text)} characters; at most {MAX_READ}")
        if (count := len(content(text))) > MAX_WORDS:
            return Score(0.0, reason=f"{count} words; at most {MAX_WORDS}")
        if not says(text, (self.text, *self.aliases)):
            return Score(0.0, reason="the right answer is not named")
        rival = next((rival for rival in self.rivals if says(text, (rival,))), "")
        if rival:
            return Score(0.0, reason=f"{rival} is named as well")
        if self.text[0].isdigit() and numbers(text) - numbers(self.text) - numbers(self.asked):
            return Score(0.0, reason="another number is named as well")
        return Score(1.0)


def numbers(text: str) -> set[str]:
    """Return the words that are numbers."""
    return {word for word in content(text) if word[0].isdigit()}


class Named(Scorer):
    """Pays for naming the right phrase, without naming a rival and without denying it."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return truth_of(task, Phrase).grade(answer_text(response))
