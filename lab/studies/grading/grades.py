"""Grades: the answers, their true quality and every grader's scores as tables, read from the records alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lab.config.prices import price
from lab.record.entries import GradedAnswer, GradedRound
from lab.record.record import RunRecord
from lab.statistics import NONNEGATIVE, Estimate, ranked, ratio, share
from lab.studies.arm import Arm
from lab.studies.study_folder import StudyFolder
from miners import MINERS, Miner
from miners.adversaries import Oracle
from subnets import Answer, Items, Subnet
from validators import SCORERS

from .config import ANSWERS, OTHER, PARADOX, GraderTable, GradingConfig, answers_truly
from .regrade import GradedAgain, RecordedRound, miner_uids, recorded_rounds
from .tasks import AnsweredTasks

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GradedMiner:
    """One miner of the study."""

    name: str
    kind: str
    honest: bool
    """True if it answers as well as it can, or is a yardstick."""
    yardstick: bool
    """True for an oracle, which knows the truth and answers with a set accuracy."""
    models: frozenset[str]
    """Models that it runs."""
    accuracy: float | None = None
    """Accuracy that an oracle is set to; None for any other miner."""

    @classmethod
    def of(cls, name: str, miner: Miner) -> Self:
        """Describe a miner of a config."""
        spec = MINERS.spec(miner)
        accuracy = miner.p if isinstance(miner, Oracle) else None
        models = frozenset(models_in(spec))
        return cls(name, spec["kind"], answers_truly(miner), accuracy is not None, models, accuracy)


@dataclass(frozen=True, eq=False)
class Grader:
    """One grader and its scores; tables are (tasks, miners), NaN where it gave no score."""

    table: GraderTable
    kind: str
    scores: Floats
    """Mean over the repeats."""
    repeats: Floats
    """(repeats, tasks, miners)"""
    probes: dict[str, Floats]
    """Effects by probe: the score of each changed answer minus its score in the first grading."""
    picks: Floats
    """(tasks, 2) of the first grading: comparisons of two answers, and those in which the first answer was picked.

    Each comparison counts once for each of its two answers; 0 for a grader that compares none.
    """
    cpu_s: Estimate
    """CPU seconds of one grade."""
    usd: Estimate
    """Dollars of one grade."""
    unscored: Estimate
    """Share of grades without a score."""
    tokens: Estimate
    """Tokens read and written for one grade."""

    @property
    def name(self) -> str:
        """Name of the grader."""
        return self.table.name


@dataclass(frozen=True, eq=False)
class GradingData:
    """Tables of the study."""

    config: GradingConfig
    miners: tuple[GradedMiner, ...]
    keys: tuple[str, ...]
    """Keys of the rounds, in the order of tasks."""
    quality: Floats
    """(tasks, miners): true quality, NaN where unknown."""
    texts: tuple[tuple[str, ...], ...]
    """(tasks, miners): the answers' texts; empty for no answer."""
    graders: tuple[Grader, ...]
    paradox: Mapping[tuple[float, float], tuple[float, ...]]
    """Scores in the run of simulated validators, by accuracy of validator and miner; empty without that run."""
    items: tuple[Items | None, ...] = ()
    """What the answers to each task say, part by part, with one column for each miner."""
    difficulties: tuple[float | None, ...] = ()
    """Difficulty of each task; None where the subnet sets none."""
    other: AnsweredTasks | None = None
    """Tasks of the other subnet; None without one."""

    @classmethod
    def read(cls, config: GradingConfig, study: StudyFolder, arms: Sequence[Arm]) -> Self:
        """Read the records of a study."""
        by_name = {arm.name: arm for arm in arms}
        with study.record(by_name[ANSWERS]) as answers, RunRecord.open(study.folder) as grades:
            rounds = sorted(map(GradedRound.of, answers.entries("round")), key=lambda each: each.number)
            uids = miner_uids(answers)
            built = zip(uids, by_name[ANSWERS].config.build_miners(), strict=True)
            miners = tuple(GradedMiner.of(name, miner) for name, miner in built)
            columns = {uid: column for column, uid in enumerate(uids.values())}
            quality = _qualities(rounds, columns)
            texts = [[""] * len(miners) for _ in rounds]
            for row, graded in enumerate(rounds):
                for answer in graded.answers:
                    texts[row][columns[answer.uid]] = _text(config, answers, answer)
            keys = tuple(graded.key for graded in rounds)
            items = tuple(_items(config.subnet, each, columns) for each in recorded_rounds(answers, config))
            difficulties = tuple(graded.difficulty for graded in rounds)
            graders = _graders(config, grades, {key: row for row, key in enumerate(keys)}, columns)
        paradox: dict[tuple[float, float], tuple[float, ...]] = {}
        if PARADOX in by_name:
            with study.record(by_name[PARADOX]) as record:
                paradox = _paradox(config, record)
        other: AnsweredTasks | None = None
        if OTHER in by_name:
            with study.record(by_name[OTHER]) as record:
                other = _other(config, record, columns)
        said = tuple(map(tuple, texts))
        return cls(config, miners, keys, quality, said, graders, paradox, items, difficulties, other)

    @cached_property
    def right(self) -> Floats:
        """(tasks, miners): 1 for a right answer, 0 for a wrong one, NaN for an unknown one."""
        return np.where(np.isnan(self.quality), np.nan, self.quality >= self.config.grading.right_at)

    @cached_property
    def honest(self) -> list[int]:
        """Columns of the miners that are not adversaries."""
        return [column for column, miner in enumerate(self.miners) if miner.honest]

    @cached_property
    def adversaries(self) -> list[int]:
        """Columns of the adversaries."""
        return [column for column, miner in enumerate(self.miners) if not miner.honest]

    @cached_property
    def answered(self) -> AnsweredTasks:
        """The tasks by difficulty, with the errors of each answer."""
        return AnsweredTasks.of(self.difficulties, self.quality, self.items)

    def own(self, grader: Grader) -> int | None:
        """Return the column of the miner that answers as the grader would: its reference, or a miner with its model."""
        if grader.table.reference is not None:
            return [miner.name for miner in self.miners].index(grader.table.reference)
        models = models_in(SCORERS.spec(grader.table.scorer)) if grader.table.scorer is not None else set()
        shared = [column for column in self.honest if self.miners[column].models & models]
        return shared[0] if shared else None

    def judged(self, grader: Grader) -> list[int]:
        """Return the columns of the honest miners that a grader is judged by; its own reference is not among them."""
        own = self.own(grader) if grader.table.reference is not None else None
        return [column for column in self.honest if column != own]

    def best(self, grader: Grader) -> int:
        """Return the column of the best honest miner by true quality, without yardsticks and the grader's reference.

        If no such miner is left, it is the best yardstick; if no quality is known, the first of them.
        """
        means, judged = known_means(self.quality[: self.tasks_of(grader)]), self.judged(grader)
        known = ranked(judged, lambda column: None if np.isnan(means[column]) else float(means[column]))
        working = [column for column in known if not self.miners[column].yardstick]
        return (working or known or judged)[0]

    def tasks_of(self, grader: Grader) -> int:
        """Return the number of tasks that a grader graded."""
        return min(len(self.keys), grader.table.tasks or len(self.keys))


