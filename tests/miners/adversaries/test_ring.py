"""Identities of one operator that share an answer."""

import asyncio

from miners import load_miner, overhearing
from subnets import Answer, Query

TEXT = "one two three four five six seven eight nine ten " * 40


def relayed(query: Query, **options: object) -> str:
    async def relay() -> Answer | bytes:
        async def bought(victim: object, query: Query) -> Answer:
            return Answer(text=TEXT)

        overhearing.set(bought)
        return await load_miner({"kind": "ring", "victim": "echo", **options}).forward(query)

    answer = asyncio.run(relay())
    assert isinstance(answer, Answer)
    return answer.text


def test_identities_of_a_ring_send_one_answer_in_different_disguises(query: Query) -> None:
    first, second = (relayed(query, seed=seed, disguise=0.1) for seed in (1, 2))
    assert first != second and first != TEXT
    assert 0.8 < len(first.split()) / len(TEXT.split()) < 0.97
    assert first == relayed(query, seed=1, disguise=0.1)


def test_a_ring_without_a_disguise_relays_the_answer_unchanged(query: Query) -> None:
    assert relayed(query, disguise=0.0) == TEXT
