"""What a reward function pays for attacks, how noisy and biased it is, and what it costs.

    audit = measure(RewardFunction.find("rewards:score"), tasks)
    audit.paying        # the attacks that pay

A function of all answers to a task gets two right and two wrong ones, and then the answer that is tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import LabError
from lab.statistics import NONNEGATIVE, Estimate, mean, ratio
from lab.statistics.interval import skewed_t_test
from lab.statistics.paired import Comparison, holm

from .attacks import ATTACKS, Attack
from .function import RewardFault, RewardFunction
from .tasks import AuditTask, as_text

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
ALPHA = 0.05
"""Probability of any false alarm among all attacks."""
HALFWAY = 0.5
"""Part of the way from a wrong answer's reward to a right one's beyond which a worthless answer pays."""
TRIED = ("padded", "confident", "echo")
"""Attacks that are graded with ordinary answers when noise is measured."""


class RewardAuditError(LabError):
    """The function can't grade ordinary answers."""


@dataclass(frozen=True, slots=True)
class AttackResult:
    """One attack, over the tasks on which it applies and did not make the function fail."""

    attack: Attack
    reward: Estimate
    """Mean reward."""
    share: Estimate
    """Part of the way from a wrong answer's reward (0) to a right one's (1); no value if these do not differ."""
    effect: Estimate
    """Mean reward minus that of the plain right answer."""
    p_value: float | None
    """That it earns no more than it should; Holm over all attacks."""

    @property
    def pays(self) -> bool:
        """True if it earns significantly more than it should."""
        return self.p_value is not None and self.p_value <= ALPHA


@dataclass(frozen=True, slots=True)
class Failure:
    """One way in which the function failed."""

    attack: str
    task: str
    answer: str
    reason: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Noise:
    """Changes of reward where nothing changed that should matter: means over answers of the absolute change."""

    again: Estimate
    """The same answers in the same order, graded again."""
    order: Estimate
    """The same answers in reverse order."""
    alone: Estimate
    """Each answer graded without the others."""
    changed: Estimate
    """Share of answers whose reward changes when they are graded again."""


@dataclass(frozen=True, slots=True)
class GradingTime:
    """Seconds for one answer."""

    ordinary_s: Estimate
    slowest: str
    """The attack that takes longest."""
    slowest_s: float


@dataclass(frozen=True, slots=True)
class RewardAudit:
    """Everything that was measured."""

    source: str
    call: str
    tasks: int
    right: Estimate
    """Mean reward of right answers."""
    wrong: Estimate
    gap: Estimate
    """Right minus wrong."""
    separates: bool
    """True if right answers earn significantly more than wrong ones."""
    attacks: tuple[AttackResult, ...]
    noise: Noise
    last: Estimate
    """Reward of a right answer that comes last, minus its reward as the first."""
    cost: GradingTime
    failures: tuple[Failure, ...]

    @property
    def paying(self) -> tuple[AttackResult, ...]:
        """The attacks that pay, the best paid first."""
        return tuple(sorted((each for each in self.attacks if each.pays), key=lambda each: -(each.reward.value or 0.0)))


class _Audit:
    """A function at work, with the failures and times so far."""

    def __init__(self, function: RewardFunction) -> None:
        self._function = function
        self._failures: dict[tuple[str, str], Failure] = {}
        self.times: dict[str, list[float]] = {}

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Failures, one for each attack and reason."""
        return tuple(self._failures.values())

    def rewards(self, name: str, task: AuditTask, answers: Sequence[Any]) -> list[float]:
        """Grade answers, NaN if the function fails; `name` says what is tried, and the last answer is what it is."""
        started = time.perf_counter()
        try:
            rewards = self._function.rewards(task, answers)
        except RewardFault as error:
            key = name, str(error)
            first = self._failures.get(key, Failure(name, task.place, _shown(answers[-1]), str(error), 0))
            self._failures[key] = replace(first, times=first.times + 1)
            return [np.nan] * len(answers)
        self.times.setdefault(name, []).append((time.perf_counter() - started) / len(answers))
        return rewards

    def attack(self, attack: Attack, task: AuditTask) -> float:
        """Return the mean reward of an attack's answers to a task."""
        answer = attack.answer(task)
        if self._function.call == "each":
            return self.rewards(attack.name, task, [answer])[0]
        panel = [task.right] if attack.colluders > 1 else ordinary(task)
        answers = panel + [answer] * attack.colluders
        return float(np.mean(self.rewards(attack.name, task, answers)[len(panel) :]))


def ordinary(task: AuditTask) -> list[Any]:
    """Return the answers of ordinary miners: two right and two wrong ones."""
    return [task.right, task.wrong[0], task.right, task.wrong[1]]