def known_means(table: Floats, axis: int = 0) -> Floats:
    """Return the means along an axis without NaNs; NaN where there is nothing else."""
    known = ~np.isnan(table)
    count = known.sum(axis=axis)
    total = np.where(known, table, 0.0).sum(axis=axis)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def models_in(spec: Any) -> set[str]:
    """Return the names of all models in a plug-in's table, at any depth."""
    if isinstance(spec, dict):
        own = {spec["model"]} if isinstance(spec.get("model"), str) and spec["model"] else set()
        return own.union(*(models_in(value) for value in spec.values()))
    if isinstance(spec, list | tuple):
        return set().union(*(models_in(value) for value in spec))
    return set()


def _graders(
    config: GradingConfig, grades: RunRecord, rows: Mapping[str, int], columns: Mapping[int, int]
) -> tuple[Grader, ...]:
    """Read each grader's scores into tables, with `rows` by round and `columns` by uid."""
    regraded: defaultdict[str, list[GradedAgain]] = defaultdict(list)
    probed: defaultdict[str, dict[str, list[GradedAgain]]] = defaultdict(lambda: defaultdict(list))
    for entry in grades.entries("grades"):
        grades_again = GradedAgain.of(entry)
        regraded[grades_again.grader].append(grades_again)
    for entry in grades.entries("probes"):
        grades_again = GradedAgain.of(entry)
        probed[grades_again.grader][entry.key.split("/")[1]].append(grades_again)
    graders = []
    for table in config.graders:
        repeats = np.full((table.repeats, len(rows), len(columns)), np.nan)
        picks = np.zeros((len(rows), 2))
        own = regraded[table.name]
        for grades_again in own:
            row = rows[grades_again.round]
            repeats[grades_again.repeat, row, [columns[uid] for uid in grades_again.uids]] = _values(grades_again)
            if grades_again.repeat == 0:
                names = ("compared", "first_picked")
                picks[row] = [sum(part.get(name, 0.0) for part in grades_again.parts) for name in names]
        counts = [float(len(each.uids)) for each in own]
        probes = {name: _effects(each, repeats[0], rows, columns) for name, each in sorted(probed[table.name].items())}
        graders.append(
            Grader(
                table=table,
                kind=(SCORERS.spec(table.scorer or config.subnet.scorer()))["kind"],
                scores=known_means(repeats),
                repeats=repeats,
                probes=probes,
                picks=picks,
                cpu_s=ratio([each.cost.cpu_s for each in own], counts, NONNEGATIVE),
                usd=ratio([price(each.cost, config.prices) for each in own], counts, NONNEGATIVE),
                unscored=share([float(each.scores.count(None)) for each in own], counts),
                tokens=ratio(
                    [float(each.cost.input_tokens + each.cost.output_tokens) for each in own], counts, NONNEGATIVE
                ),
            )
        )
    return tuple(graders)


