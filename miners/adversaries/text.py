"""Text miners that try to be paid for something other than a good answer."""

from __future__ import annotations

import json
import re
from typing import ClassVar

from pydantic import Field

from miners.miner import Miner
from miners.prompted import LanguageModel
from miners.registry import AnyMiner
from subnets import Answer, Query, Seed
from subnets.subnet import MAX_MODEL_TEXT
from subnets.text import padded

from .injections import INJECTIONS

FILLER = (
    "That is an important question, and it deserves a careful answer.",
    "There are several points of view that one could take here.",
    "It is worth keeping the wider context in mind.",
    "To sum up, all of the above should be taken together.",
    "Of course, much more could be said about this.",
    "I hope that this explanation is clear and helpful.",
    "As always, the details matter.",
    "With this in mind, let us look at the matter once more.",
)
COMMON = "the of and to in is that it was for on are as with they at be this from have or by one had not but".split()


class WordSalad(Miner):
    """Shuffles the prompt's words with common ones: the right words in random order."""

    honest: ClassVar[bool] = False
    description = "the prompt's words, shuffled"

    words: int = Field(60, ge=1, le=5_000)
    """Number of words of an answer."""

    async def forward(self, query: Query) -> Answer:
        """Draw words."""
        rng = Seed(self.seed).child("salad", query.id).rng()
        pool = re.findall(r"\w+", query.prompt.text)[:5_000] + COMMON
        return Answer(text=" ".join(pool[int(i)] for i in rng.integers(len(pool), size=self.words))[:MAX_MODEL_TEXT])


class Padding(LanguageModel):
    """Answers with a language model and pads the answer, for graders that pay for length."""

    honest: ClassVar[bool] = False
    description = "a model's answer, drawn out with filler"

    sentences: int = Field(12, ge=1, le=1_000)
    """Number of filler sentences."""

    async def forward(self, query: Query) -> Answer:
        """Ask the engine, then pad the answer on both sides."""
        answer = await self.ask(self.engine, query)
        rng = Seed(self.seed).child("padding", query.id).rng()
        filler = [FILLER[int(i)] for i in rng.integers(len(FILLER), size=self.sentences)]
        return answer.model_copy(update={"text": padded(answer.text, filler)[:MAX_MODEL_TEXT]})


class Mirror(LanguageModel):
    """Runs greedily the model with which the validator writes references and judges.

    If answers are graded by their similarity to that model's own, it wins, right or wrong.
    """

    honest: ClassVar[bool] = False
    description = "a copy of the validator's own model; give it the writer's or the judge's `model`"


class JudgeInjection(Miner):
    """Addresses the judge instead of answering."""

    honest: ClassVar[bool] = False
    description = "tells the judge what to think, in thirty ways"

    phrasing: int | None = Field(None, ge=0, lt=len(INJECTIONS))
    """Index of the injection; omit it to draw one for each query."""

    async def forward(self, query: Query) -> Answer:
        """Answer with an injection."""
        index = int(Seed(self.seed).child("injection", query.id).rng().integers(len(INJECTIONS)))
        return Answer(text=INJECTIONS[index if self.phrasing is None else self.phrasing])


class EndlessAnswer(Miner):
    """Sends far more than anyone reads."""

    honest: ClassVar[bool] = False
    description = "an answer of megabytes"

    size_bytes: int = Field(10_000_000, ge=1, le=100_000_000)
    """Size of an answer."""

    async def forward(self, query: Query) -> bytes:
        """Send raw bytes, to bypass the schema that limits answers."""
        line = "and so on and so forth "
        text = (line * (self.size_bytes // len(line) + 1))[: self.size_bytes]
        return json.dumps({"text": text}).encode()


class Overclaimer(Miner):
    """Answers like another miner and claims more tokens than were written."""

    honest: ClassVar[bool] = False
    description = "another miner's answer, claiming more tokens than were written"
    employs = ("miner",)

    miner: AnyMiner = Field(default_factory=LanguageModel)
    """The miner that answers; its work is repeated and paid for here."""
    excess: float = Field(0.1, ge=0.0, le=100.0)
    """Share added to the true number of tokens, on average; fractions are rounded at random."""

    async def forward(self, query: Query) -> Answer | bytes:
        """Have the inner miner answer, then raise the claim; an answer without a claim is passed on unchanged."""
        answer = await self.miner.forward(query)
        if isinstance(answer, bytes) or answer.output_tokens is None:
            return answer
        fraction = Seed(self.seed).child("claim", query.id).rng().random()
        claim = int(answer.output_tokens * (1.0 + self.excess) + fraction)
        return answer.model_copy(update={"output_tokens": claim})


class EmptyAnswer(Miner):
    """Answers with an empty text."""

    honest: ClassVar[bool] = False
    description = "an empty answer"

    async def forward(self, query: Query) -> Answer:
        """Return an empty answer."""
        return Answer(text="")
