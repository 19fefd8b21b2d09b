"""What a miner and an engine keep to, checked with one query."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Iterator

from miners import Engine, Miner
from subnets import Answer, Query

from .rule import Rule, raised

WAIT_S = 20.0
"""Time for an answer by an engine."""
WAIT_WITHOUT_ENGINE_S = 1.5


async def outcome(miner: Miner, query: Query) -> Answer | bytes | Exception:
    """Return a miner's answer to a query, or the exception that it raised; opens its engines."""
    shared = {engine.key: engine for engine in miner.engines()}
    miner = miner.sharing(shared)
    try:
        for engine in shared.values():
            await engine.open()
        return await asyncio.wait_for(miner.forward(query), WAIT_S if shared else WAIT_WITHOUT_ENGINE_S)
    except Exception as error:  # failing is an outcome, too
        return error
    finally:
        for engine in shared.values():
            await engine.close()


def says_whether_it_is_honest(miner: Miner) -> Iterator[str]:
    """Check the declarations that reports rely on."""
    if not isinstance(miner.honest, bool):
        yield f"honest is {miner.honest!r}; declare True or False"
    if not miner.description:
        yield 'description is empty; say what the miner does, as in description: ClassVar[str] = "reads the page"'


def takes_any_caller(query: Query) -> Rule[Miner]:
    """Return the rule that `blacklist` and `priority` return what a host needs."""

    def blacklist_and_priority(miner: Miner) -> Iterator[str]:
        if not isinstance(refused := miner.blacklist(query), str):
            yield f"blacklist returns {refused!r}; return the reason as text, or an empty text to serve the caller"
        if not isinstance(rank := miner.priority(query), float):
            yield f"priority returns {rank!r}; return a float"

    return blacklist_and_priority


def shares_engines(miner: Miner) -> Iterator[str]:
    """Check that a host can replace the miner's engines by those that it has opened."""
    copies = {engine.key: pickle.loads(pickle.dumps(engine)) for engine in miner.engines()}
    if not all(engine is copies[engine.key] for engine in miner.sharing(copies).engines()):
        yield "sharing does not put the given engines in place of the miner's own; keep engines in fields"


def answers_alike(query: Query) -> Rule[Miner]:
    """Return the rule that a query gets the same answer each time, and is left as it was."""

    def answers_the_same_each_time(miner: Miner) -> Iterator[str]:
        before = copy.deepcopy(query)
        first = asyncio.run(outcome(miner, query))
        if query != before:
            yield "forward changed the query"
        if not isinstance(first, Answer | bytes | Exception):
            yield f"forward returns a {type(first).__name__}; return an Answer, or bytes"
        if not miner.honest:
            return
        again = asyncio.run(outcome(pickle.loads(pickle.dumps(miner)), query))
        same = type(first) is type(again) if isinstance(first, Exception) else first == again
        if not same:
            yield "the same query gets another answer each time; draw from Seed(self.seed).child(query.id)"

    return answers_the_same_each_time


def answers(query: Query) -> Rule[Miner]:
    """Return the rule that an honest miner answers instead of failing."""

    def answers_a_query(miner: Miner) -> Iterator[str]:
        reply = asyncio.run(outcome(miner, query))
        if miner.honest and isinstance(reply, TimeoutError):
            yield f"no answer to a task of {query.subnet} in time; work of seconds belongs in an Engine"
        elif miner.honest and isinstance(reply, Exception):
            yield (
                f"a task of {query.subnet} makes forward raise {raised(reply)}; if it answers another subnet, name it "
                "with --subnet"
            )

    return answers_a_query


def rules(query: Query) -> tuple[Rule[Miner], ...]:
    """Return everything that a miner keeps to when it is asked `query`."""
    return (says_whether_it_is_honest, takes_any_caller(query), shares_engines, answers_alike(query), answers(query))


def declares_its_needs(engine: Engine) -> Iterator[str]:
    """Check what placement relies on."""
    if not engine.description:
        yield "description is empty; say what the engine runs"
    for name in ("cpus", "gpus"):
        if not getattr(engine, name) >= 0:
            yield f"{name} is {getattr(engine, name)!r}; allowed: 0 or more"
    if not engine.concurrency >= 1:
        yield f"concurrency is {engine.concurrency!r}; allowed: 1 or more"


def opens_and_closes_twice(engine: Engine) -> Iterator[str]:
    """Check that a host can reopen the engine, and close one that is closed."""

    async def twice() -> None:
        for _ in range(2):
            await engine.open()
            await engine.close()
        await engine.close()

    asyncio.run(twice())
    yield from ()


ENGINE_RULES: tuple[Rule[Engine], ...] = (declares_its_needs, opens_and_closes_twice)