def _values(graded: GradedAgain) -> list[float]:
    return [np.nan if value is None else value for value in graded.scores]


def _effects(
    probed: Sequence[GradedAgain], first: Floats, rows: Mapping[str, int], columns: Mapping[int, int]
) -> Floats:
    effects = np.full_like(first, np.nan)
    for graded in probed:
        cells = rows[graded.round], [columns[uid] for uid in graded.uids]
        effects[cells] = np.where(graded.changed, np.array(_values(graded)) - first[cells], np.nan)
    return effects


def _text(config: GradingConfig, record: RunRecord, answer: GradedAnswer) -> str:
    if answer.fault is not None or answer.blob is None:
        return ""
    return config.subnet.text_of(config.subnet.read(record.blob(answer.blob)))


def _qualities(rounds: Sequence[GradedRound], columns: Mapping[int, int]) -> Floats:
    """Return the true quality of each answer, (rounds, miners), NaN where it is not known."""
    quality = np.full((len(rounds), len(columns)), np.nan)
    for row, graded in enumerate(rounds):
        for answer in graded.answers:
            quality[row, columns[answer.uid]] = np.nan if answer.quality is None else answer.quality
    return quality


def _other(config: GradingConfig, record: RunRecord, columns: Mapping[int, int]) -> AnsweredTasks:
    """Read the answers to the other subnet's tasks; its run has the same miners."""
    subnet = config.grading.other_subnet
    assert subnet is not None
    recorded = recorded_rounds(record, config, subnet)
    rounds = [each.graded for each in recorded]
    items = [_items(subnet, each, columns) for each in recorded]
    return AnsweredTasks.of([graded.difficulty for graded in rounds], _qualities(rounds, columns), items)


def _items(subnet: Subnet, recorded: RecordedRound, columns: Mapping[int, int]) -> Items | None:
    """Compare the answers to one task, a miner that was not asked like one that said nothing."""
    answers: list[Answer | None] = [None] * len(columns)
    for response in recorded.responses:
        answers[columns[response.uid]] = response.answer
    return subnet.items(recorded.task, answers)


def _paradox(config: GradingConfig, record: RunRecord) -> dict[tuple[float, float], tuple[float, ...]]:
    assert config.grading.paradox is not None
    accuracies = config.grading.paradox.validators
    qualities = dict(zip(miner_uids(record).values(), config.grading.paradox.miners, strict=True))
    scores: defaultdict[tuple[float, float], list[float]] = defaultdict(list)
    rounds = map(GradedRound.of, record.entries("round"))
    for graded in sorted(rounds, key=lambda each: (each.validator, each.number)):
        for answer in graded.answers:
            if answer.score is not None:
                scores[accuracies[graded.validator], qualities[answer.uid]].append(answer.score)
    return {key: tuple(values) for key, values in scores.items()}
