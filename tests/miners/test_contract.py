"""What every registered miner and engine keeps to, ours and those that packages beside us announce."""

import asyncio
import copy
import pickle

import pytest

from miners import ENGINES, MINERS, Engine, Miner, load_engine, load_miner
from miners.engines.language import LanguageEngine
from subnets import Answer, Query

EVERY_MINER = pytest.mark.parametrize("kind", MINERS.sources())
EVERY_ENGINE = pytest.mark.parametrize("kind", ENGINES.sources())
# Those that load a language model are opened in tests/miners/engines, once.
LIGHT_ENGINE = pytest.mark.parametrize(
    "kind", [kind for kind in ENGINES.sources() if not isinstance(load_engine(kind), LanguageEngine)]
)
LIGHT_MINER = pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in MINERS.sources()
        if not any(isinstance(engine, LanguageEngine) for engine in load_miner(kind).engines())
    ],
)


async def outcome(miner: Miner, query: Query) -> object:
    """Return the answer, or how it failed."""
    shared = {engine.key: engine for engine in miner.engines()}
    miner = miner.sharing(shared)
    try:
        for engine in shared.values():
            await engine.open()
        return await asyncio.wait_for(miner.forward(query), 20 if miner.engines() else 1.5)
    except Exception as error:  # failing is an outcome too
        return type(error)
    finally:
        for engine in shared.values():
            await engine.close()


@EVERY_MINER
def test_it_loads_by_name_and_says_what_it_does(kind: str) -> None:
    miner = load_miner(kind)
    assert isinstance(miner, Miner) and miner.description and isinstance(miner.honest, bool)


@EVERY_MINER
def test_it_pickles_to_an_equal_one(kind: str) -> None:
    miner = load_miner(kind)
    again = pickle.loads(pickle.dumps(miner))
    assert type(again) is type(miner) and again.key == miner.key


@EVERY_MINER
def test_its_table_loads_again(kind: str) -> None:
    miner = load_miner(kind)
    assert load_miner(MINERS.spec(miner)).key == miner.key


@LIGHT_MINER
def test_it_answers_alike_each_time_and_leaves_the_query_alone(kind: str, query: Query) -> None:
    before = copy.deepcopy(query)
    miner = load_miner({"kind": kind, "seed": 3})
    first = asyncio.run(outcome(miner, query))
    assert query == before
    assert isinstance(first, Answer | bytes | type)
    if miner.honest:
        assert asyncio.run(outcome(pickle.loads(pickle.dumps(miner)), query)) == first


@EVERY_MINER
def test_its_blacklist_and_priority_take_any_caller(kind: str, query: Query) -> None:
    miner = load_miner(kind)
    assert isinstance(miner.blacklist(query), str) and isinstance(miner.priority(query), float)


@EVERY_MINER
def test_it_shares_the_engines_that_it_is_given(kind: str) -> None:
    miner = load_miner(kind)
    copies = {engine.key: pickle.loads(pickle.dumps(engine)) for engine in miner.engines()}
    assert all(engine is copies[engine.key] for engine in miner.sharing(copies).engines())


@EVERY_ENGINE
def test_an_engine_loads_pickles_and_says_what_it_needs(kind: str) -> None:
    engine = load_engine(kind)
    assert isinstance(engine, Engine) and engine.description
    assert pickle.loads(pickle.dumps(engine)).key == engine.key
    assert engine.cpus >= 0 and engine.gpus >= 0 and engine.concurrency >= 1


@LIGHT_ENGINE
def test_an_engine_opens_and_closes_twice(kind: str) -> None:
    async def twice() -> None:
        engine = load_engine(kind)
        for _ in range(2):
            await engine.open()
            await engine.close()
        await engine.close()

    asyncio.run(twice())
