"""A miner that writes as a language model does, as far as meters can tell."""

import asyncio

from miners import Miner
from subnets import Answer, Cost, Query, Seed, spend


class Writer(Miner):
    """Repeats the digits, in 10 to 20 tokens that it counts rightly."""

    wait_s: float = 0.0
    usd: float = 0.0

    async def forward(self, query: Query) -> Answer:
        tokens = int(Seed(7).child(query.id).rng().integers(10, 21))
        await asyncio.sleep(0.002 + self.wait_s)
        spend(Cost(input_tokens=50, output_tokens=tokens, paid_usd=self.usd, first_token_s=0.001))
        return Answer(text=query.prompt.text.removeprefix("Say "), output_tokens=tokens)
