"""A round that was answered, as it is sent to the validator that grades it within a window."""

from __future__ import annotations

from dataclasses import dataclass

from subnets import Response


@dataclass(frozen=True, slots=True)
class AnsweredRound:
    """The responses of one round; its task follows from the validator and the number."""

    number: int
    responses: tuple[Response, ...]
    """As they arrived, not read yet."""
