"""Graded work: a subnet whose answers are nothing but their own grades, so that a round costs microseconds.

    [subnet]
    kind = "lab.world.work:GradedWork"
    noise = 0.05

An answer is the text of its true quality. A grader sees it with an error of its own, the same whenever it looks at the
same answer, so that an audit grades as the validator did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import ClassVar

from pydantic import Field

from subnets import Answer, MalformedAnswer, Response, Score, Scorer, Subnet, Task
from subnets.task import Message, Prompt

NORMAL = NormalDist()
PROMPT = Prompt((Message("user", "Do the work."),))


def chance(*parts: object) -> float:
    """Return a number between 0 and 1, both excluded, that is random but always the same for the same parts."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


def drawn(mean: float, spread: float, *parts: object) -> float:
    """Draw from a normal distribution, cut off at 0 and 1, always the same for the same parts."""
    value = mean if spread == 0.0 else mean + spread * NORMAL.inv_cdf(chance(*parts))
    return min(1.0, max(0.0, value))


class NoisyGrader(Scorer):
    """Grades by the true quality, with an error."""

    description: ClassVar[str] = "reads an answer's own quality, with an error"

    noise: float = Field(0.0, ge=0.0, le=1.0)
    """Standard deviation of the error of one grade."""
    grader: int = 0
    """Tells graders apart that err independently on the same answer."""

    def score(self, task: Task, response: Response) -> Score:
        """Return the quality with this grader's error; an answer that is worth nothing is seen as such."""
        assert response.answer is not None
        quality = float(response.answer.text)
        if quality == 0.0:
            return Score(0.0)
        return Score(drawn(quality, self.noise, "grade", self.grader, task.id, response.uid))


class GradedWork(Subnet):
    """Work of which only the quality matters."""

    name: ClassVar[str] = "graded_work"
    scorers: ClassVar[Mapping[str, str]] = {"noisy_grader": "lab.world.work:NoisyGrader"}

    noise: float = Field(0.0, ge=0.0, le=1.0)
    """Standard deviation of the error of one grade, where a validator names no scorer of its own."""

    def task(self, seed: int) -> Task:
        """Make a task; all are alike but for their seed."""
        return Task(id=f"{seed:016x}", subnet=self.name, seed=seed, prompt=PROMPT, reference="1")

    def gold(self, task: Task) -> Answer:
        """Return the answer of quality 1."""
        return Answer(text="1")

    def scorer(self) -> Scorer:
        """Return the grader with the subnet's noise."""
        return NoisyGrader(noise=self.noise)

    def quality(self, task: Task, answer: Answer) -> float:
        """Return the answer's own quality."""
        return float(answer.text)

    def guess(self, seed: int, count: int) -> Answer:
        """Return an answer of random quality."""
        return Answer(text=f"{chance('guess', seed):.6f}")

    def read(self, body: bytes) -> Answer:
        """Read an answer, whose text must be a number from 0 to 1."""
        answer = super().read(body)
        try:
            known = 0.0 <= float(answer.text) <= 1.0
        except ValueError:
            known = False
        if not known:
            raise MalformedAnswer("text: the quality of graded work is a number from 0 to 1")
        return answer

    def pad(self, answer: Answer, filler: Sequence[str]) -> Answer:
        """Return the answer: a quality can't be made longer."""
        return answer
