"""Contest: each honest miner's quality, wins, speed and cost, read from the records of the miners study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lab.config.prices import price
from lab.record.record import RunRecord
from lab.results.neurons import NOTHING, NeuronResult, NeuronResults
from lab.statistics import NONNEGATIVE, Estimate, mean, mean_score, ratio
from lab.statistics.claims import ALPHA
from lab.statistics.paired import Comparison, holm
from lab.statistics.strength import Contest, Games
from lab.studies.arm import Arm
from lab.studies.study_folder import StudyFolder
from subnets import Fault

from .answers import AnswerFacts
from .claims import ClaimResults
from .config import CONTEST, MinersConfig
from .detection import DetectionResult, detect

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MinerSummary:
    """One honest miner in the contest."""

    result: NeuronResult
    answers: tuple[AnswerFacts, ...]
    """Answers to all queries that reached it, in the order of the tasks."""
    win_rate: Estimate
    """Share of comparisons with other honest miners on the same task that it won; ties count half."""
    strength: Estimate
    """Bradley-Terry strength in logits; the mean of the honest miners is 0."""
    tasks_won: Estimate
    """Share of the tasks on which its score was the highest; tied miners share a task."""
    alone_p50_s: Estimate
    """Median latency alone on the machine; no value if it did not run alone."""
    first_token_s: Estimate
    """Mean time to the first token by its engine's clock; no value if the engine writes no tokens."""
    later_token_s: Estimate
    """Seconds for each token after the first: (latency - first token) / (tokens - 1)."""
    tokens_per_s: Estimate
    """Output tokens over latency."""
    usd_per_1000_tokens: Estimate
    """Dollars for 1,000 output tokens."""
    usd_per_win: Estimate
    """Dollars for each task won."""

    @property
    def name(self) -> str:
        """Name in the config."""
        return self.result.name


@dataclass(frozen=True, slots=True)
class MinersData:
    """Results of the study."""

    miners: tuple[MinerSummary, ...]
    """The honest miners, the strongest first, those of unknown strength last."""
    level: tuple[str, ...]
    """Miners whose scores on the same tasks do not differ significantly from those of the strongest."""
    tasks: int
    undecided: str
    """Reason why strengths rest on a prior; empty if they don't."""
    claims: ClaimResults
    detections: tuple[DetectionResult, ...]

    @classmethod
    def read(cls, config: MinersConfig, study: StudyFolder, arms: Sequence[Arm]) -> Self:
        """Read the records of a study's arms."""
        alone: dict[str, Estimate] = {}
        for arm in arms:
            if arm.name != CONTEST:
                with study.record(arm) as record:
                    (miner,) = NeuronResults.of(record).miners
                    alone[miner.name] = miner.latency_p50_s
        (contest,) = (arm for arm in arms if arm.name == CONTEST)
        with study.record(contest) as record:
            results = NeuronResults.of(record)
            answers = {miner.name: _answers(record, results, miner.uid) for miner in results.miners}
        honest = [miner for miner in results.miners if miner.name in config.honest_names]
        scores = _scores(results, [miner.uid for miner in honest])
        games = Contest.of(Games.of_scores(scores))
        won = _tasks_won(scores)
        miners = [
            _summary(
                miner,
                answers[miner.name],
                config,
                win_rate=games.win_rates[place],
                strength=games.strengths[place],
                won=won[:, place],
                alone=alone.get(miner.name, NOTHING),
            )
            for place, miner in enumerate(honest)
        ]
        miners.sort(key=lambda miner: (miner.strength.value is None, -(miner.strength.value or 0.0), miner.name))
        columns = {miner.name: scores[:, place] for place, miner in enumerate(honest)}
        tasks = len(results.rounds)
        return cls(
            miners=tuple(miners),
            level=level([miner.name for miner in miners], columns),
            tasks=tasks,
            undecided=games.reason,
            claims=ClaimResults.of(answers, {miner.name for miner in results.miners if not miner.honest}, tasks),
            detections=tuple(detect(table, answers) for table in config.detection),
        )


