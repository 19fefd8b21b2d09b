"""Echo of the prompt: a factor that takes back what was only repeated."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from subnets import Response, Score, Scorer, Task
from subnets.text import answer_text, words


class Echo(Scorer):
    """1.0 until `allowed` of the answer's word runs stand in the prompt, 0.0 where all of them do."""

    needs_reference: ClassVar[bool] = False

    allowed: float = Field(0.6, ge=0, lt=1)
    run: int = Field(4, ge=1)
    """Words in a run."""
    min_words: int = Field(25, ge=1)
    """Shorter answers may be quotations: that is what extractive questions ask for."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        said = words(answer_text(response))
        if len(said) < self.min_words:
            return Score(1.0)
        asked = [word for message in task.prompt.messages for word in words(message.content)]
        known = {tuple(asked[i : i + self.run]) for i in range(len(asked) - self.run + 1)}
        own = [tuple(said[i : i + self.run]) for i in range(max(1, len(said) - self.run + 1))]
        echoed = sum(part in known for part in own) / len(own)
        return Score(min(1.0, (1.0 - echoed) / (1.0 - self.allowed)), {"echoed": echoed})
