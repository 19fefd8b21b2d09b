"""Answers and responses: what a miner says, and what the validator received.

An answer travels as JSON and is read by a strict schema on arrival: nothing that a miner sends is
ever unpickled or trusted. N queries give N responses; a fault is data, not an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from .cost import Cost


class Answer(BaseModel):
    """A text answer. A subnet whose answers hold more subclasses it; unknown keys are malformed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    text: str = Field("", max_length=100_000)
    model: str = Field("", max_length=200)
    """The model that the miner says it ran: a claim, checked apart from quality."""
    output_tokens: int | None = Field(None, ge=0, le=10_000_000)
    """The tokens that the miner says it produced: a claim, recorded beside our own count."""

    def body(self) -> bytes:
        """Encode for the wire."""
        return self.model_dump_json(exclude_defaults=True).encode()

    def map_text(self, change: Callable[[str], str]) -> Self:
        """Return a copy with `change` applied to every text that it answers with, in order."""
        return self.model_copy(update={"text": change(self.text)})


class Fault(StrEnum):
    """Why a response has no answer."""

    REFUSED = "refused"
    """The miner's blacklist turned the caller away."""
    TIMEOUT = "timeout"
    """The miner was given the query and did not answer in time."""
    ERROR = "error"
    """The miner raised."""
    MALFORMED = "malformed"
    """The answer breaks the subnet's schema or caps."""
    LOST = "lost"
    """Not the miner's doing: its host died or the query never reached it. Unscored."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back for one query to one miner."""

    uid: int
    answer: Answer | None = None
    """Set once the validator has read `body`."""
    fault: Fault | None = None
    reason: str = ""
    """The fault in words: "no answer within 12.0 s"."""
    body: bytes = b""
    """The answer as it arrived."""
    latency_s: float = 0.0
    """From the moment the miner was given the query to its answer, by the clock of the host's shell, which the
    miner can't touch. Waiting for a core that the lab shares between miners is not part of it."""
    waited_s: float = 0.0
    """Before that: the time the query waited for a free place on a host."""
    cost: Cost = field(default_factory=Cost)
    """What the miner used, metered around it."""
