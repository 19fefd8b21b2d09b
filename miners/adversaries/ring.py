"""The ring: identities of one operator that share one bought answer."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import Field

from subnets import Answer, Query, Seed

from .copycat import Copycat


class Ring(Copycat):
    """Relays the answer that another identity of its operator has made, with a few words left out as a disguise.

    The ring is the `victim`, which does the work once, and any number of these.
    """

    description: ClassVar[str] = "relays its operator's one answer, with a few words left out"

    disguise: float = Field(0.02, ge=0.0, lt=1.0)
    """Probability that a word is left out: more hides the ring better and costs it quality."""

    async def forward(self, query: Query) -> Answer | bytes:
        """Get the ring's answer and disguise it; bytes are passed on unchanged."""
        answer = await super().forward(query)
        if isinstance(answer, bytes) or self.disguise == 0.0:
            return answer
        rng = Seed(self.seed).child("disguise", query.id).rng()
        return answer.map_text(
            lambda text: re.sub(r"\S+\s*", lambda word: "" if rng.random() < self.disguise else word[0], text) or text
        )
