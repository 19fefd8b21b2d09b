"""Replay: what designs would have paid, on tables of recorded scores.

    worlds = ReplayWorlds.draw(tables, count=64, rounds=32, seed=0)
    replay(tables, designs, worlds).misplaced           # (designs, worlds)

A world is a draw of the tasks that each validator sets and of the miners that it asks; all designs see the same worlds.
One more validator, with a tenth of the others' stake, copies the last consensus that it can see. Miners don't react,
and qualities don't change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lab.studies.payout import SMALLEST, SimulatedSubnets, stored_weights
from validators.weights import Proportional, Softmax, TopK, WeightRule

from .space import Design

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Progress = Callable[[int], None]
MOST_VALIDATORS = 8
COPIER_SHARE = 0.1
"""Stake of the copier, over that of all honest validators."""
STAKE_RAO = 10**12
OUTSIDE = np.uint16(65_535)
"""Order of a miner that has not registered."""
CASES = 4_096
"""Cases that are replayed together; more take memory, and are no faster."""


@dataclass(frozen=True, eq=False)
class ScoreTables:
    """What was recorded: tasks in rows, miners in columns, NaN where there is no score."""

    scores: Floats
    """(tables, tasks, miners)"""
    quality: Floats
    """(tasks, miners): true quality."""
    answer_usd: Floats
    """(tasks, miners): cost of an answer."""
    task_usd: Floats
    """(tasks,): cost of making a task."""
    grade_usd: Floats
    """(tables,): cost of one grade."""
    gold_usd: float
    """Price of knowing the truth of a task."""
    honest: NDArray[np.bool_]
    """(miners,)"""
    rank: Integers
    """(miners,): place of each honest miner by quality over the whole record, from 0; -1 for adversaries."""

    def registered(self, count: int) -> NDArray[np.bool_]:
        """Return who registers, (miners,): all adversaries, and so many honest miners of evenly spread quality."""
        honest = int(self.honest.sum())
        chosen = np.rint(np.linspace(0, honest - 1, min(count, honest))).astype(int)
        return np.asarray(~self.honest | np.isin(self.rank, chosen))

    def __len__(self) -> int:
        return len(self.quality)

    def at(self, tasks: Integers | slice) -> Self:
        """Return the tables of some tasks."""
        return type(self)(
            self.scores[:, tasks],
            self.quality[tasks],
            self.answer_usd[tasks],
            self.task_usd[tasks],
            self.grade_usd,
            self.gold_usd,
            self.honest,
            self.rank,
        )


@dataclass(frozen=True, eq=False)
class ReplayWorlds:
    """Draws that all designs share."""

    tasks: Integers
    """(worlds, rounds, validators): the task of each round."""
    spare: NDArray[np.float32]
    """(worlds, rounds, validators): uniform draws, for tasks in the stead of others."""
    order: NDArray[np.uint16]
    """(worlds, rounds, validators, miners): those with the lowest numbers are asked."""
    counts: Floats
    """(worlds, tasks): how often each task is in the sample that the world draws from."""

    @classmethod
    def draw(cls, tables: ScoreTables, *, count: int, rounds: int, seed: int, samples: Integers | None = None) -> Self:
        """Draw worlds; `samples` (worlds, tasks) resamples the tasks first, by default not at all."""
        rng = np.random.default_rng(seed)
        tasks, miners = len(tables), len(tables.honest)
        shape = (count, rounds, MOST_VALIDATORS)
        if samples is None:
            samples = np.broadcast_to(np.arange(tasks), (count, tasks))
        drawn = np.take_along_axis(samples, rng.integers(0, tasks, (count, rounds * MOST_VALIDATORS)), axis=1)
        counts = np.zeros((count, tasks))
        np.add.at(counts, (np.arange(count)[:, None], samples), 1.0)
        return cls(
            tasks=drawn.reshape(shape),
            spare=rng.random(shape, dtype=np.float32) * np.float32(1 - 1e-6),
            order=_shuffled(rng, (*shape, miners)),
            counts=counts,
        )

    def __len__(self) -> int:
        return len(self.tasks)

    def without(self, tasks: NDArray[np.bool_]) -> Self:
        """Return the same worlds in which some tasks (tasks,) do not exist; others are drawn in their stead."""
        kept = np.flatnonzero(~tasks)
        stead = kept[(self.spare * len(kept)).astype(int)]
        return replace(self, tasks=np.where(tasks[self.tasks], stead, self.tasks), counts=self.counts * ~tasks)


@dataclass(frozen=True, eq=False)
class Replayed:
    """What designs pay; NaN where a miner is not registered."""

    pay: Floats
    """(designs, worlds, miners): shares of all pay."""
    fair: Floats
    """The same if weights were set by the true mean qualities."""
    copier: Floats
    """(designs, worlds): the copier's dividends for its stake, over those of honest validators."""
    usd: Floats
    """(designs, worlds): dollars for an answer that a customer wants."""

    @property
    def misplaced(self) -> Floats:
        """(designs, worlds): share of the pay that others would get by the truth."""
        return np.asarray(np.nansum(np.abs(self.pay - self.fair), axis=-1) / 2)


