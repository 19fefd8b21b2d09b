"""Grade by the `reward` or `get_rewards` of a subnet in the template's shape."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Self

from pydantic import Field

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task

from .loading import bittensor, load, protocol_of, takes

EXAMPLE = "subnets.template.example"


@dataclass(frozen=True, slots=True)
class Known:
    """What the validator knows of a task."""

    pickled: bytes
    """First argument of the reward function. It may be of the user's own classes, so it is unpickled only where their
    code is wanted, after `bittensor` can be imported."""
    answer: str | None = None
    """JSON of an answer that stands in for the truth; None where the reward function judges."""

    @classmethod
    def of(cls, query: Any) -> Self:
        """Keep what the reward function gets."""
        return cls(pickle.dumps(query))

    @property
    def query(self) -> Any:
        """First argument of the reward function."""
        bittensor()
        return pickle.loads(self.pickled)


class TemplateReward(Scorer):
    """Pays what a reward function of the template's shape returns."""

    protocol: str = f"{EXAMPLE}:Doubling"
    """The Synapse that is asked, as module:Class."""
    reward: str = f"{EXAMPLE}:reward"
    """The function reward(query, response) or get_rewards(self, query, responses), as module:function."""
    reward_scale: float = Field(1.0, gt=0)
    """Reward that counts as 1; scores lie in [0, 1]."""

    def open(self) -> None:
        """Import the protocol and the reward function."""
        protocol_of(self.protocol)
        load(self.reward, "reward")

    def score(self, task: Task, response: Response) -> Score:
        """Grade one response."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Grade a round; a function that takes all responses together gets them together."""
        known: Known = task.reference
        texts = [response.answer.text if response.answer is not None else "" for response in responses]
        if known.answer is not None:
            return [Score(float(text == known.answer)) for text in texts]
        protocol, reward = protocol_of(self.protocol), load(self.reward, "reward")
        query = known.query
        answers = [protocol.model_validate_json(text).deserialize() for text in texts]
        own = {"self": SimpleNamespace(device="cpu")} if takes(reward, "self") else {}
        if takes(reward, "responses"):
            rewards = [float(value) for value in reward(query=query, responses=answers, **own)]
        else:
            rewards = [float(reward(query=query, response=each, **own)) for each in answers]
        return [Score(value / self.reward_scale, parts={"reward": value}) for value in rewards]
