"""A miner of known quality: another miner's answer with characters replaced at a known rate."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from miners.miner import Miner
from miners.ocr import TesseractReader
from miners.registry import AnyMiner
from subnets import Answer, Query, Seed

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Noisy(Miner):
    """Answers like another miner, with each character except spaces replaced with probability `error_rate`."""

    description = "answers as another miner does, with a known share of its characters replaced"
    employs = ("miner",)

    miner: AnyMiner = Field(default_factory=TesseractReader)
    """The miner that answers; its work is repeated and paid for here."""
    error_rate: float = Field(0.1, ge=0, le=1)
    """Probability that a character is replaced."""

    async def forward(self, query: Query) -> Answer | bytes:
        """Have the inner miner answer, then replace characters; bytes are passed on unchanged."""
        answer = await self.miner.forward(query)
        if isinstance(answer, bytes):
            return answer
        rng = Seed(self.seed).child("noise", query.id).rng()
        return answer.map_text(lambda text: self._garble(text, rng))

    def _garble(self, text: str, rng: np.random.Generator) -> str:
        replaced = rng.random(len(text)) < self.error_rate
        # Drawn from all letters but the last, which replaces a letter that would otherwise stay the same.
        letters = rng.integers(len(LETTERS) - 1, size=len(text))
        return "".join(
            character
            if not replaced[i] or character.isspace()
            else (LETTERS[-1] if LETTERS[letters[i]] == character else LETTERS[letters[i]])
            for i, character in enumerate(text)
        )
