"""Score tables of a recorded run: what every grader would have scored, what is true, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

import numpy as np

from lab.config.prices import price
from lab.studies.arm import Arm
from lab.studies.grading.config import ANSWERS
from lab.studies.grading.grades import GradingData, known_means
from lab.studies.grading.regrade import recorded_rounds
from lab.studies.study_folder import StudyFolder
from subnets import Cost
from validators.window import Round, grade_window

from .config import DesignConfig
from .replay import Floats, ScoreTables


def read_tables(config: DesignConfig, study: StudyFolder, arms: Sequence[Arm], graded: GradingData) -> ScoreTables:
    """Read the tables of the graders, then those of juries by their share of gold."""
    (arm,) = (arm for arm in arms if arm.name == ANSWERS)
    columns = {name: column for column, name in enumerate(miner.name for miner in graded.miners)}
    with study.record(arm) as record:
        rounds = recorded_rounds(record, config)
    uids = {uid: columns[name] for name, uid in rounds[0].uids.items()}
    answer_usd = np.zeros(graded.quality.shape)
    task_usd = np.zeros(len(rounds))
    for row, recorded in enumerate(rounds):
        task_usd[row] = price(recorded.graded.task_cost, config.prices)
        for answer in recorded.graded.answers:
            answer_usd[row, uids[answer.uid]] = price(answer.cost, config.prices)
    scores, grade_usd = [grader.scores for grader in graded.graders], [g.usd.value or 0.0 for g in graded.graders]
    windows = [Round(each.graded.number, each.task, each.responses) for each in rounds]
    seed = config.build_validators()[0].seed
    for gold in config.design.gold:
        started = process_time()
        marks = grade_window(config.jury(gold), windows, config.subnet, seed)
        spent = Cost(cpu_s=process_time() - started)
        table = np.full(graded.quality.shape, np.nan)
        for row, (window, own) in enumerate(zip(windows, marks, strict=True)):
            for response, mark in zip(window.responses, own, strict=True):
                table[row, uids[response.uid]] = np.nan if mark.value is None else mark.value
        scores.append(table)
        grade_usd.append(price(spent, config.prices) / table.size)
    honest = np.array([miner.honest for miner in graded.miners])
    return ScoreTables(
        scores=np.stack(scores),
        quality=graded.quality,
        answer_usd=answer_usd,
        task_usd=task_usd,
        grade_usd=np.array(grade_usd),
        gold_usd=config.design.gold_usd,
        honest=honest,
        rank=_ranks(known_means(graded.quality), honest),
    )


def _ranks(quality: Floats, honest: np.ndarray) -> np.ndarray:
    ranks = np.full(len(quality), -1)
    ranks[honest] = (-quality[honest]).argsort(kind="stable").argsort(kind="stable")
    return ranks
