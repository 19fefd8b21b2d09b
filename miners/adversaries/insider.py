"""Insiders: instruments of the laboratory that know the truth behind a query.

A task is a function of its subnet and a seed. An insider gets both secrets, the subnet's options and the validators'
seeds, as if they had leaked; it finds the query's number by its id and recreates the task, once for all insiders of a
process. Queries contain nothing extra, and no miner without the seeds can do the same.

    { kind = "oracle", p = 0.8 }     # the run fills in `subnet` and `task_seeds`
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, ClassVar

from pydantic import Field, PrivateAttr

from miners.miner import Miner
from subnets import SUBNETS, Answer, Query, Seed, Subnet, Task

from .negation import negate

AHEAD = 256
"""Number of rounds to search at a time."""
FURTHEST = 1_000_000
"""Last round to search for a query before giving up."""
KEPT_TASKS = 256
"""Number of tasks that a process keeps for its insiders: those of the rounds in flight."""
KEPT_LEAKS = 4
"""Number of runs whose leaks a process keeps, as when a study plays several one after another."""
CANDIDATES = 8
"""Number of other tasks whose answers are considered as a wrong answer."""
WRONG = 0.5
"""Highest quality of a wrong answer, if quality is known."""


class Leak:
    """The leaked secrets of a run. All insiders of a process share one, so that each task is made once."""

    def __init__(self, subnet: Subnet, task_seeds: tuple[int, ...]) -> None:
        self._subnet = subnet
        self._task_seeds = task_seeds
        self._located: dict[str, tuple[int, int]] = {}
        """Seed of the validator and number of the round, by the query's id."""
        self._searched = 0
        self._task = lru_cache(KEPT_TASKS)(self._recreated)

    def task(self, query_id: str) -> Task:
        """Return the task behind a query, without its image, which no answer is compared by.

        Raises:
            LookupError: the task comes from none of the validators whose seeds are known.
        """
        while query_id not in self._located:
            if self._searched >= FURTHEST:
                raise LookupError(f"query {query_id} comes from none of the validators whose seeds are known")
            for number in range(self._searched, self._searched + AHEAD):
                for seed in self._task_seeds:
                    self._located[task_id(seed, number)] = (seed, number)
            self._searched += AHEAD
        return self._task(*self._located[query_id])

    def _recreated(self, seed: int, number: int) -> Task:
        return self._subnet.task(Seed(seed).child("task", number).integer()).without_image()


_leaks: dict[tuple[str, tuple[int, ...]], Leak] = {}
"""Leaks by the key of the subnet and the validators' seeds."""


def leak_of(subnet: Subnet, task_seeds: tuple[int, ...]) -> Leak:
    """Return the leak that insiders with these secrets share."""
    key = (subnet.key, task_seeds)
    if key not in _leaks:
        if len(_leaks) == KEPT_LEAKS:
            del _leaks[next(iter(_leaks))]
        _leaks[key] = Leak(subnet, task_seeds)
    return _leaks[key]


class Insider(Miner):
    """Base of the miners that know the task behind a query."""

    honest: ClassVar[bool] = False

    subnet: Annotated[Subnet | None, *SUBNETS.optional_field()] = None
    """The run's subnet; the run fills it in."""
    task_seeds: tuple[int, ...] = Field((), repr=False)
    """The validators' seeds; the run fills them in."""

    _leak: Leak | None = PrivateAttr(None)

    def informed(self, subnet: Subnet, task_seeds: tuple[int, ...]) -> Miner:
        """Return a copy that knows the run's secrets."""
        copy = self.model_copy(update={"subnet": subnet, "task_seeds": task_seeds})
        copy._leak = None
        return copy

    def task(self, query: Query) -> Task:
        """Recreate the query's task.

        Raises:
            LookupError: the task comes from none of the validators whose seeds are known.
        """
        if self.subnet is None or not self.task_seeds:
            raise LookupError(f"{type(self).__name__} lacks the run's subnet and task_seeds")
        if self._leak is None:
            self._leak = leak_of(self.subnet, self.task_seeds)
        return self._leak.task(query.id)

    def gold(self, task: Task) -> Answer:
        """Return the answer that earns 1.0."""
        assert self.subnet is not None
        return self.subnet.gold(task)

    def wrong(self, task: Task, seed: Seed) -> Answer:
        """Return the right answer to another task of the same kind, which is wrong here."""
        assert self.subnet is not None
        candidates: list[tuple[float, Answer]] = []
        for number in range(10 * CANDIDATES):
            other_seed = seed.child("other", number).integer()
            if self.subnet.kind(other_seed) not in (None, task.kind):
                continue
            other = self.subnet.task(other_seed)
            if other.kind != task.kind:
                continue
            answer = self.subnet.gold(other)
            quality = self.subnet.quality(task, answer)
            if quality is None or quality <= WRONG:
                return answer
            candidates.append((quality, answer))
            if len(candidates) == CANDIDATES:
                break
        return min(candidates, key=lambda pair: pair[0])[1] if candidates else Answer(text="I do not know.")


class Oracle(Insider):
    """Answers with the truth with probability `p`: a miner of known quality."""

    description = "a miner of known quality: tells the truth with probability p"

    p: float = Field(1.0, ge=0.0, le=1.0)
    """Probability of a right answer; the others are right answers to other tasks."""

    async def forward(self, query: Query) -> Answer:
        """Answer with the truth, or with something plausible."""
        task, seed = self.task(query), Seed(self.seed).child("oracle", query.id)
        # The draw is below 1, so an oracle that is always right needs none.
        return self.gold(task) if self.p == 1.0 or seed.rng().random() < self.p else self.wrong(task, seed)


class NegatedTruth(Insider):
    """Says the opposite of the truth in the same words, which similarity can't distinguish from it."""

    description = "the truth's own words, turned into their opposite"

    async def forward(self, query: Query) -> Answer:
        """Negate the truth."""
        return Answer(text=negate(self.gold(self.task(query)).text))


def task_id(seed: int, number: int) -> str:
    """Compute the id that a validator gives the task of a round."""
    return f"{Seed(seed).child('task', number).child('id').integer():016x}"
