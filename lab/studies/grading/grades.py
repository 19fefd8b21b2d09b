"""The answers, the truth and every grader's scores as tables, and how good each grader is by them.

Read from the records alone: the same records give the same figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lab.config.prices import price
from lab.record.entries import GradedAnswer, GradedRound
from lab.record.record import RunRecord
from lab.statistics import Estimate, ranked, ratio
from lab.statistics.agreement import cohen_kappa, krippendorff_alpha
from lab.statistics.classification import auc, brier, calibration_error
from lab.statistics.ranking import kendall_tau, pairwise_accuracy, rank_correlation, soft_pairwise_accuracy
from lab.statistics.samples import tasks_to_separate
from lab.studies.arm import Arm
from lab.studies.study_folder import Study
from miners import MINERS, Miner
from miners.adversaries import Oracle
from validators import SCORERS

from .config import GraderTable, GradingConfig, answers_truly
from .regrade import GradedAgain, miner_uids

Floats = NDArray[np.float64]
NOTHING = Estimate(None, None, None, 0)


@dataclass(frozen=True, slots=True)
class Known:
    """One miner of the study."""

    name: str
    kind: str
    honest: bool
    """It answers as well as it can, or is a yardstick."""
    yardstick: bool
    """It answers as well as it was told to, by knowing the truth: an oracle."""
    models: frozenset[str]
    """That it runs."""

    @classmethod
    def of(cls, name: str, miner: Miner) -> Self:
        """Describe a miner of a config."""
        spec = MINERS.spec(miner)
        yardstick = isinstance(miner, Oracle)
        return cls(name, spec["kind"], answers_truly(miner), yardstick, frozenset(models_in(spec)))


@dataclass(frozen=True, eq=False)
class Grader:
    """One grader and all that it scored; tables are (tasks, miners), NaN where it scored nothing."""

    table: GraderTable
    kind: str
    scores: Floats
    """Mean over the repeats."""
    repeats: Floats
    """(repeats, tasks, miners)"""
    probes: dict[str, Floats]
    """By probe: score less that of the first grading, of the answers that were changed."""
    picks: Floats
    """(tasks, 2) of the first grading: comparisons, and those in which the one shown first was picked; 0 without any.

    Each comparison is counted once for either of its answers.
    """
    cpu_s: Estimate
    """Of one grade."""
    usd: Estimate
    unscored: Estimate
    """Share of its grades."""
    tokens: Estimate
    """Read and written, for one grade."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.table.name


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a grader is, over the honest miners, its own answers left out."""

    pairwise_accuracy: Estimate
    soft_pairwise_accuracy: Estimate
    spearman: Estimate
    kendall: Estimate
    with_adversaries: Estimate
    """Pairwise accuracy with the adversaries among them."""
    auc: Estimate
    """Of right against wrong answers, adversaries' too, like what follows."""
    kappa: Estimate
    """Of "at least a half" with right."""
    brier: Estimate
    calibration: Estimate
    """Both without a value where the score claims no probability."""
    spread: Estimate
    """Standard deviation of an answer's score when it is graded again, mean over answers."""
    tasks_to_separate: Estimate
    """Two miners 5 points of true quality apart."""