def _answers(record: RunRecord, results: NeuronResults, uid: int) -> tuple[AnswerFacts, ...]:
    facts = []
    answers = [
        (task, answer)
        for task, graded in enumerate(results.rounds)
        for answer in graded.answers
        if answer.uid == uid and answer.fault != Fault.LOST
    ]
    bodies = record.blobs(answer.blob for _, answer in answers if answer.fault is None and answer.blob is not None)
    for task, answer in answers:
        if answer.fault is not None or answer.blob is None:
            facts.append(AnswerFacts(task, answer, None, None))
            continue
        read = results.config.subnet.read(bodies[answer.blob])
        facts.append(AnswerFacts(task, answer, read.text, read.output_tokens))
    return tuple(facts)


def _scores(results: NeuronResults, uids: Sequence[int]) -> Floats:
    """Return the scores (tasks, miners); NaN where unscored."""
    table = np.full((len(results.rounds), len(uids)), np.nan)
    for row, graded in enumerate(results.rounds):
        for answer in graded.answers:
            if answer.uid in uids and answer.score is not None:
                table[row, uids.index(answer.uid)] = answer.score
    return table


def _tasks_won(scores: Floats) -> Floats:
    """Return the share of each task that each miner won (tasks, miners); NaN where it was not scored."""
    known = ~np.isnan(scores)
    best = np.where(known, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    ahead = known & (scores == best)
    shares = ahead / np.maximum(ahead.sum(axis=1, keepdims=True), 1)
    return np.where(known, shares, np.nan)


def level(names: Sequence[str], scores: Mapping[str, Floats]) -> tuple[str, ...]:
    """Name the miners whose scores on the same tasks do not differ significantly from those of the first.

    The first is the best of this sample, and so has luck on its side. All pairs of miners are therefore tested, with a
    5 % chance of any false difference among them (Holm).
    """
    pairs = list(combinations(names, 2))
    p_values = holm([Comparison.of(scores[first], scores[second]).p_value for first, second in pairs])
    by_pair = dict(zip(pairs, p_values, strict=True))
    against_first = {name: by_pair[names[0], name] for name in names[1:]}
    return tuple(name for name, p_value in against_first.items() if p_value is None or p_value > ALPHA)


def _summary(
    result: NeuronResult,
    answers: tuple[AnswerFacts, ...],
    config: MinersConfig,
    *,
    win_rate: Estimate,
    strength: Estimate,
    won: Floats,
    alone: Estimate,
) -> MinerSummary:
    usd = [price(answer.graded.cost, config.prices) for answer in answers]
    arrived = [answer for answer in answers if answer.arrived]
    timed = [answer for answer in arrived if answer.graded.cost.first_token_s > 0.0]
    later = [answer for answer in timed if answer.tokens > 1]
    writing = any(answer.tokens for answer in arrived)
    return MinerSummary(
        result=result,
        answers=answers,
        win_rate=win_rate,
        strength=strength,
        tasks_won=mean_score(won[~np.isnan(won)].tolist()),
        alone_p50_s=alone,
        first_token_s=mean([answer.graded.cost.first_token_s for answer in timed], NONNEGATIVE),
        later_token_s=ratio(
            [max(0.0, answer.graded.latency_s - answer.graded.cost.first_token_s) for answer in later],
            [answer.tokens - 1.0 for answer in later],
            NONNEGATIVE,
        ),
        tokens_per_s=ratio(
            [float(answer.tokens) for answer in arrived], [answer.graded.latency_s for answer in arrived], NONNEGATIVE
        )
        if writing
        else NOTHING,
        usd_per_1000_tokens=ratio(
            [1000 * cost for cost in usd], [float(answer.tokens) for answer in answers], NONNEGATIVE
        ),
        usd_per_win=ratio(*_paid_for(usd, [float(won[answer.task]) for answer in answers]), NONNEGATIVE),
    )


def _paid_for(usd: Sequence[float], won: Sequence[float]) -> tuple[list[float], list[float]]:
    """Pair the cost of answers with the share of the task that they won, without answers to unscored tasks."""
    scored = [(cost, share) for cost, share in zip(usd, won, strict=True) if not np.isnan(share)]
    return [cost for cost, _ in scored], [share for _, share in scored]
