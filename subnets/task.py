"""Tasks and queries: what is asked, and what a miner gets to see of it.

A Task belongs to the validator: it carries its seed and the reference that answers are graded against.
A Query goes to the miner: `Task.query()` copies the prompt and nothing else, so the reference can't leak.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from inference.pickling import pickled_by_position


@pickled_by_position
@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@pickled_by_position
@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, in the form that chat models take: turns of text, and optionally an image."""

    messages: tuple[Message, ...]
    image: bytes = b""
    """Encoded PNG or JPEG; empty if the task has no image."""
    max_tokens: int | None = None
    """Limit on the answer, in tokens of the answering model; None leaves it to the miner."""

    @property
    def text(self) -> str:
        """The last user turn."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def size(self) -> int:
        """Total bytes of text and image."""
        return len(self.image) + sum(len(m.content.encode()) for m in self.messages)


@pickled_by_position
@dataclass(frozen=True, slots=True)
class Caller:
    """The querying validator, as a miner's blacklist and priority see it."""

    hotkey: str = ""
    stake: float = 0.0
    """Stake on this subnet, in tokens."""
    validator_permit: bool = False


@pickled_by_position
@dataclass(frozen=True, slots=True)
class Query:
    """What a miner receives. The same object goes to every miner of a round."""

    id: str
    """Opaque id, unique within a run; reveals nothing about the seed."""
    subnet: str
    prompt: Prompt
    timeout_s: float = 12.0
    """Time for one answer; the host counts it from handing the miner the query."""
    caller: Caller = field(default_factory=Caller)


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work, with what is known about its right answer."""

    id: str
    subnet: str = ""
    seed: int = 0
    prompt: Prompt = Prompt(())
    reference: Any = field(default=None, repr=False)
    """The truth, in the subnet's own type; None if it is unknown. Never leaves the validator."""
    kind: str = ""
    """Sort of task within its subnet: "invoice", "arithmetic"."""
    difficulty: float | None = None
    """Difficulty in [0, 1], if the subnet sets one."""

    def without_image(self) -> Task:
        """Return the task as answers are compared by it, for those that keep many tasks."""
        return replace(self, prompt=replace(self.prompt, image=b""))

    def query(self, *, timeout_s: float = 12.0, caller: Caller = Caller()) -> Query:
        """Return the part of the task that a miner may see."""
        return Query(self.id, self.subnet, self.prompt, timeout_s, caller)
