"""Echo of the prompt: a factor that lowers the score of answers that repeat their prompt."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from subnets import Response, Score, Scorer, Task
from subnets.text import answer_text, words


class Echo(Scorer):
    """1.0 while at most `allowed` of the answer's word runs occur in the prompt, falling to 0.0 if all of them do."""

    needs_reference: ClassVar[bool] = False

    allowed: float = Field(0.6, ge=0, lt=1)
    """Share of the answer's word runs that may occur in the prompt."""
    run: int = Field(4, ge=1)
    """Words per run."""
    min_words: int = Field(25, ge=1)
    """Shorter answers may be quotations, which extractive questions ask for."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        answer = words(answer_text(response))
        if len(answer) < self.min_words:
            return Score(1.0)
        prompt = [word for message in task.prompt.messages for word in words(message.content)]
        prompt_runs = {tuple(prompt[i : i + self.run]) for i in range(len(prompt) - self.run + 1)}
        runs = [tuple(answer[i : i + self.run]) for i in range(max(1, len(answer) - self.run + 1))]
        echoed = sum(run in prompt_runs for run in runs) / len(runs)
        return Score(min(1.0, (1.0 - echoed) / (1.0 - self.allowed)), {"echoed": echoed})
