"""Asking miners for a customer: one after the other until one answers well, or several side by side for the best."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cluster.errors import PoolError
from lab.config.gateway import GatewayTable
from lab.record.customers import Attempt
from lab.run.guest import OpenRun
from subnets import Cost, Fault, Query, Response, Score, Task
from validators import Grades, WindowScorer, receive


@dataclass(frozen=True, slots=True)
class AskedMiners:
    """What came of asking for one customer."""

    attempts: tuple[Attempt, ...]
    """They stand in the order in which the miners were asked."""
    response: Response | None
    """The best answer; None if there is none."""
    cost: Cost


class Asker:
    """Asks the miners of a run."""

    def __init__(self, run: OpenRun, table: GatewayTable) -> None:
        self._run, self._table = run, table
        self.grader = grader_of(run)
        """Uid of the validator that can grade answers to questions whose truth is unknown; None if there is none."""

    async def ask(self, query: Query, order: Sequence[int]) -> AskedMiners:
        """Ask miners in order: the next one after a fault, and after each `late_s` without an answer."""
        race = _Race(self, query, order, self._table.best_of)
        try:
            async with asyncio.timeout(self._table.timeout_s):
                await race.run(self._table.late_s)
        except TimeoutError:
            race.give_up(self._table.timeout_s)
        finally:
            await race.close()
        good = race.good()
        scores = await self._scores(query, good) if len(good) > 1 and self._table.best_of > 1 else {}
        best = max(good, key=lambda each: _value(scores.get(each.uid)), default=None)  # the first among equals
        return AskedMiners(race.attempts(scores), best, race.cost)

    async def grade(self, query: Query, responses: Sequence[Response]) -> Grades | None:
        """Have the validator grade answers without a reference; None if there is no such grader or it fails."""
        if self.grader is None:
            return None
        task = Task(id=query.id, subnet=query.subnet, prompt=query.prompt)
        try:
            return await self._run.pool.grade(self.grader, task, responses)
        except PoolError:
            return None

    async def answer_of(self, query: Query, uid: int) -> Response:
        """Ask one miner, and read what it sent."""
        try:
            [response] = await self._run.pool.query(query, [uid])
        except PoolError as error:
            return Response(uid, fault=Fault.LOST, reason=str(error))
        return receive(self._run.config.subnet, response)

    def says_something(self, response: Response | None) -> bool:
        """Return whether there is an answer with a text; an empty one may be right, so it is only the last resort."""
        if response is None or response.answer is None:
            return False
        return bool(self._run.config.subnet.text_of(response.answer).strip())

    async def _scores(self, query: Query, responses: Sequence[Response]) -> dict[int, Score]:
        grades = await self.grade(query, responses)
        uids = [response.uid for response in responses]
        return {} if grades is None else dict(zip(uids, grades.scores, strict=True))


class _Race:
    """The miners that were asked for one customer, and what they answered."""

    def __init__(self, asker: Asker, query: Query, order: Sequence[int], best_of: int) -> None:
        self._asker, self._query, self._best_of = asker, query, best_of
        self._waiting = list(order)
        self._running: dict[asyncio.Task[Response], int] = {}
        self._responses: dict[int, Response | None] = {}
        """Responses by uid, in the order asked; None while a miner is at work."""

    async def run(self, late_s: float) -> None:
        """Ask until there is a good answer, or `best_of` of them, or nobody is left to ask."""
        for _ in range(self._best_of):
            self._start()
        while self._running:
            finished, _ = await asyncio.wait(self._running, timeout=late_s, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                uid = self._running.pop(task)
                self._responses[uid] = task.result()
                if not self._asker.says_something(task.result()):
                    self._start()
            spoken = sum(self._asker.says_something(response) for response in self._responses.values())
            if spoken >= self._best_of or (spoken and not finished):
                return
            if not finished:
                self._start()

    def give_up(self, timeout_s: float) -> None:
        """Mark the miners that are still at work as late."""
        for uid, response in self._responses.items():
            if response is None:
                reason = f"no answer within {timeout_s:g} s of the customer's request"
                self._responses[uid] = Response(uid, fault=Fault.TIMEOUT, reason=reason)

    async def close(self) -> None:
        """Cancel the miners that are still at work."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def good(self) -> list[Response]:
        """Return the answers that say something, in the order asked; if none does, those that say nothing."""
        responses = [each for each in self._responses.values() if each is not None and each.answer is not None]
        return [each for each in responses if self._asker.says_something(each)] or responses

    def attempts(self, scores: Mapping[int, Score]) -> tuple[Attempt, ...]:
        """Return who was asked, and what came of it."""
        return tuple(
            Attempt(uid=uid, reason="still at work")
            if response is None
            else Attempt(
                uid=uid,
                fault=response.fault,
                reason=response.reason[:300],
                latency_s=response.latency_s,
                score=scores[uid].value if uid in scores else None,
            )
            for uid, response in self._responses.items()
        )

    @property
    def cost(self) -> Cost:
        """What the miners used that have answered."""
        return sum((each.cost for each in self._responses.values() if each is not None), start=Cost())

    def _start(self) -> None:
        if self._waiting:
            uid = self._waiting.pop(0)
            self._responses[uid] = None
            self._running[asyncio.create_task(self._asker.answer_of(self._query, uid))] = uid


def grader_of(run: OpenRun) -> int | None:
    """Return the first asking validator whose scorer needs no reference and grades each round by itself."""
    for uid, validator in run.economy.validators.items():
        scorer = validator.scorer or run.config.subnet.scorer()
        if validator.asks and not scorer.needs_reference and not isinstance(scorer, WindowScorer):
            return uid
    return None


def _value(score: Score | None) -> float:
    return -1.0 if score is None or score.value is None else score.value
