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

from lab.bill import price
from lab.entries import GradedAnswer, GradedRound
from lab.record import RunRecord
from lab.statistics import Figure, ratio
from lab.statistics.agreement import cohen_kappa, krippendorff_alpha
from lab.statistics.classification import auc, brier, calibration_error
from lab.statistics.ranking import kendall_tau, pairwise_accuracy, rank_correlation, soft_pairwise_accuracy
from lab.statistics.samples import tasks_to_separate
from miners import MINERS, Miner
from miners.insider import Oracle
from validators import SCORERS

from .arm import Arm
from .arms import Study
from .grading import GraderTable, GradingConfig
from .grading_regrade import GradedAgain, miner_uids

Floats = NDArray[np.float64]
NOTHING = Figure(None, None, None, 0)


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
        return cls(name, spec["kind"], miner.honest or yardstick, yardstick, frozenset(models_in(spec)))


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
    """(3,) over the first grading: comparisons shown in both orders, flipped, first one picked; 0 without any."""
    cpu_s: Figure
    """Of one grade."""
    usd: Figure
    unscored: float
    """Share of its grades."""
    tokens: Figure
    """Read and written, for one grade."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.table.name


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a grader is, over the honest miners, its own answers left out."""

    pairwise_accuracy: Figure
    soft_pairwise_accuracy: Figure
    spearman: Figure
    kendall: Figure
    with_adversaries: Figure
    """Pairwise accuracy with the adversaries among them."""
    auc: Figure
    """Of right against wrong answers, adversaries' too, like what follows."""
    kappa: Figure
    """Of "at least a half" with right."""
    brier: Figure
    calibration: Figure
    """Both without a value where the score claims no probability."""
    spread: Figure
    """Standard deviation of an answer's score when it is graded again, mean over answers."""
    tasks_to_separate: Figure
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
            names = list(miner_uids(answers))
            built = dict(zip(names, arms["answers"].config.build_miners(), strict=True))
            places = tuple(graded.place for graded in rounds)
            uids = miner_uids(answers)
            texts = tuple(_texts(config, answers, graded, len(names)) for graded in rounds)
            quality = np.full((len(rounds), len(names)), np.nan)
            for row, graded in enumerate(rounds):
                for answer in graded.answers:
                    quality[row, answer.uid - 1] = np.nan if answer.quality is None else answer.quality
            graders = _graders(config, grades, places, len(uids))
        paradox: dict[tuple[float, float], tuple[float, ...]] = {}
        if "paradox" in arms:
            with study.record(arms["paradox"]) as record:
                paradox = _paradox(config, record)
        miners = tuple(Known.of(name, miner) for name, miner in built.items())
        return cls(config, miners, places, quality, texts, graders, paradox)

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

        Where that leaves nobody it is the best yardstick.
        """
        means = np.nanmean(self.quality[: self.tasks_of(grader)], axis=0)
        judged = self.judged(grader)
        working = [column for column in judged if not self.miners[column].yardstick]
        return max(working or judged, key=lambda column: (means[column], -column))

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
            kappa=cohen_kappa(_classes(every), _classes(right)),
            brier=brier(every, right) if claims else NOTHING,
            calibration=calibration_error(every, right) if claims else NOTHING,
            spread=_spread(grader.repeats[:, :tasks]),
            tasks_to_separate=tasks_to_separate(scores, truth),
        )

    def exploit(self, grader: Grader, adversary: int) -> Figure:
        """What an adversary earns over what the best honest miner does, on the tasks that both were scored on."""
        both = grader.scores[: self.tasks_of(grader)][:, [adversary, self.best(grader)]]
        both = both[~np.isnan(both).any(axis=1)]
        return ratio(both[:, 0].tolist(), both[:, 1].tolist())

    def agreement(self) -> Figure:
        """Krippendorff's alpha of all graders' scores, over the answers of all miners."""
        return krippendorff_alpha(np.stack([grader.scores.ravel() for grader in self.graders], axis=1))

    def kappa(self, first: Grader, second: Grader) -> Figure:
        """Cohen's kappa of two graders on "at least a half"."""
        return cohen_kappa(_classes(first.scores), _classes(second.scores))


def value_of(figure: Figure | None) -> float:
    """Return the value of a figure, 0.0 where there is none: to sort by."""
    return 0.0 if figure is None or figure.value is None else figure.value


