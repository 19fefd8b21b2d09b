"""What the records of the miners study hold: each honest miner's quality, wins, speed and cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lab.config.prices import price
from lab.record.record import RunRecord
from lab.results.neurons import NOTHING, NeuronResult, NeuronResults
from lab.statistics import Estimate, mean, ratio
from lab.statistics.claims import ALPHA, ClaimCheck, log_evidence, mean_excess
from lab.statistics.paired import Comparison, holm
from lab.statistics.strength import Contest, Games
from lab.studies.arm import Arm
from lab.studies.study_folder import Study
from subnets import Fault

from .claims import AnswerFacts
from .config import CONTEST, MinersConfig
from .detection import DetectionResult, detect

LEARNT = 0.25
"""Share of the tasks, the first ones, on which honest claims say what is tolerated instead of being checked."""


@dataclass(frozen=True, slots=True)
class Line:
    """One honest miner."""

    standing: NeuronResult
    given: tuple[AnswerFacts, ...]
    """All that it was asked and that reached it, in the order of the tasks."""
    win_rate: Estimate
    """Share of its meetings with the other honest miners on the same task that it won, ties as halves."""
    strength: Estimate
    """Bradley-Terry, in logits; the mean of the honest miners is 0."""
    tasks_won: Estimate
    """Share of the tasks on which its score was the highest; those that tie share the task."""
    alone_p50_s: Estimate
    """Latency alone on the machine; without a value where that was not played."""
    first_token_s: Estimate
    """Mean by its engine's clock; without a value where the engine writes no tokens."""
    later_token_s: Estimate
    """Seconds for each token after the first: (latency - first token) / (tokens - 1)."""
    tokens_per_s: Estimate
    """Output tokens over latency."""
    usd_per_1000_tokens: Estimate
    usd_per_win: Estimate
    """Dollars for each task won."""

    @property
    def name(self) -> str:
        """As the config has it."""
        return self.standing.name


@dataclass(frozen=True, slots=True)
class Claims:
    """What became of one miner's token claims."""

    name: str
    honest: bool
    check: ClaimCheck
    evidence: tuple[float, ...]
    """Natural logarithm of the evidence against honesty, after each output that was checked."""


@dataclass(frozen=True, slots=True)
class MinersData:
    """The whole study."""

    lines: tuple[Line, ...]
    """The honest miners, the strongest first, those of unknown strength last."""
    level: tuple[str, ...]
    """Those whose scores on the same tasks do not differ from the strongest one's by more than chance."""
    tasks: int
    undecided: str
    """Why strengths rest on a prior, if they do."""
    claims: tuple[Claims, ...]
    """Of every miner that claims tokens, dishonest ones too, without the claims that the tolerance was taken from."""
    tolerance: Estimate
    """Mean excess of honest miners' claims over the first `LEARNT` of the tasks; its upper end is what is believed."""
    told: tuple[DetectionResult, ...]

    @classmethod
    def of(cls, study: Study, arms: Sequence[Arm], config: MinersConfig) -> Self:
        """Read the records of a study's arms."""
        alone: dict[str, Estimate] = {}
        for arm in arms:
            if arm.name != CONTEST:
                with study.record(arm) as record:
                    (miner,) = NeuronResults.of(record).miners
                    alone[miner.name] = miner.latency_p50_s
        (contest,) = (arm for arm in arms if arm.name == CONTEST)
        with study.record(contest) as record:
            standings = NeuronResults.of(record)
            given = {miner.uid: _given(record, standings, miner.uid) for miner in standings.miners}
        honest = [miner for miner in standings.miners if miner.name in config.honest_names]
        scores = _scores(standings, [miner.uid for miner in honest])
        games = Contest.of(Games.of_scores(scores))
        won = _tasks_won(scores)
        lines = [
            _line(
                miner,
                given[miner.uid],
                config,
                (games.win_rates[place], games.strengths[place]),
                won[:, place],
                alone.get(miner.name, NOTHING),
            )
            for place, miner in enumerate(honest)
        ]
        lines.sort(key=lambda line: (line.strength.value is None, -(line.strength.value or 0.0), line.name))
        level = _level([line.name for line in lines], {one.name: scores[:, at] for at, one in enumerate(honest)})
        by_name = {miner.name: given[miner.uid] for miner in standings.miners}
        dishonest = {miner.name for miner in standings.miners if not miner.honest}
        claims, tolerance = _claims(by_name, dishonest, LEARNT * len(standings.rounds))
        told = tuple(detect(table, by_name) for table in config.detection)
        return cls(tuple(lines), level, len(standings.rounds), games.reason, claims, tolerance, told)

    @property
    def believed(self) -> float:
        """Excess of claims that is believed; 0 where no tolerance could be measured."""
        return _believed(self.tolerance)


