"""Questions graded by the answer that they must lead to."""

from __future__ import annotations

from dataclasses import dataclass

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text, content, unify, words
from subnets.text_prompting.words import phrase_words, places
from subnets.text_prompting.world.relation import INTERROGATIVES
from subnets.text_prompting.world.world import Fact

from .truth import Truth, truth_of

MAX_WORDS = 40
OPENING = 5
"""Number of first words that must include the interrogative: "At the station of which town"."""


@dataclass(frozen=True, slots=True)
class Inquiry(Truth):
    """The fact that a question must ask for."""

    subject: str = ""
    values: tuple[str, ...] = ()
    cues: tuple[str, ...] = ()
    interrogatives: tuple[str, ...] = ("what", "which")

    @classmethod
    def of(cls, fact: Fact, question: str) -> Inquiry:
        """Return the check for a question that asks for the value of a fact."""
        return cls(
            question,
            fact.subject.short,
            fact.aliases,
            fact.relation.cues,
            INTERROGATIVES.get(fact.relation.value, ("what", "which")),
        )

    def grade(self, text: str) -> Score:
        """Grade what it asks for and how; 0.0 for no question, another subject, or a question that has its answer."""
        text = unify(text)
        all_words, text_words = words(text), content(text)
        if not text.rstrip(" \"'*\n").endswith("?") or text.count("?") != 1:
            return Score(0.0, reason="not one question")
        if len(all_words) > MAX_WORDS:
            return Score(0.0, reason=f"{len(all_words)} words; at most {MAX_WORDS}")
        if any(places(text_words, phrase_words(value)) for value in self.values):
            return Score(0.0, reason="the question tells its answer")
        opening = set(all_words[:OPENING])
        if opening.isdisjoint(("who", "whom", "whose", "what", "which", "where", "when", "how")):
            return Score(0.0, reason="does not open like a question")
        if not places(text_words, phrase_words(self.subject)):
            return Score(0.0, reason=f"does not name {self.subject}")
        parts = {
            "relation": float(any(word.startswith(cue) for word in all_words for cue in self.cues)),
            "interrogative": float(not opening.isdisjoint(self.interrogatives)),
        }
        return Score(0.4 + 0.4 * parts["relation"] + 0.2 * parts["interrogative"], parts)


class Asks(Scorer):
    """Pays for a question that leads to the given answer."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return truth_of(task, Inquiry).grade(answer_text(response))
