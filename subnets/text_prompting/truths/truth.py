"""Truths: what is known about the right answer to a task, and how it grades an answer.

Each sort of truth has its own module, together with the scorer that grades by it:
`phrase`, `numeric`, `day`, `choice`, `criteria`, `facts`, `inquiry`, `written`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeVar

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Message, Task
from subnets.text import answer_text


@dataclass(frozen=True, slots=True)
class Truth(ABC):
    """Base of the references of text tasks."""

    text: str
    """An answer that earns 1.0; the general scorers compare with it."""

    @abstractmethod
    def grade(self, text: str) -> Score:
        """Grade an answer's text strictly by the truth; unscored if nothing is known."""


@dataclass(frozen=True, slots=True)
class Item:
    """The content of a task, before it gets its id and seed."""

    messages: tuple[Message, ...]
    truth: Truth | None
    max_tokens: int
    difficulty: float | None = None


def ask(text: str) -> tuple[Message, ...]:
    """Make a conversation of one question."""
    return (Message("user", text),)


T = TypeVar("T", bound=Truth)


def truth_of(task: Task, sort: type[T]) -> T:
    """Return the task's truth.

    Raises:
        TypeError: the truth is of another sort.
    """
    if not isinstance(task.reference, sort):
        raise TypeError(f"task {task.id} ({task.kind or 'no kind'}) has no {sort.__name__} for a truth")
    return task.reference


class KnownTruth(Scorer):
    """Grades every task by its own truth; the default of the subnet."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return truth_of(task, Truth).grade(answer_text(response))  # type: ignore[type-abstract]
