"""A subnet: what is asked, how an answer is read, and how good it truly is.

Three methods are required: `task`, `gold` and `scorer`. A subnet that knows the truth also defines `quality`, which is
1.0 for the gold answer. A task is a pure function of the subnet's options and a seed.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import ValidationError

from .answer import Answer
from .errors import MalformedAnswer
from .items import Items
from .plugin import Plugin
from .score import Scorer
from .task import Prompt, Task
from .text import fold, padded, printable

MAX_MODEL_TEXT = 100_000
"""Maximum characters of a language model's answer."""


class Subnet(Plugin, ABC):
    """Base of every workload; its fields are the options of the `[subnet]` table."""

    name: ClassVar[str]
    answer_type: ClassVar[type[Answer]] = Answer
    max_answer_bytes: ClassVar[int] = 1_000_000
    """A longer body is malformed before it is parsed."""
    scorers: ClassVar[Mapping[str, str]] = {}
    """Scorers that grade by this subnet's own references: name to "module:Class"."""

    @abstractmethod
    def task(self, seed: int) -> Task:
        """Make the task of `seed`, the same one every time and on every machine."""

    @abstractmethod
    def gold(self, task: Task) -> Answer:
        """Return the answer that earns 1.0, made from the task's reference."""

    @abstractmethod
    def scorer(self) -> Scorer:
        """Return the grader used when the config names none."""

    def kind(self, seed: int) -> str | None:
        """Return the kind of the task of `seed` where it is known without making the task, else None."""
        return None

    def languages(self) -> tuple[str, ...]:
        """Return the languages of the tasks by ISO 639-3, as tesseract names them; empty if the subnet doesn't say."""
        return ()

    def quality(self, task: Task, answer: Answer) -> float | None:
        """Return how good the answer truly is, in [0, 1], whatever a grader says; None if the truth is unknown."""
        return None

    def items(self, task: Task, answers: Sequence[Answer | None]) -> Items | None:
        """Return what the answers to a task say, so that they can be compared with each other; None if they can't be.

        None in `answers` stands for a miner that gave none. The truth is used only for the fields that hold it: without
        its reference, and without its image, the same task gives the same classes.
        """
        readings = [None if answer is None else self.reading(task, answer) for answer in answers]
        if task.reference is None:
            return Items.single(readings, self.wrong(task), None)
        right = [0.0 if answer is None else self.quality(task, answer) for answer in answers]
        known = any(value is not None for value, answer in zip(right, answers, strict=True) if answer is not None)
        return Items.single(readings, self.wrong(task), right if known else None)

    def reading(self, task: Task, answer: Answer) -> Hashable | None:
        """Return what an answer says, so that answers that say the same are equal; None if it says nothing."""
        return fold(self.text_of(answer)) or None

    def wrong(self, task: Task) -> int:
        """Return the number of wrong answers that a task offers; a high one for an open question."""
        return 100

    @classmethod
    def model_prompt(cls, prompt: Prompt, form: str) -> Prompt:
        """Return a prompt as a language model of this form of answers is asked; the subnets' own is the default."""
        return prompt

    @classmethod
    def answer_from_model(cls, text: str, prompt: Prompt, form: str, seen: tuple[int, int] | None = None) -> Answer:
        """Turn what a language model wrote into an answer; `seen` is the size to which it resized the image."""
        return Answer(text=text[:MAX_MODEL_TEXT])

    def text_of(self, answer: Answer) -> str:
        """Return what an answer says as plain text."""
        return answer.text

    def reference_from(self, task: Task, answer: Answer) -> Any:
        """Return the reference that the task would have if `answer` were right; None where it can't serve as one."""
        return answer.text if answer.text.strip() else None

    def pad(self, answer: Answer, filler: Sequence[str]) -> Answer:
        """Make an answer longer without saying more: half of the `filler` sentences before it, half after.

        Like that of `inject`, the result is meant for a grader and may exceed the limits that `read` sets.
        """
        return answer.model_copy(update={"text": padded(answer.text, filler)})

    def guess(self, seed: int, count: int) -> Answer:
        """Return an answer to no task in particular, as given by a miner that knows what tasks look like.

        `seed` draws the guess; `count` limits its parts where an answer has several.
        """
        return self.gold(self.task(seed))

    def inject(self, answer: Answer, instruction: str) -> Answer:
        """Add an instruction that addresses the grader."""
        return answer.model_copy(update={"text": f"{answer.text}\n{instruction}"})

    def illustrate(self, task: Task, answer: Answer | None) -> bytes | None:
        """Draw the task, and the answer if any, as a PNG for the report; None if text is enough."""
        return None

    def read(self, body: bytes) -> Answer:
        """Parse what a miner sent.

        Raises:
            MalformedAnswer: too long, not JSON, or not of this subnet's schema; of the body, the message
                quotes at most the name of a key, in printable characters.
                A key that occurs twice in one object is malformed, too: JSON libraries differ in which one they
                keep, and an audit must read what the validator read.
        """
        if len(body) > self.max_answer_bytes:
            raise MalformedAnswer(f"{len(body):,} bytes; at most {self.max_answer_bytes:,} are read")
        try:
            answer = self.answer_type.model_validate_json(body)
        except ValidationError as error:
            fault: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = printable(".".join(str(part) for part in fault["loc"]), 80)
            raise MalformedAnswer(f"{where or 'answer'}: {fault['msg'][:200]}") from None
        json.loads(body, object_pairs_hook=_refuse_repeated_keys, parse_int=str)  # numbers were checked above
        return answer


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise MalformedAnswer("answer: a key occurs twice in one object")
