"""Validator workers: the validators that share a process. A pool runs one in threads, or several as processes."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cluster.answered_round import AnsweredRound
from cluster.cpu import tree_cpu_s
from cluster.text import safe_text
from subnets import Caller, Meter, Response, Seed, Task
from subnets.subnet import Subnet
from validators import Assignment, Grades, Round, Validator, WindowGrades, open_scorer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a validator could not do its work; a value, so that it crosses any process boundary."""

    reason: str


class ValidatorWorker:
    """Has validators, by uid, prepare and grade rounds of one subnet."""

    def __init__(self, subnet: Subnet, validators: Mapping[int, Validator]) -> None:
        self._subnet = subnet
        self._validators = dict(validators)
        self._tasks: dict[int, dict[int, Task]] = {}
        """Tasks of rounds that are graded together, by uid and number; without their images, which nobody grades by."""

    def warm(self) -> None:
        """Open each grader and have it grade one gold answer, so that no round pays for loading models.

        A failure at the gold answer happens again in a round, where it is reported.

        Raises:
            PluginError: a grader can't be opened, so that it would grade no answer.
        """
        graders = {
            validator.scorer.key if validator.scorer else "": validator for validator in self._validators.values()
        }
        for validator in graders.values():
            if validator.scorer is not None:
                open_scorer(validator.scorer)
            try:
                task = self._subnet.task(Seed(validator.seed).child("warm").integer())
                gold = Response(0, body=self._subnet.gold(task).body()) if task.reference is not None else None
                validator.grade(self._subnet, task, [gold] if gold else [])
            except Exception:
                logger.info("warming up failed", exc_info=True)

    def prepare(self, uid: int, number: int, stakes: Mapping[int, float], caller: Caller) -> Assignment | Failure:
        """Have a validator make the task of a round and choose its miners."""
        try:
            assignment = self._validators[uid].prepare(self._subnet, number, stakes, caller)
        except Exception as error:  # a subnet's own code
            return _failure(f"validator {uid} could not prepare round {number}", error)
        if self._validators[uid].window:
            self._tasks.setdefault(uid, {})[number] = assignment.task.without_image()
        return assignment

    def grade(self, uid: int, task: Task, responses: Sequence[Response]) -> Grades | Failure:
        """Have a validator grade the responses of a round."""
        try:
            return self._validators[uid].grade(self._subnet, task, responses)
        except Exception as error:  # the subnet's `quality`
            return _failure(f"validator {uid} could not grade task {task.id}", error)

    def grade_window(self, uid: int, rounds: Sequence[AnsweredRound], last: int) -> WindowGrades | Failure:
        """Have a validator grade the last rounds of a window."""
        try:
            validator = self._validators[uid]
            with Meter() as meter:
                tasks = self._window_tasks(uid, [each.number for each in rounds])
            whole = [Round(each.number, tasks[each.number], each.responses) for each in rounds]
            grades = validator.grade_window(self._subnet, whole, last)
            return replace(grades, cost=grades.cost + meter.cost)
        except Exception as error:  # a subnet's own code
            return _failure(f"validator {uid} could not grade the window up to round {rounds[-1].number}", error)

    def _window_tasks(self, uid: int, numbers: Sequence[int]) -> Mapping[int, Task]:
        """Return the tasks of a window by number, making those again that this process did not prepare."""
        known = self._tasks.setdefault(uid, {})
        for number in [number for number in known if number < min(numbers)]:
            del known[number]
        for number in numbers:
            if number not in known:
                known[number] = self._validators[uid].task(self._subnet, number).without_image()
        return known

    def cpu_s(self) -> float:
        """Return the CPU seconds of this process and all its descendants."""
        return tree_cpu_s(os.getpid())


def _failure(what: str, error: Exception) -> Failure:
    logger.exception("%s", what)
    place = traceback.extract_tb(error.__traceback__)[-1]
    file = os.path.basename(place.filename)
    return Failure(f"{what}: {type(error).__name__}: {safe_text(error)} ({file}:{place.lineno})")
