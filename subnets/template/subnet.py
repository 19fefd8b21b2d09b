"""A subnet in the shape of the field's template, run unmodified.

    [subnet]
    kind = "template"
    protocol = "mysubnet.protocol:MySynapse"
    make = "mysubnet.validator:make_task"
    reward = "mysubnet.reward:reward"

`make` returns a synapse, or a synapse and what `reward` gets as its query; that second value never leaves the
validator. docs/template.md walks through it.
"""

from __future__ import annotations

import random
from typing import Any, ClassVar

from pydantic import Field

from subnets.answer import Answer
from subnets.errors import MalformedAnswer, PluginError
from subnets.plugin import ROOMS
from subnets.score import Scorer
from subnets.seed import Seed
from subnets.subnet import Subnet
from subnets.task import Message, Prompt, Task
from subnets.text import printable

from .loading import load, packed, protocol_of, takes
from .scorer import EXAMPLE, Known, TemplateReward


class Template(Subnet):
    """Your own subnet in the shape of the field's template; by default its example, which doubles numbers."""

    name: ClassVar[str] = "template"

    protocol: str = f"{EXAMPLE}:Doubling"
    """The Synapse that is asked, as module:Class."""
    make: str = f"{EXAMPLE}:make_task"
    """Makes a task, as module:function. Called with `seed` if it takes one; otherwise Python's and numpy's global
    randomness are seeded before it is called."""
    reward: str = f"{EXAMPLE}:reward"
    """The function reward(query, response) or get_rewards(self, query, responses), as module:function."""
    reward_scale: float = Field(1.0, gt=0)
    """Reward that counts as 1; scores lie in [0, 1]."""
    answer: str | None = None
    """Returns the rightly filled synapse for a query, as module:function. Without it miners of known quality, such as
    oracle, can't be used (default: none for a protocol of your own)."""

    def task(self, seed: int) -> Task:
        """Make the task of a seed."""
        made = _made(load(self.make, "make"), seed)
        synapse, query = made if isinstance(made, tuple) else (made, made)
        protocol = protocol_of(self.protocol)
        if not isinstance(synapse, protocol):
            raise PluginError(f"make {self.make!r} returned {type(synapse).__name__}; allowed: {protocol.__name__}")
        return Task(
            id=f"{Seed(seed).child('id').integer():016x}",
            subnet=self.name,
            seed=seed,
            prompt=Prompt((Message("user", packed(synapse)),)),
            reference=Known.of(query),
        )

    def gold(self, task: Task) -> Answer:
        """Return the right answer; raises PluginError if the config names no function that knows it."""
        source = self.answer or (f"{EXAMPLE}:answer" if self.make.startswith(EXAMPLE) else None)
        if source is None:
            raise PluginError('subnet "template" does not know the right answer; set answer = "module:function"')
        return Answer(text=packed(load(source, "answer")(task.reference.query)))

    def scorer(self) -> Scorer:
        """Return the grader that calls the reward function."""
        return TemplateReward(protocol=self.protocol, reward=self.reward, reward_scale=self.reward_scale)

    def read(self, body: bytes) -> Answer:
        """Parse what a miner sent, and check it by the protocol."""
        answer = super().read(body)
        try:
            protocol_of(self.protocol).model_validate_json(answer.text)
        except (ValueError, TypeError, LookupError, AttributeError) as error:  # validators of the package or the user
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise MalformedAnswer(f"not a {self.protocol}: {printable(first, 80)}") from None
        return answer

    def reference_from(self, task: Task, answer: Answer) -> Known | None:
        """Return an answer as the one that is right."""
        return Known(task.reference.pickled, answer.text) if answer.text.strip() else None

    def foreign_classes(self) -> frozenset[str]:
        """Name the user's code, which runs apart from ours."""
        return super().foreign_classes() | {
            source for source in (self.protocol, self.make, self.reward) if source.partition(".")[0] not in ROOMS
        }


def _made(make: Any, seed: int) -> Any:
    if takes(make, "seed"):
        return make(seed=seed)
    import numpy as np

    # The function draws from global randomness, which others use as well: it is put back afterwards.
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        return make()
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002
