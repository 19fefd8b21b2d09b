"""Summaries graded by facts: the key facts that they keep and the facts that they invent.

A sentence keeps a fact if it contains the fact's value and one of its cue words ("founded", "mayor"), is about
its subject and denies nothing. A number or name that isn't in the passage is invented.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text, content, sentences, unify, words
from subnets.text_prompting.words import NEGATIONS, phrase_words, places
from subnets.text_prompting.world.world import Fact

from .truth import Truth, truth_of

CAPITALISED = re.compile(r"(?<![.!?:\u2022*\-\n\"'] )(?<!^)\b[A-Z][a-z]+(?:-[A-Z][a-z]+)*\b", re.MULTILINE)
SENTENCE_REACH = 45
"""Maximum words of a sentence that can state facts; a longer one is a list of words."""
MAX_READ = 20_000


@dataclass(frozen=True, slots=True)
class KeyFact:
    """One fact in the forms that a summary may give it."""

    subject: str
    """Short name of the subject."""
    values: tuple[str, ...]
    cues: tuple[str, ...]
    others: tuple[str, ...]
    """Short names of other subjects of the same sort: "she" after one of them isn't this subject."""

    @classmethod
    def of(cls, fact: Fact, stated: Sequence[Fact]) -> KeyFact:
        """Return the check for one of the stated facts."""
        others = {
            other.subject.short
            for other in stated
            if other.subject.sort == fact.subject.sort and other.subject is not fact.subject
        }
        return cls(fact.subject.short, fact.aliases, fact.relation.cues, tuple(sorted(others)))


@dataclass(frozen=True, slots=True)
class Facts(Truth):
    """The facts that a summary must keep, and the passage that it may draw on."""

    passage: str = ""
    key: tuple[KeyFact, ...] = ()
    max_words: int = 60

    def grade(self, text: str) -> Score:
        """Grade by kept facts, inventions and length."""
        return weigh(self, text, invention_cost=0.25)


def weigh(truth: Facts, text: str, *, invention_cost: float) -> Score:
    """Return the share of key facts kept, cut by every invention and by excess length."""
    text = unify(text[:MAX_READ])
    sentence_words = [content(sentence) for sentence in sentences(text)]
    recall = sum(keeps(sentence_words, fact) for fact in truth.key) / len(truth.key)
    invented = inventions(truth.passage, text)
    count = len(words(text))
    excess = max(0.0, count / truth.max_words - 1.0)
    length = math.exp(-10.0 * excess**2)
    faithful = (1.0 - invention_cost) ** len(invented)
    parts = {"kept": recall, "faithful": faithful, "length": length, "invented": float(len(invented))}
    return Score(recall * faithful * length, parts)


def keeps(sentence_words: Sequence[Sequence[str]], fact: KeyFact) -> bool:
    """Return True if a sentence states the fact and none denies it."""
    subject, others = phrase_words(fact.subject), [phrase_words(other) for other in fact.others]
    values = [phrase_words(value) for value in fact.values]
    about, stated = False, False
    for sentence in sentence_words:
        named = bool(places(sentence, subject))
        # A pronoun stands for the last subject of its sort that was named.
        about = named or (about and not any(places(sentence, other) for other in others))
        if not about or len(sentence) > SENTENCE_REACH:
            continue
        if not any(places(sentence, value) for value in values):
            continue
        if not any(word.startswith(fact.cues) for word in sentence):
            continue
        if any(word in NEGATIONS or word.endswith("n't") for word in sentence):
            return False
        stated = True
    return stated


def inventions(passage: str, text: str) -> set[str]:
    """Return the numbers and names of the text that are not in the passage."""
    known = set(words(passage))
    numbers = {word for word in words(text) if word[0].isdigit() and word not in known}
    names = {name for name in CAPITALISED.findall(text) if not set(words(name)) <= known}
    return numbers | names


class KeptFacts(Scorer):
    """Pays the share of key facts that a summary keeps, cut by inventions and excess length."""

    invention_cost: float = Field(0.25, ge=0, le=1)
    """Share of the score that each invented name or number costs."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return weigh(truth_of(task, Facts), answer_text(response), invention_cost=self.invention_cost)
