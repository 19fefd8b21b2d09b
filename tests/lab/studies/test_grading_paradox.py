"""The paradox against its closed form, and published findings about graders."""

import asyncio

import numpy as np
import pytest

from lab.statistics.paradox import SameAnswer
from lab.studies.grading.paradox import ACCURACIES, MINERS, RANKED_ON, Check, check_run, checks, curve, point
from lab.studies.grading.tfidf_findings import FINDINGS, paid
from miners.adversaries import Oracle
from subnets import Answer, Response, load_subnet
from subnets.text_prompting.truths.own_answer import OwnAnswer
from validators import Validator

TASKS = 4_000


def agree(result: list[Check], points: int) -> None:
    """At 20 points and more within two standard errors, and outside no more often than chance leaves them."""
    within = sum(check.within for check in result)
    assert len(result) >= points and within >= 20
    outside = len(result) - within
    assert outside <= 0.05 * len(result) + 2.6 * np.sqrt(0.05 * 0.95 * len(result))
    for check in result:
        assert abs((check.simulated.value or 0.0) - check.expected) <= 4.5 * check.error + 1e-12


def test_simulated_scores_meet_the_closed_form_over_the_grid() -> None:
    points = [each for each in curve(wrong=(1, 3, 100), tasks=TASKS) if each.closed is not None]
    assert len(points) == 3 * 3 * len(ACCURACIES)
    agree(checks(points), points=500)


def test_the_laboratorys_own_validators_and_oracles_meet_it_too() -> None:
    subnet = load_subnet({"kind": "text_prompting", "mix": {"multiple_choice": 1.0}, "passage_sentences": [2, 3]})
    asking = Validator(seed=11)
    tasks = [asking.task(subnet, number) for number in range(100)]
    miners = {p: Oracle(p=p, seed=round(100 * p)).informed(subnet, (11,)) for p in MINERS}
    answers = {
        p: [result for task in tasks if isinstance(result := asyncio.run(miner.forward(task.query())), Answer)]
        for p, miner in miners.items()
    }
    scores: dict[tuple[float, float], list[float]] = {}
    for accuracy in (0.3, 0.5, 0.7, 0.9, 1.0):
        scorer = OwnAnswer(accuracy=accuracy)
        for p in MINERS:
            graded = [
                scorer.score(task, Response(0, answer=answer)).value
                for task, answer in zip(tasks, answers[p], strict=True)
            ]
            scores[accuracy, p] = [value for value in graded if value is not None]
    result = check_run(scores, wrong=3)
    assert len(result) == 25
    agree(result, points=25)


def test_samples_ceiling_and_premium_meet_the_closed_form() -> None:
    for accuracy in (0.5, 0.7, 0.9):
        for arm in ("own answer", "panel of 3"):
            validator = point(arm, accuracy, 3)
            closed = validator.closed
            assert closed is not None
            assert validator.tasks_to_separate.value == pytest.approx(closed.tasks_to_separate(0.70, 0.75), rel=0.15)
            assert validator.ceiling.value == pytest.approx(closed.score(0.95), abs=0.012)
            assert validator.premium.value == pytest.approx(closed.mimic_premium(0.95), abs=0.015)


@pytest.mark.parametrize(
    ("wrong", "accuracy", "published"),
    [(1, 0.3, 0.136), (1, 0.7, 0.833), (3, 0.5, 0.841), (3, 0.7, 0.925), (100, 0.7, 0.957), (100, 0.9, 0.972)],
)
def test_rankings_on_a_hundred_tasks_are_as_right_as_published(wrong: int, accuracy: float, published: float) -> None:
    result = point("own answer", accuracy, wrong).rank_accuracy
    assert result.value == pytest.approx(published, abs=0.03)
    assert result.n == 20_000 // RANKED_ON


def test_a_weak_validator_turns_yes_and_no_round_and_orders_open_questions() -> None:
    assert (point("own answer", 0.3, 1).rank_accuracy.value or 0.0) < 0.2
    assert point("own answer", 0.3, 1).tasks_to_separate.value is None
    assert (point("own answer", 0.3, 100).rank_accuracy.value or 0.0) > 0.85
    assert SameAnswer(0.3, 1).slope < 0 < SameAnswer(0.3, 100).slope


def test_a_panel_pays_its_copiers_less_than_one_validator_does() -> None:
    single, panel = point("own answer", 0.7, 3).premium, point("panel of 3", 0.7, 3).premium
    assert single.low is not None and panel.high is not None and panel.high < single.low - 0.2


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.answer)
def test_the_passthrough_reward_pays_what_was_published(finding: object) -> None:
    assert paid(finding) == pytest.approx(finding.paid, abs=0.01)  # type: ignore[arg-type,attr-defined]