@dataclass(frozen=True, eq=False)
class GradingData:
    """The whole study."""

    config: GradingConfig
    miners: tuple[Known, ...]
    places: tuple[str, ...]
    """Of the rounds, in the order of tasks."""
    quality: Floats
    """(tasks, miners) true quality, NaN where unknown."""
    texts: tuple[tuple[str, ...], ...]
    """(tasks, miners) what was answered; empty for no answer."""
    graders: tuple[Grader, ...]
    paradox: Mapping[tuple[float, float], tuple[float, ...]]
    """By accuracy of the validator and of the miner: scores in the simulated run; empty without one."""

    @classmethod
    def of(cls, config: GradingConfig, study: Study, arms: Mapping[str, Arm]) -> Self:
        """Read the records of a study."""
        with study.record(arms["answers"]) as answers, RunRecord.open(study.folder) as grades:
            rounds = sorted(map(GradedRound.of, answers.entries("round")), key=lambda one: one.number)
            uids = miner_uids(answers)
            built = zip(uids, arms["answers"].config.build_miners(), strict=True)
            miners = tuple(Known.of(name, miner) for name, miner in built)
            columns = {uid: column for column, uid in enumerate(uids.values())}
            quality = np.full((len(rounds), len(miners)), np.nan)
            texts = [[""] * len(miners) for _ in rounds]
            for row, graded in enumerate(rounds):
                for answer in graded.answers:
                    column = columns[answer.uid]
                    quality[row, column] = np.nan if answer.quality is None else answer.quality
                    texts[row][column] = _text(config, answers, answer)
            places = tuple(graded.place for graded in rounds)
            graders = _graders(config, grades, {place: row for row, place in enumerate(places)}, columns)
        paradox: dict[tuple[float, float], tuple[float, ...]] = {}
        if "paradox" in arms:
            with study.record(arms["paradox"]) as record:
                paradox = _paradox(config, record)
        return cls(config, miners, places, quality, tuple(map(tuple, texts)), graders, paradox)

    @cached_property
    def right(self) -> Floats:
        """(tasks, miners) 1 for a right answer, 0 for a wrong one, NaN for an unknown."""
        return np.where(np.isnan(self.quality), np.nan, self.quality >= self.config.grading.right_at)

    @cached_property
    def honest(self) -> list[int]:
        """Columns of the miners that are no adversaries."""
        return [column for column, miner in enumerate(self.miners) if miner.honest]

    @cached_property
    def adversaries(self) -> list[int]:
        """Columns of the adversaries."""
        return [column for column, miner in enumerate(self.miners) if not miner.honest]

    def own(self, grader: Grader) -> int | None:
        """Column of the miner that answers as the grader itself would: its reference, or a run of its model."""
        if grader.table.reference is not None:
            return [miner.name for miner in self.miners].index(grader.table.reference)
        models = models_in(SCORERS.spec(grader.table.scorer)) if grader.table.scorer is not None else set()
        shared = [column for column in self.honest if self.miners[column].models & models]
        return shared[0] if shared else None

    def judged(self, grader: Grader) -> list[int]:
        """Columns of the honest miners whose ranking tells how good a grader is: its own reference is none of them."""
        own = self.own(grader) if grader.table.reference is not None else None
        return [column for column in self.honest if column != own]

    def best(self, grader: Grader) -> int:
        """Column of the best honest miner by true quality, yardsticks and the grader's own reference left out.

        Where that leaves nobody it is the best yardstick; where nothing is known of their quality, the first of them.
        """
        means, judged = known_means(self.quality[: self.tasks_of(grader)]), self.judged(grader)
        known = ranked(judged, lambda column: None if np.isnan(means[column]) else float(means[column]))
        working = [column for column in known if not self.miners[column].yardstick]
        return (working or known or judged)[0]

    def tasks_of(self, grader: Grader) -> int:
        """How many of the tasks a grader graded."""
        return min(len(self.places), grader.table.tasks or len(self.places))

    def measure(self, grader: Grader) -> Quality:
        """Work out how good a grader is."""
        tasks, judged = self.tasks_of(grader), self.judged(grader)
        scores, truth = grader.scores[:tasks, judged], self.quality[:tasks, judged]
        others = [column for column in range(len(self.miners)) if column in judged or column in self.adversaries]
        every, right = grader.scores[:tasks, others], self.right[:tasks, others]
        claims = grader.table.probability
        return Quality(
            pairwise_accuracy=pairwise_accuracy(scores, truth),
            soft_pairwise_accuracy=soft_pairwise_accuracy(scores, truth),
            spearman=rank_correlation(scores, truth),
            kendall=kendall_tau(scores, truth),
            with_adversaries=pairwise_accuracy(every, self.quality[:tasks, others]),
            auc=auc(every, right),
            kappa=_kappa(every, right),
            brier=brier(every, right) if claims else NOTHING,
            calibration=calibration_error(every, right) if claims else NOTHING,
            spread=_spread(grader.repeats[:, :tasks]),
            tasks_to_separate=tasks_to_separate(scores, truth),
        )

    def agreement(self) -> Estimate:
        """Krippendorff's alpha of all graders' scores, over the answers of all miners; n counts tasks."""
        ratings = np.stack([grader.scores.ravel() for grader in self.graders], axis=1)
        return krippendorff_alpha(ratings, _tasks(self.quality))

    def kappa(self, first: Grader, second: Grader) -> Estimate:
        """Cohen's kappa of two graders on "at least a half"; n counts tasks."""
        return _kappa(first.scores, second.scores)


def known_means(table: Floats, axis: int = 0) -> Floats:
    """Mean along an axis of what is no NaN; NaN where there is nothing."""
    known = ~np.isnan(table)
    count = known.sum(axis=axis)
    total = np.where(known, table, 0.0).sum(axis=axis)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def models_in(spec: Any) -> set[str]:
    """Return the names of all models in a plug-in's table, however deep."""
    if isinstance(spec, dict):
        own = {spec["model"]} if isinstance(spec.get("model"), str) and spec["model"] else set()
        return own.union(*(models_in(value) for value in spec.values()))
    if isinstance(spec, list | tuple):
        return set().union(*(models_in(value) for value in spec))
    return set()


