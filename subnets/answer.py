"""Answers and responses: what a miner sends, and what the validator received.

An answer travels as JSON and is parsed by a strict schema on arrival: nothing that a miner sends is
ever unpickled or trusted. N queries give N responses; a fault is data, not an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from inference.pickling import pickled_by_position

from .cost import Cost


class Answer(BaseModel):
    """A text answer. A subnet whose answers hold more defines a subclass; unknown keys are malformed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    text: str = Field("", max_length=100_000)
    model: str = Field("", max_length=200)
    """Model that the miner claims to have run; checked separately from quality."""
    output_tokens: int | None = Field(None, ge=0, le=10_000_000)
    """Tokens that the miner claims to have produced; recorded next to our own count."""

    def body(self) -> bytes:
        """Encode for the wire."""
        return self.model_dump_json(exclude_defaults=True).encode()

    def map_text(self, change: Callable[[str], str]) -> Self:
        """Return a copy with `change` applied to every text in the answer, in order."""
        return self.model_copy(update={"text": change(self.text)})


class Fault(StrEnum):
    """Why a response has no answer."""

    REFUSED = "refused"
    """The miner turned the caller away, or can't read the image of the query."""
    TIMEOUT = "timeout"
    """The miner received the query and did not answer in time."""
    ERROR = "error"
    """The miner raised."""
    MALFORMED = "malformed"
    """The answer breaks the subnet's schema or caps."""
    LOST = "lost"
    """The miner is not to blame: its host died or the query never reached it. Unscored."""


@pickled_by_position
@dataclass(frozen=True, slots=True)
class Response:
    """What came back for one query to one miner."""

    uid: int
    answer: Answer | None = None
    """Set once the validator has parsed `body`."""
    fault: Fault | None = None
    reason: str = ""
    """The fault in words: "no answer within 12.0 s"."""
    body: bytes = b""
    """The answer as it arrived."""
    latency_s: float = 0.0
    """Time from handing the miner the query to its answer, by the host's clock, which the miner can't touch. Waiting
    for a core that the lab shares between miners is not included."""
    waited_s: float = 0.0
    """Time before that, in which the query waited for a free slot on a host."""
    cost: Cost = field(default_factory=Cost)
    """What the miner used, as metered by its host."""