def replay(
    tables: ScoreTables, designs: Sequence[Design], worlds: ReplayWorlds, progress: Progress = lambda cases: None
) -> Replayed:
    """Replay all designs in all worlds; `progress` receives the cases done."""
    shape = len(designs), len(worlds)
    miners = tables.quality.shape[1]
    pay, fair = np.full((*shape, miners), np.nan), np.full((*shape, miners), np.nan)
    copier, usd = np.zeros(shape), np.zeros(shape)
    sizes = [(design.rounds_per_epoch, design.validators) for design in designs]
    for tempo, validators in sorted(set(sizes)):
        own = [place for place, size in enumerate(sizes) if size == (tempo, validators)]
        cases = [(place, world) for place in own for world in range(len(worlds))]
        for start in range(0, len(cases), CASES):
            chosen = np.array(cases[start : start + CASES])
            batch = _Batch(tables, [designs[place] for place in chosen[:, 0]], worlds, chosen[:, 1])
            at = chosen[:, 0], chosen[:, 1]
            pay[at], copier[at] = batch.play(tempo)
            fair[at], usd[at] = batch.fair(), batch.usd()
            progress(len(chosen))
    return Replayed(pay, fair, copier, usd)


class _Batch:
    """Cases of one tempo and V, each a design in a world: ledgers, weights and consensus side by side."""

    def __init__(self, tables: ScoreTables, designs: Sequence[Design], worlds: ReplayWorlds, place: Integers) -> None:
        self._tables, self._designs, self._worlds, self._place = tables, designs, worlds, place
        self._alpha = np.array([design.alpha for design in designs])[:, None, None]
        self._table = np.array([design.grader.table for design in designs])[:, None]
        self._validators = designs[0].validators
        members = {count: tables.registered(count) for count in {design.miners for design in designs}}
        self._member = np.array([members[design.miners] for design in designs])
        self._registered = self._member.sum(axis=1)
        self._asked = np.maximum(1, np.rint([design.share for design in designs] * self._registered).astype(int))
        self._rules = [(rule, np.array([design.weight_rule == rule for design in designs])) for rule in _rules(designs)]
        self._mean_quality = _weighted(tables.quality, worlds.counts)[place]

    def play(self, tempo: int) -> tuple[Floats, Floats]:
        """Return the miners' shares of pay (cases, miners) and the copier's gains (cases,)."""
        cases, miners = self._member.shape
        copier = self._validators
        rounds = self._worlds.tasks.shape[1]
        averages, left = np.zeros((cases, copier, miners)), np.ones((cases, copier, miners))
        stake = np.zeros((cases, copier + 1 + miners), np.int64)
        stake[:, :copier] = STAKE_RAO
        stake[:, copier] = copier * int(COPIER_SHARE * STAKE_RAO)
        subnets = SimulatedSubnets(stake, [design.params(copier + 1) for design in self._designs])
        hidden = np.array([design.commit_reveal for design in self._designs])
        paid, dividends = np.zeros((cases, miners)), np.zeros((cases, copier + 1))
        consensus: list[Integers] = []
        epochs = rounds // tempo
        for epoch in range(epochs):
            for number in range(epoch * tempo, (epoch + 1) * tempo):
                self._observe(number, averages, left)
            scores = np.minimum(1.0, averages / np.maximum(1.0 - left, SMALLEST))
            weights = np.zeros((cases, copier + 1, miners))
            weights[:, :copier] = self._weigh(scores)
            weights[:, copier] = weights[:, 0]  # it grades the first epoch itself
            if consensus:
                weights[:, copier] = np.where(hidden[:, None], consensus[max(0, epoch - 2)], consensus[-1])
            rows = np.zeros((cases, copier + 1, stake.shape[1]), np.int64)
            rows[:, :, copier + 1 :] = stored_weights(weights)
            result = subnets.pay(rows)
            paid += result.incentive[:, copier + 1 :]
            consensus.append(subnets.consensus[:, copier + 1 :])
            if 2 * epoch >= epochs - 1:
                dividends += result.dividends[:, : copier + 1]
        gains = _over(dividends[:, copier] / COPIER_SHARE, dividends[:, :copier].sum(axis=1))
        return np.where(self._member, _over(paid, paid.sum(axis=1, keepdims=True)), np.nan), gains

    def _observe(self, number: int, averages: Floats, left: Floats) -> None:
        """Let all ledgers take in a round, as `ScoreLedger` does; `left` is the part that no score has filled."""
        tasks = self._worlds.tasks[self._place, number, : self._validators]
        scores = self._tables.scores[self._table, tasks]
        order = np.where(self._member[:, None, :], self._worlds.order[self._place, number, : self._validators], OUTSIDE)
        last = np.take_along_axis(np.sort(order, axis=-1), self._asked[:, None, None] - 1, axis=-1)
        graded = (order <= last) & ~np.isnan(scores)
        kept = np.where(graded, 1.0 - self._alpha, 1.0)
        averages *= kept
        averages += np.where(graded, self._alpha * np.nan_to_num(scores), 0.0)
        left *= kept

    def fair(self) -> Floats:
        """Return the shares (cases, miners) by the true mean qualities under each design's weight rule."""
        quality = np.where(self._member, np.nan_to_num(self._mean_quality), 0.0)
        weights = self._weigh(quality[:, None, :])[:, 0]
        return np.where(self._member, weights, np.nan)

    def _weigh(self, scores: Floats) -> Floats:
        """Return the weights (cases, validators, miners) by each case's rule."""
        if len(self._rules) == 1:
            return weigh(self._rules[0][0], scores)
        weights = np.empty_like(scores)
        for rule, own in self._rules:
            weights[own] = weigh(rule, scores[own])
        return weights

    def usd(self) -> Floats:
        """Return the dollars (cases,) for an answer that a customer wants, while the other validators only check."""
        tables, counts = self._tables, self._worlds.counts
        answer = np.where(self._member, _weighted(tables.answer_usd, counts)[self._place], 0.0).sum(axis=1)
        designs = self._designs
        gold = np.array([design.grader.gold for design in designs]) * tables.gold_usd
        grading = self._asked * tables.grade_usd[[design.grader.table for design in designs]]
        task = _weighted(tables.task_usd[:, None], counts)[self._place, 0]
        return np.asarray(self._validators * (task + gold + grading + answer * self._asked / self._registered))


