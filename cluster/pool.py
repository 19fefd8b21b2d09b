"""The pool: where miners and validators run, and how queries reach them.

    async with LocalPool(subnet, miners, validators) as pool:
        result = await pool.play(validator=64, number=0, stakes=stakes, caller=caller)

Its promise: one `Response` for each uid asked, in the order asked, whatever happens to a miner, a host or a machine;
and the same seed gives the same scores on every pool.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from miners import Miner, Pay
from subnets import Caller, Cost, Query, Response, Score, Task
from subnets.subnet import Subnet
from validators import Assignment, Grades, Validator, WindowGrades

from .answered_round import AnsweredRound
from .errors import PoolError
from .status import PoolStatus


@dataclass(frozen=True, slots=True)
class RoundResult:
    """One round of one validator."""

    validator: int
    """The validator's uid."""
    number: int
    task: Task
    responses: tuple[Response, ...]
    scores: tuple[Score, ...]
    """Aligned with `responses`."""
    qualities: tuple[float | None, ...]
    """True quality of each answer, aligned with `responses`."""
    query_bytes: int
    """Size of the prompt, counted once."""
    task_cost: Cost = field(default_factory=Cost)
    grading_cost: Cost = field(default_factory=Cost)
    measuring_cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU that one process of the pool has used since the pool started, with its children."""

    name: str
    role: str
    """Either "driver", "host", "validator", "server" (a provider's) or "system" (the cluster's own processes)."""
    cpu_s: float


class Pool(ABC):
    """Base of all pools."""

    cores: int
    """Cores of this machine, or of all machines of a cluster that was joined."""

    def __init__(self, subnet: Subnet | None, miners: Mapping[int, Miner], validators: Mapping[int, Validator]) -> None:
        """Serve `miners` and run `validators`, both by uid. Without a subnet there are no validators.

        Raises:
            PoolError: there are validators and no subnet.
        """
        if subnet is None and validators:
            raise PoolError("validators need a subnet, whose tasks they set and grade; pass one, or no validators")
        self.subnet = subnet
        self.miners = dict(miners)
        self.validators = dict(validators)

    @abstractmethod
    async def start(self) -> None:
        """Place hosts and validators, and open the engines.

        Raises:
            PoolError: a part can't be placed or started; the message has the reason and the fix.
        """

    @abstractmethod
    async def close(self) -> None:
        """Stop everything that `start` started. It may be called twice, and after a failed start."""

    @abstractmethod
    async def prepare(self, validator: int, number: int, stakes: Mapping[int, float], caller: Caller) -> Assignment:
        """Have a validator make the task of a round and choose its miners."""

    @abstractmethod
    async def query(self, query: Query, uids: Sequence[int], *, deadline_s: float | None = None) -> list[Response]:
        """Ask each miner once; return one response for each uid, in order, within one deadline for all.

        A miner that was given the query and did not answer within `query.timeout_s` has timed out. A query that did
        not reach its miner by the deadline, or whose time other miners used up, is lost. Queries in flight on a host
        that died are retried; the miner that kills a host is at fault. Late work is cancelled.
        """

    @abstractmethod
    async def grade(self, validator: int, task: Task, responses: Sequence[Response]) -> Grades:
        """Have a validator grade the responses of a round."""

    @abstractmethod
    async def grade_window(self, validator: int, rounds: Sequence[AnsweredRound], last: int) -> WindowGrades:
        """Have a validator grade the last `last` rounds of a window, in ascending order of their numbers."""

    @abstractmethod
    async def baseline(self, miner: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run one miner alone, query by query, with no subnet around it; return what each query costs.

        None stands for a query that was not done because a host or an engine died.
        """

    @abstractmethod
    async def paid(self, pays: Mapping[int, Pay]) -> None:
        """Notify miners, by uid, of their pay for an epoch: between rounds, or before the start for earlier epochs."""

    @abstractmethod
    async def usage(self) -> list[Usage]:
        """Measure the processes of the pool, including ended ones; the sum is all the CPU that it has used."""

    @abstractmethod
    async def status(self) -> PoolStatus:
        """Return where each process runs, its state and its load; may be called while the pool starts or closes."""

    def publish(self, run: str, snapshot: str) -> None:  # noqa: B027  most pools have nowhere to publish it
        """Publish a run's latest snapshot to everyone who can see the pool's cluster."""

    async def play(self, validator: int, number: int, stakes: Mapping[int, float], caller: Caller) -> RoundResult:
        """Run one round of one validator: prepare, query, grade."""
        assignment = await self.prepare(validator, number, stakes, caller)
        responses = await self.query(assignment.query, assignment.uids)
        grades = await self.grade(validator, assignment.task, responses)
        return RoundResult(
            validator=validator,
            number=number,
            task=assignment.task,
            responses=grades.responses,
            scores=grades.scores,
            qualities=grades.qualities,
            query_bytes=assignment.query.prompt.size,
            task_cost=assignment.cost,
            grading_cost=grades.cost,
            measuring_cost=grades.measuring,
        )

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:  # also if cancelled, or the processes started so far would stay
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