def _graders(
    config: GradingConfig, grades: RunRecord, rows: Mapping[str, int], columns: Mapping[int, int]
) -> tuple[Grader, ...]:
    """Read what each grader scored, into the `rows` of rounds by place and the `columns` of miners by uid."""
    regraded: defaultdict[str, list[GradedAgain]] = defaultdict(list)
    probed: defaultdict[str, dict[str, list[GradedAgain]]] = defaultdict(lambda: defaultdict(list))
    for entry in grades.entries("grades"):
        found = GradedAgain.of(entry)
        regraded[found.grader].append(found)
    for entry in grades.entries("probes"):
        found = GradedAgain.of(entry)
        probed[found.grader][entry.place.split("/")[1]].append(found)
    graders = []
    for table in config.graders:
        repeats = np.full((table.repeats, len(rows), len(columns)), np.nan)
        picks = np.zeros((len(rows), 2))
        own = regraded[table.name]
        for one in own:
            row = rows[one.round]
            repeats[one.repeat, row, [columns[uid] for uid in one.uids]] = _values(one)
            if one.repeat == 0:
                picks[row] = [sum(part.get(name, 0.0) for part in one.parts) for name in ("compared", "first_picked")]
        counts = [float(len(one.uids)) for one in own]
        probes = {name: _probe(found, repeats[0], rows, columns) for name, found in sorted(probed[table.name].items())}
        graders.append(
            Grader(
                table=table,
                kind=(SCORERS.spec(table.scorer or config.subnet.scorer()))["kind"],
                scores=known_means(repeats),
                repeats=repeats,
                probes=probes,
                picks=picks,
                cpu_s=ratio([one.cost.cpu_s for one in own], counts),
                usd=ratio([price(one.cost, config.prices) for one in own], counts),
                unscored=ratio([float(one.scores.count(None)) for one in own], counts),
                tokens=ratio([float(one.cost.input_tokens + one.cost.output_tokens) for one in own], counts),
            )
        )
    return tuple(graders)


def _values(graded: GradedAgain) -> list[float]:
    return [np.nan if value is None else value for value in graded.scores]


def _probe(found: list[GradedAgain], first: Floats, rows: Mapping[str, int], columns: Mapping[int, int]) -> Floats:
    effect = np.full_like(first, np.nan)
    for one in found:
        cells = rows[one.round], [columns[uid] for uid in one.uids]
        effect[cells] = np.where(one.changed, np.array(_values(one)) - first[cells], np.nan)
    return effect


def _spread(repeats: Floats) -> Estimate:
    """Mean over answers of the standard deviation (n - 1) of their scores; intervals over tasks."""
    if len(repeats) < 2:
        return NOTHING
    known: NDArray[np.bool_] = np.asarray(~np.isnan(repeats).any(axis=0))
    deviations = np.where(known, repeats.std(axis=0, ddof=1), 0.0)
    kept = known.any(axis=1)
    return ratio(deviations[kept].sum(axis=1).tolist(), known[kept].sum(axis=1).astype(float).tolist())


def _classes(table: Floats) -> list[bool | None]:
    return [None if np.isnan(value) else bool(value >= 0.5) for value in table.ravel()]


def _tasks(table: Floats) -> NDArray[np.int64]:
    """The task of each answer of a table (tasks, answers), row by row."""
    return np.repeat(np.arange(len(table)), table.shape[1])


def _kappa(first: Floats, second: Floats) -> Estimate:
    """Cohen's kappa of two tables (tasks, answers) on "at least a half", over tasks."""
    return cohen_kappa(_classes(first), _classes(second), _tasks(first))


def _text(config: GradingConfig, record: RunRecord, answer: GradedAnswer) -> str:
    if answer.fault is not None or answer.blob is None:
        return ""
    read = config.subnet.read(record.blob(answer.blob))
    sections = getattr(read, "sections", ())
    return " ".join(section.text for section in sections) if sections else read.text


def _paradox(config: GradingConfig, record: RunRecord) -> dict[tuple[float, float], tuple[float, ...]]:
    assert config.grading.paradox is not None
    accuracies = config.grading.paradox.validators
    qualities = dict(zip(miner_uids(record).values(), config.grading.paradox.miners, strict=True))
    found: defaultdict[tuple[float, float], list[float]] = defaultdict(list)
    for graded in sorted(map(GradedRound.of, record.entries("round")), key=lambda one: (one.validator, one.number)):
        for answer in graded.answers:
            if answer.score is not None:
                found[accuracies[graded.validator], qualities[answer.uid]].append(answer.score)
    return {key: tuple(values) for key, values in found.items()}
