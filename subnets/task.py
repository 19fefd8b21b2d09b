"""Tasks and queries: what is asked, and what a miner gets to see of it.

A Task is the validator's: it carries its seed and the reference that answers are graded against.
A Query is the miner's: `Task.query()` copies the prompt and nothing else, so the reference can't leak.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, in the form that chat models take it: turns of text, and an image or none."""

    messages: tuple[Message, ...]
    image: bytes = b""
    """An encoded PNG or JPEG; empty where the task has none."""
    max_tokens: int | None = None
    """Bound on the answer, in tokens of the answering model; None leaves it to the miner."""

    @property
    def text(self) -> str:
        """The last user turn."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def size(self) -> int:
        """Bytes of text and image together."""
        return len(self.image) + sum(len(m.content.encode()) for m in self.messages)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: what a miner's blacklist and priority may look at."""

    hotkey: str = ""
    stake: float = 0.0
    """On this subnet, in tokens."""
    validator_permit: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a miner receives. The same object goes to every miner of a round."""

    id: str
    """Opaque, unique within a run; tells nothing of the seed."""
    subnet: str
    prompt: Prompt
    timeout_s: float = 12.0
    """Time for one answer, counted by the host from the moment the miner is given the query."""
    caller: Caller = field(default_factory=Caller)


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work with what is known about its right answer."""

    id: str
    subnet: str = ""
    seed: int = 0
    prompt: Prompt = Prompt(())
    reference: Any = field(default=None, repr=False)
    """The truth in the subnet's own type; None where nobody knows it. Never leaves the validator."""
    kind: str = ""
    """Which sort of task of its subnet: "invoice", "arithmetic"."""
    difficulty: float | None = None
    """In [0, 1] where the subnet can set it."""

    def query(self, *, timeout_s: float = 12.0, caller: Caller = Caller()) -> Query:
        """Make what a miner may see."""
        return Query(self.id, self.subnet, self.prompt, timeout_s, caller)