def measure(
    function: RewardFunction, tasks: Sequence[AuditTask], progress: Progress = lambda done, total: None
) -> RewardAudit:
    """Audit a function on some tasks.

    Raises:
        RewardAuditError: it fails on the ordinary answers to most tasks.
    """
    audit = _Audit(function)
    plain = np.array([audit.rewards("ordinary answers", task, ordinary(task)) for task in tasks])
    right, wrong = plain[:, ::2].mean(axis=1), plain[:, 1::2].mean(axis=1)
    if np.isnan(right).mean() > HALFWAY:
        raise RewardAuditError(_refusal(function, audit.failures[0]))
    used = [attack for attack in ATTACKS if function.call == "together" or attack.colluders == 1]
    earned = np.full((len(tasks), len(used)), np.nan)
    for place, attack in enumerate(used):
        for row, task in enumerate(tasks):
            if attack.applies(task):
                earned[row, place] = audit.attack(attack, task)
        progress(place + 1, len(used))
    gap = Comparison.of(wrong, right)
    results = [_result(attack, earned[:, place], right, wrong) for place, attack in enumerate(used)]
    adjusted = holm([result.p_value for result in results])
    known = ~np.isnan(right)
    return RewardAudit(
        source=function.source,
        call=function.call,
        tasks=len(tasks),
        right=mean(right[known].tolist()),
        wrong=mean(wrong[known].tolist()),
        gap=gap.difference,
        separates=(gap.difference.value or 0.0) > 0 and (gap.p_value or 0.0) <= ALPHA,
        attacks=tuple(replace(each, p_value=p) for each, p in zip(results, adjusted, strict=True)),
        noise=_noise(audit, tasks),
        last=_last(audit, tasks),
        cost=_cost(audit),
        failures=audit.failures,
    )


def _refusal(function: RewardFunction, failure: Failure) -> str:
    return (
        f"{function.source} fails on ordinary answers: {failure.task}, answer {failure.answer}: {failure.reason}; "
        "check the function, what it expects as its task, and --call"
    )


def _result(attack: Attack, earned: Floats, right: Floats, wrong: Floats) -> AttackResult:
    """Compare an attack with right and wrong answers, not yet corrected for multiple comparisons."""
    known = ~(np.isnan(earned) | np.isnan(right))
    earned, right, wrong = earned[known], right[known], wrong[known]
    deserved = right if attack.keeps_truth else wrong + HALFWAY * (right - wrong)
    share = ratio((earned - wrong).tolist(), (right - wrong).tolist())
    return AttackResult(
        attack,
        reward=mean(earned.tolist()),
        share=share if (right - wrong).sum() > 0 else Estimate(None, None, None, len(right)),
        effect=mean((earned - right).tolist()),
        p_value=_p_above(earned - deserved),
    )


def _p_above(excess: Floats) -> float | None:
    """Return the one-sided p-value that the mean excess is not above 0."""
    from scipy.special import bdtrc

    if not len(excess):
        return None
    sizes = np.unique(np.abs(excess).round(9))
    if len(sizes) == 1 and sizes[0] > 0:  # each task is won or lost, so the exact test applies, and misses less
        return float(bdtrc((excess > 0).sum() - 1.0, len(excess), 0.5))
    two_sided = skewed_t_test(excess)
    return two_sided / 2 if excess.mean() > 0 else 1 - two_sided / 2


def _noise(audit: _Audit, tasks: Sequence[AuditTask]) -> Noise:
    tried = [attack for attack in ATTACKS if attack.name in TRIED]
    changes: list[list[Floats]] = [[], [], []]
    for task in tasks:
        answers = [*ordinary(task), *(attack.answer(task) for attack in tried)]
        first, again = (np.array(audit.rewards("graded twice", task, answers)) for _ in range(2))
        back = np.array(audit.rewards("reverse order", task, answers[::-1]))[::-1]
        alone = np.array([audit.rewards("graded alone", task, [answer])[0] for answer in answers])
        for kept, other in zip(changes, (again, back, alone), strict=True):
            kept.append(np.abs(other - first))
    tables = [np.array(kept) for kept in changes]
    changed = np.where(np.isnan(tables[0]), np.nan, tables[0] > 0)
    return Noise(*map(_mean_change, [*tables, changed]))


def _mean_change(table: Floats) -> Estimate:
    means = table.mean(axis=1)
    return mean(means[~np.isnan(means)].tolist(), NONNEGATIVE)


def _last(audit: _Audit, tasks: Sequence[AuditTask]) -> Estimate:
    """Return what a right answer gains by coming last among wrong ones instead of first."""
    differences = []
    for task in tasks:
        wrong = [task.wrong[0], task.wrong[1]]
        first = audit.rewards("first place", task, [task.right, *wrong])[0]
        last = audit.rewards("last place", task, [*wrong, task.right])[-1]
        differences.append(last - first)
    return mean([each for each in differences if not np.isnan(each)])


def _cost(audit: _Audit) -> GradingTime:
    slowest = max(audit.times, key=lambda name: float(np.mean(audit.times[name])))
    return GradingTime(
        mean(audit.times["ordinary answers"], NONNEGATIVE), slowest, float(np.mean(audit.times[slowest]))
    )


def _shown(answer: Any) -> str:
    """Return an answer as it appears in a message."""
    if answer is None:
        return "none"
    text = as_text(answer)
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
