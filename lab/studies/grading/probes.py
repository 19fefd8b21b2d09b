"""Bias probes: the same answers, shown otherwise or changed in what should not matter.

order      the round's answers from last to first
length     every other answer padded with what says nothing new
injection  every other answer followed by words to the judge

Which answers are changed alternates from task to task, so that those beside them stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from miners.adversaries import FILLER, INJECTIONS
from subnets import Answer, Response, Score, Seed, Task
from subnets.ocr import MAX_SECTIONS, OCRAnswer, Section
from subnets.ocr.answer import MAX_TEXT

FILLERS = 6
"""Sentences of padding, half before and half after the answer."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One change."""

    name: str
    edit: Callable[[Task, Answer], Answer] | None
    """What is done to every other answer; None turns the round's order around instead."""

    def change(self, task: Task, responses: Sequence[Response], number: int) -> tuple[list[Response], list[bool]]:
        """Return the responses as the grader is shown them, and which of them were changed."""
        if self.edit is None:
            return list(responses)[::-1], [response.answer is not None for response in responses][::-1]
        chosen = [place % 2 == number % 2 and one.answer is not None for place, one in enumerate(responses)]
        shown = [
            replace(one, answer=self.edit(task, one.answer)) if picked and one.answer is not None else one
            for one, picked in zip(responses, chosen, strict=True)
        ]
        return shown, chosen

    def restore(self, scores: Sequence[Score], changed: Sequence[bool]) -> tuple[list[Score], list[bool]]:
        """Put what the grader returned into the round's own order."""
        step = -1 if self.edit is None else 1
        return list(scores)[::step], list(changed)[::step]


def pad(task: Task, answer: Answer) -> Answer:
    """Add what says nothing new: filler around a text, a page's own sections once more."""
    if isinstance(answer, OCRAnswer):
        return answer.model_copy(update={"sections": (answer.sections * 2)[:MAX_SECTIONS]})
    rng = Seed(task.seed).child("filler").rng()
    filler = [FILLER[int(place)] for place in rng.integers(len(FILLER), size=FILLERS)]
    half = FILLERS // 2
    return answer.model_copy(update={"text": " ".join([*filler[:half], answer.text, *filler[half:]])})


def inject(task: Task, answer: Answer) -> Answer:
    """Add words to the judge: behind a text, or as one more section of a page."""
    said = INJECTIONS[int(Seed(task.seed).child("injection").rng().integers(len(INJECTIONS)))]
    if isinstance(answer, OCRAnswer):
        section = Section(text=said[:MAX_TEXT], box=(0.0, 0.0, 10.0, 10.0))
        return answer.model_copy(update={"sections": (section, *answer.sections)[:MAX_SECTIONS]})
    return answer.model_copy(update={"text": f"{answer.text}\n{said}"})


PROBES = (Probe("order", None), Probe("length", pad), Probe("injection", inject))
