"""Instructions that a machine can check: length, layout, first word, words to use and to avoid."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text, content, sentences, words
from subnets.text_prompting.words import places

from .truth import Truth, truth_of

BULLET = re.compile(r"^\s*[-*\u2022]\s+\S")
NUMBERED = re.compile(r"^\s*\d{1,3}[.)]\s+\S")
MARKER = re.compile(r"^\s*(?:[-*\u2022]|\d{1,3}[.)])\s+")

Layout = Literal["plain", "bullets", "numbered"]


@dataclass(frozen=True, slots=True)
class Criterion(ABC):
    """One checkable instruction."""

    @property
    @abstractmethod
    def demand(self) -> str:
        """The instruction, as a sentence for the prompt."""

    @abstractmethod
    def fulfilment(self, text: str) -> float:
        """Return how far the text follows it, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Length(Criterion):
    """A range of words or sentences; a miss costs 1 - exp(-10 e^2), e its size relative to the bound."""

    unit: Literal["words", "sentences"]
    low: int
    high: int

    @property
    def demand(self) -> str:
        """The instruction, as a sentence for the prompt."""
        if self.low == self.high:
            return f"Write exactly {self.low} {self.unit if self.low > 1 else self.unit[:-1]}."
        return f"Use between {self.low} and {self.high} {self.unit}."

    def fulfilment(self, text: str) -> float:
        """Return a smooth measure, so that one word too many costs little."""
        count = len(words(text)) if self.unit == "words" else len(sentences(text))
        bound = self.low if count < self.low else self.high if count > self.high else count
        error = (count - bound) / max(bound, 1)
        return math.exp(-10.0 * error**2)


@dataclass(frozen=True, slots=True)
class Form(Criterion):
    """Plain prose, or a list of a given number of items and nothing else."""

    layout: Layout
    items: int = 0

    @property
    def demand(self) -> str:
        """The instruction, as a sentence for the prompt."""
        if self.layout == "plain":
            return "Write plain prose without any list."
        sort = (
            "bullet points, each on a line that begins with '- '"
            if self.layout == "bullets"
            else ("numbered points, each on a line that begins with its number and a full stop")
        )
        return f"Write exactly {self.items} {sort}, and nothing else."

    def fulfilment(self, text: str) -> float:
        """Return 1.0 for the layout with the right number of items, less for another number."""
        lines = [line for line in text.splitlines() if line.strip()]
        marked = {
            "bullets": sum(bool(BULLET.match(line)) for line in lines),
            "numbered": sum(bool(NUMBERED.match(line)) for line in lines),
        }
        if self.layout == "plain":
            return float(bool(lines) and not any(marked.values()))
        count = marked[self.layout]
        if not count or count < len(lines):
            return 0.0
        return math.exp(-10.0 * ((count - self.items) / self.items) ** 2)


@dataclass(frozen=True, slots=True)
class FirstWord(Criterion):
    """The word with which the answer must begin."""

    word: str

    @property
    def demand(self) -> str:
        """The instruction, as a sentence for the prompt."""
        return f"Begin with the word '{self.word}'."

    def fulfilment(self, text: str) -> float:
        """Return 1.0 or 0.0."""
        return float(words(MARKER.sub("", text))[:1] == words(self.word))


@dataclass(frozen=True, slots=True)
class Uses(Criterion):
    """A word or phrase that must occur."""

    phrase: str

    @property
    def demand(self) -> str:
        """The instruction, as a sentence for the prompt."""
        return f"Use the words '{self.phrase}'."

    def fulfilment(self, text: str) -> float:
        """Return 1.0 or 0.0."""
        return float(bool(places(words(text), words(self.phrase))))


@dataclass(frozen=True, slots=True)
class Avoids(Criterion):
    """Words that must not occur."""

    forbidden: tuple[str, ...]

    @property
    def demand(self) -> str:
        """The instruction, as a sentence for the prompt."""
        return "Do not use " + " or ".join(f"the word '{word}'" for word in self.forbidden) + "."

    def fulfilment(self, text: str) -> float:
        """Return 1.0 or 0.0; an empty text earns nothing."""
        distinct = set(words(text))
        return float(bool(distinct) and distinct.isdisjoint(self.forbidden))


@dataclass(frozen=True, slots=True)
class Ending(Criterion):
    """The mark with which the text must end."""

    mark: str

    @property
    def demand(self) -> str:
        """The instruction, as a sentence for the prompt."""
        return "End with a question." if self.mark == "?" else f"End with '{self.mark}'."

    def fulfilment(self, text: str) -> float:
        """Return 1.0 or 0.0."""
        return float(text.rstrip().endswith(self.mark))


MIN_DISTINCT = 0.35
"""Share of different words below which a text is mere repetition."""


@dataclass(frozen=True, slots=True)
class Instructions(Truth):
    """Criteria, and the subject that the text must be about."""

    criteria: tuple[Criterion, ...] = ()
    topic: str = ""

    def grade(self, text: str) -> Score:
        """Return the mean of the criteria; 0.0 for a text that is off the topic, or repeats itself or the task."""
        return weigh(self, text, strict=False)


def weigh(truth: Instructions, text: str, *, strict: bool) -> Score:
    """Grade a text by its criteria."""
    text_words = content(text)
    if not mentions(text_words, truth.topic):
        return Score(0.0, reason=f"not about {truth.topic}")
    if any(mentions(text_words, criterion.demand) for criterion in truth.criteria):
        return Score(0.0, reason="repeats its instructions")
    if len(set(text_words)) < MIN_DISTINCT * len(text_words):
        return Score(0.0, reason="the same words over and over")
    parts = {}
    for place, criterion in enumerate(truth.criteria):
        parts[f"{place}_{type(criterion).__name__.lower()}"] = criterion.fulfilment(text)
    value = math.fsum(parts.values()) / len(parts)
    if strict:
        value = float(all(part > 0.999 for part in parts.values()))
    return Score(min(1.0, value), parts)


def mentions(text_words: Sequence[str], phrase: str) -> bool:
    """Return True if the words of a phrase occur together."""
    return bool(places(text_words, content(phrase)))


class Criteria(Scorer):
    """Pays the share of the instructions that the answer follows."""

    strict: bool = False
    """Pay only for following all of them."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return weigh(truth_of(task, Instructions), answer_text(response), strict=self.strict)