def models_in(spec: Any) -> set[str]:
    """Return the names of all models in a plug-in's table, however deep."""
    if isinstance(spec, dict):
        own = {spec["model"]} if isinstance(spec.get("model"), str) and spec["model"] else set()
        return own.union(*(models_in(value) for value in spec.values()))
    if isinstance(spec, list | tuple):
        return set().union(*(models_in(value) for value in spec))
    return set()


def _graders(config: GradingConfig, grades: RunRecord, places: tuple[str, ...], miners: int) -> tuple[Grader, ...]:
    rows = {place: row for row, place in enumerate(places)}
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
        repeats = np.full((table.repeats, len(places), miners), np.nan)
        for one in regraded[table.name]:
            repeats[one.repeat, rows[one.round], [uid - 1 for uid in one.uids]] = _values(one)
        own = regraded[table.name]
        counts = [float(len(one.uids)) for one in own]
        probes = {name: _probe(found, repeats[0], rows) for name, found in sorted(probed[table.name].items())}
        graders.append(
            Grader(
                table=table,
                kind=(SCORERS.spec(table.scorer or config.subnet.scorer()))["kind"],
                scores=_means(repeats),
                repeats=repeats,
                probes=probes,
                picks=_picks([one for one in own if one.repeat == 0]),
                cpu_s=ratio([one.cost.cpu_s for one in own], counts),
                usd=ratio([price(one.cost, config.prices) for one in own], counts),
                unscored=float(np.mean([value is None for one in own for value in one.scores])) if own else 0.0,
                tokens=ratio([float(one.cost.input_tokens + one.cost.output_tokens) for one in own], counts),
            )
        )
    return tuple(graders)


def _values(graded: GradedAgain) -> list[float]:
    return [np.nan if value is None else value for value in graded.scores]


def _means(repeats: Floats) -> Floats:
    """Mean over the first axis of what is no NaN."""
    known = ~np.isnan(repeats)
    count = known.sum(axis=0)
    total = np.where(known, repeats, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _probe(found: list[GradedAgain], first: Floats, rows: dict[str, int]) -> Floats:
    effect = np.full_like(first, np.nan)
    for one in found:
        columns = [uid - 1 for uid in one.uids]
        changed = np.where(one.changed, np.array(_values(one)) - first[rows[one.round], columns], np.nan)
        effect[rows[one.round], columns] = changed
    return effect


def _picks(first: list[GradedAgain]) -> Floats:
    parts = [part for one in first for part in one.parts if "first_picked" in part]
    names = ("compared", "flipped", "first_picked")
    return np.array([sum(part[name] for part in parts) for name in names], dtype=float)


def _spread(repeats: Floats) -> Figure:
    """Mean over answers of the standard deviation (n - 1) of their scores; intervals over tasks."""
    if len(repeats) < 2:
        return NOTHING
    known: NDArray[np.bool_] = np.asarray(~np.isnan(repeats).any(axis=0))
    deviations = np.where(known, repeats.std(axis=0, ddof=1), 0.0)
    kept = known.any(axis=1)
    return ratio(deviations[kept].sum(axis=1).tolist(), known[kept].sum(axis=1).astype(float).tolist())


def _classes(table: Floats) -> list[bool | None]:
    return [None if np.isnan(value) else bool(value >= 0.5) for value in table.ravel()]


def _texts(config: GradingConfig, record: RunRecord, graded: GradedRound, miners: int) -> tuple[str, ...]:
    found = [""] * miners
    for answer in graded.answers:
        found[answer.uid - 1] = _text(config, record, answer)
    return tuple(found)


def _text(config: GradingConfig, record: RunRecord, answer: GradedAnswer) -> str:
    if answer.fault is not None or answer.blob is None:
        return ""
    read = config.subnet.read(record.blob(answer.blob))
    sections = getattr(read, "sections", ())
    return " ".join(section.text for section in sections) if sections else read.text


def _paradox(config: GradingConfig, record: RunRecord) -> dict[tuple[float, float], tuple[float, ...]]:
    assert config.grading.paradox is not None
    accuracies, qualities = config.grading.paradox.validators, config.grading.paradox.miners
    found: defaultdict[tuple[float, float], list[float]] = defaultdict(list)
    for graded in sorted(map(GradedRound.of, record.entries("round")), key=lambda one: (one.validator, one.number)):
        for answer in graded.answers:
            if answer.score is not None:
                miner = qualities[answer.uid - len(accuracies)]
                found[accuracies[graded.validator], miner].append(answer.score)
    return {key: tuple(values) for key, values in found.items()}