def _shuffled(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return random permutations along the last axis."""
    return rng.permuted(np.broadcast_to(np.arange(shape[-1], dtype=np.uint16), shape), axis=-1)


def weigh(rule: WeightRule, scores: Floats) -> Floats:
    """Return the weights (..., miners) that a rule gives to scores: what `rule.weigh` does, on arrays."""
    if isinstance(rule, Softmax):
        best = scores.max(axis=-1, keepdims=True)
        values = np.where(scores > 0, np.exp((scores - best) / rule.temperature), 0.0)
    elif isinstance(rule, TopK):
        least = np.sort(scores, axis=-1)[..., -min(rule.k, scores.shape[-1]), None]
        values = np.where(scores >= least, scores, 0.0)
    elif isinstance(rule, Proportional):
        values = scores
    else:
        raise TypeError(f"{type(rule).__name__} can't be replayed")
    return _over(values, values.sum(axis=-1, keepdims=True))


def _rules(designs: Sequence[Design]) -> list[WeightRule]:
    rules: list[WeightRule] = []
    for design in designs:
        if design.weight_rule not in rules:
            rules.append(design.weight_rule)
    return rules


def _weighted(table: Floats, counts: Floats) -> Floats:
    """Return the means (worlds, columns) of a table (tasks, columns) by how often each task is counted."""
    known = ~np.isnan(table)
    return _over(counts @ np.where(known, table, 0.0), counts @ known.astype(float))


def _over(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0))
