"""Bias probes: the same answers in another order, or with changes that should not matter.

order      the round's answers from last to first
length     every other answer padded with text that adds nothing
injection  every other answer with an instruction to the grader

The changed answers alternate from task to task, so that unchanged ones are always graded with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from miners.adversaries import FILLER, INJECTIONS
from subnets import Answer, Response, Score, Seed, Subnet, Task

FILLERS = 6
"""Sentences of padding, half before and half after the answer."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One change."""

    name: str
    edit: Callable[[Subnet, Task, Answer], Answer] | None
    """Changes every other answer; None reverses the round's order instead."""

    def change(
        self, subnet: Subnet, task: Task, responses: Sequence[Response], number: int
    ) -> tuple[list[Response], list[bool]]:
        """Return the responses as the grader sees them, and which of them were changed."""
        if self.edit is None:
            return list(responses)[::-1], [response.answer is not None for response in responses][::-1]
        chosen = [place % 2 == number % 2 and each.answer is not None for place, each in enumerate(responses)]
        changed = [
            replace(response, answer=self.edit(subnet, task, response.answer))
            if picked and response.answer is not None
            else response
            for response, picked in zip(responses, chosen, strict=True)
        ]
        return changed, chosen

    def restore(self, scores: Sequence[Score], changed: Sequence[bool]) -> tuple[list[Score], list[bool]]:
        """Return the grader's scores in the round's own order."""
        step = -1 if self.edit is None else 1
        return list(scores)[::step], list(changed)[::step]


def pad(subnet: Subnet, task: Task, answer: Answer) -> Answer:
    """Add sentences that say nothing new."""
    rng = Seed(task.seed).child("filler").rng()
    return subnet.pad(answer, [FILLER[int(place)] for place in rng.integers(len(FILLER), size=FILLERS)])


def inject(subnet: Subnet, task: Task, answer: Answer) -> Answer:
    """Add an instruction to the grader."""
    place = int(Seed(task.seed).child("injection").rng().integers(len(INJECTIONS)))
    return subnet.inject(answer, INJECTIONS[place])


PROBES = (Probe("order", None), Probe("length", pad), Probe("injection", inject))