def _given(record: RunRecord, standings: NeuronResults, uid: int) -> tuple[AnswerFacts, ...]:
    found = []
    for task, graded in enumerate(standings.rounds):
        for answer in graded.answers:
            if answer.uid != uid or answer.fault == Fault.LOST:
                continue
            if answer.fault is not None or answer.blob is None:
                found.append(AnswerFacts(task, answer, None, None))
                continue
            said = standings.config.subnet.read(record.blob(answer.blob))
            found.append(AnswerFacts(task, answer, said.text, said.output_tokens))
    return tuple(found)


def _scores(standings: NeuronResults, uids: Sequence[int]) -> NDArray[np.float64]:
    """Scores (tasks, miners); NaN where unscored."""
    table = np.full((len(standings.rounds), len(uids)), np.nan)
    for row, graded in enumerate(standings.rounds):
        for answer in graded.answers:
            if answer.uid in uids and answer.score is not None:
                table[row, uids.index(answer.uid)] = answer.score
    return table


def _tasks_won(
    scores: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Share of each task that each miner won (tasks, miners); NaN where it was not scored."""
    known = ~np.isnan(scores)
    best = np.where(known, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    ahead = known & (scores == best)
    shares = ahead / np.maximum(ahead.sum(axis=1, keepdims=True), 1)
    return np.where(known, shares, np.nan)


def _level(names: Sequence[str], scores: Mapping[str, NDArray[np.float64]]) -> tuple[str, ...]:
    """Name those that the first can't be told from, by sign flips on the same tasks, held together by Holm."""
    tested = [Comparison.of(scores[names[0]], scores[name]).p_value for name in names[1:]]
    return tuple(name for name, p in zip(names[1:], holm(tested), strict=True) if p is None or p > ALPHA)


def _line(
    standing: NeuronResult,
    given: tuple[AnswerFacts, ...],
    config: MinersConfig,
    games: tuple[Estimate, Estimate],
    won: NDArray[np.float64],
    alone: Estimate,
) -> Line:
    usd = [price(one.graded.cost, config.prices) for one in given]
    arrived = [one for one in given if one.arrived]
    timed = [one for one in arrived if one.graded.cost.first_token_s > 0.0]
    later = [one for one in timed if one.tokens > 1]
    writing = any(one.tokens for one in arrived)
    return Line(
        standing=standing,
        given=given,
        win_rate=games[0],
        strength=games[1],
        tasks_won=mean(won[~np.isnan(won)].tolist()),
        alone_p50_s=alone,
        first_token_s=mean([one.graded.cost.first_token_s for one in timed]),
        later_token_s=ratio(
            [max(0.0, one.graded.latency_s - one.graded.cost.first_token_s) for one in later],
            [one.tokens - 1.0 for one in later],
        ),
        tokens_per_s=ratio([float(one.tokens) for one in arrived], [one.graded.latency_s for one in arrived])
        if writing
        else NOTHING,
        usd_per_1000_tokens=ratio([1000 * one for one in usd], [float(one.tokens) for one in given]),
        usd_per_win=ratio(*_paid_for(usd, [float(won[one.task]) for one in given])),
    )


def _paid_for(usd: Sequence[float], won: Sequence[float]) -> tuple[list[float], list[float]]:
    """Pair what answers cost with what they won, without those whose task is unscored."""
    scored = [(cost, share) for cost, share in zip(usd, won, strict=True) if not np.isnan(share)]
    return [cost for cost, _ in scored], [share for _, share in scored]


def _claims(
    given: Mapping[str, Sequence[AnswerFacts]], dishonest: Collection[str], first: float
) -> tuple[tuple[Claims, ...], Estimate]:
    """Take the tolerance from honest claims to the tasks below `first`, and check all other claims."""
    claiming = {name: [one for one in answers if one.arrived] for name, answers in given.items()}
    claiming = {
        name: answered for name, answered in claiming.items() if any(one.claimed_tokens is not None for one in answered)
    }
    fair = [one for name, answered in claiming.items() if name not in dishonest for one in answered if one.task < first]
    tolerance = mean_excess(*_counts(fair), [one.task for one in fair])
    found = []
    for name, answered in claiming.items():
        counts = _counts([one for one in answered if name in dishonest or one.task >= first])
        check = ClaimCheck.of(*counts, tolerance=_believed(tolerance))
        evidence = log_evidence(*counts, tolerance=_believed(tolerance))
        found.append(Claims(name, name not in dishonest, check, tuple(evidence.tolist())))
    return tuple(found), tolerance


def _believed(tolerance: Estimate) -> float:
    return max(0.0, tolerance.high or 0.0)


def _counts(given: Sequence[AnswerFacts]) -> tuple[list[float], list[float]]:
    """Claims, NaN where there is none, and recounts."""
    claimed = [np.nan if one.claimed_tokens is None else float(one.claimed_tokens) for one in given]
    return claimed, [float(one.tokens) for one in given]
