"""What every registered miner and engine keeps to, ours and those that packages beside us announce."""

import pickle
from typing import Any

import pytest

from lab.contract.miner import (
    answers_alike,
    declares_its_needs,
    opens_and_closes_twice,
    says_whether_it_is_honest,
    shares_engines,
    takes_any_caller,
)
from miners import ENGINES, MINERS, load_engine, load_miner
from miners.engines.language import LanguageEngine
from subnets import Query

NEURAL = ("cascade", "rapidocr", "reader_router")
"""Kinds that load neural networks, which takes seconds."""


def named(kind: str) -> Any:
    """Return a kind as a parameter of a test."""
    return pytest.param(kind, marks=pytest.mark.slow if kind in NEURAL else ())


EVERY_MINER = pytest.mark.parametrize("kind", MINERS.sources())
EVERY_ENGINE = pytest.mark.parametrize("kind", ENGINES.sources())
# Those that load a language model are opened in tests/miners/engines, once.
LIGHT_ENGINE = pytest.mark.parametrize(
    "kind", [named(kind) for kind in ENGINES.sources() if not isinstance(load_engine(kind), LanguageEngine)]
)
LIGHT_MINER = pytest.mark.parametrize(
    "kind",
    [
        named(kind)
        for kind in MINERS.sources()
        if not any(isinstance(engine, LanguageEngine) for engine in load_miner(kind).engines())
    ],
)


@EVERY_MINER
def test_it_loads_by_name_and_says_what_it_does(kind: str) -> None:
    assert list(says_whether_it_is_honest(load_miner(kind))) == []


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
    assert list(answers_alike(query)(load_miner({"kind": kind, "seed": 3}))) == []


@EVERY_MINER
def test_its_blacklist_and_priority_take_any_caller(kind: str, query: Query) -> None:
    assert list(takes_any_caller(query)(load_miner(kind))) == []


@EVERY_MINER
def test_it_shares_the_engines_that_it_is_given(kind: str) -> None:
    assert list(shares_engines(load_miner(kind))) == []


@EVERY_ENGINE
def test_an_engine_loads_pickles_and_says_what_it_needs(kind: str) -> None:
    engine = load_engine(kind)
    assert list(declares_its_needs(engine)) == []
    assert pickle.loads(pickle.dumps(engine)).key == engine.key


@LIGHT_ENGINE
def test_an_engine_opens_and_closes_twice(kind: str) -> None:
    assert list(opens_and_closes_twice(load_engine(kind))) == []
