"""The synapse of miners that answer prompts and pages, for validators that ask by a dendrite."""

from __future__ import annotations

from typing import Any

from subnets.template.loading import bittensor

bt: Any = bittensor()


class PromptSynapse(bt.Synapse):  # type: ignore[misc]
    """A prompt and, once it is filled, its answer."""

    messages: list[dict[str, str]] = []
    """Turns as {"role": ..., "content": ...}; not repeated in the reply."""
    subnet: str = ""
    """Kind of answer that is expected."""
    image: str = ""
    """Base64 of a PNG or JPEG."""
    max_tokens: int | None = None
    answer: str | None = None
    """The answer in the subnet's own JSON, such as {"text": "..."}."""

    def deserialize(self) -> str | None:
        """Return the answer."""
        return self.answer
