"""Telling two miners apart, on features whose power is known in closed form."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm, t

from lab.record.entries import GradedAnswer
from lab.studies.miners.answers import AnswerFacts
from lab.studies.miners.config import Detection
from lab.studies.miners.detection import GROUPS, PROMPTS, caught, detect, features, held_out_evidence, told_apart
from subnets import Cost

DISTANCE = 0.4
"""Between two normal features, in standard deviations: AUC = Phi(distance * sqrt(k / 2)) over k prompts."""


def drawn(tasks: int, seed: int, distance: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 1.0, (tasks, 1)), rng.normal(distance, 1.0, (tasks, 1))


@pytest.mark.parametrize("prompts", [1, 4, 16, 32])
def test_power_is_that_of_the_closed_form(prompts: int) -> None:
    evidence = held_out_evidence(*drawn(8000, 1, DISTANCE))
    shift = DISTANCE * np.sqrt(prompts)
    auc, share = told_apart(evidence, prompts), caught(evidence, prompts)
    assert auc.value == pytest.approx(norm.cdf(shift / np.sqrt(2)), abs=0.03)
    expected = norm.cdf(shift - norm.ppf(0.99))
    assert share.value == pytest.approx(expected, abs=min(0.08, 0.4 * expected))
    assert auc.low is not None and auc.high is not None and auc.low <= norm.cdf(shift / np.sqrt(2)) <= auc.high + 0.01


@pytest.mark.parametrize("prompts", [1, 8])
@pytest.mark.parametrize("tasks", [44, 88])
def test_twins_are_not_told_apart(tasks: int, prompts: int) -> None:
    """Evidence from a cross-validation puts twins below a half, and its interval misses a half in up to 13 %."""
    drawn_twins = [held_out_evidence(*drawn(tasks, seed, 0.0)) for seed in range(400)]
    aucs = [told_apart(evidence, prompts) for evidence in drawn_twins]
    assert np.mean([each.value for each in aucs if each.value is not None]) == pytest.approx(0.5, abs=0.03)
    covered = [each.low <= 0.5 <= each.high for each in aucs if each.low is not None and each.high is not None]
    assert len(covered) == 400 and 0.92 <= np.mean(covered) <= 0.98
    shares = [caught(evidence, prompts).value for evidence in drawn_twins]
    assert np.mean([share for share in shares if share is not None]) < 0.02


def test_the_threshold_accuses_one_in_a_hundred_local_miners() -> None:
    """The threshold comes from 22 tasks, and is tried on others of the same local miner."""
    accused = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        known, new = rng.normal(0.0, 1.0, (22, 1)), rng.normal(0.0, 1.0, (4000, 8))
        limit = 8 * known.mean() + t.ppf(0.99, 21) * known.std(ddof=1) * np.sqrt(8 + 8**2 / 22)
        accused.append((new.sum(axis=1) > limit).mean())
        evidence = np.hstack([known, rng.normal(2.0, 1.0, (22, 1))])
        found = caught(evidence, 8)
        if seed == 0:
            assert found.value is not None and found.value > 0.9
    assert np.mean(accused) == pytest.approx(0.01, abs=0.004)


def test_few_tasks_say_nothing_about_one_in_a_hundred() -> None:
    assert caught(held_out_evidence(*drawn(30, 0, 1.0)), 1).value is None
    assert caught(held_out_evidence(*drawn(44, 0, 0.0)), 10_000).value is None


def test_more_features_help_and_constant_or_missing_ones_do_no_harm() -> None:
    local, relay = drawn(1200, 3, 0.7)
    other = drawn(1200, 4, 0.7)
    alone = told_apart(held_out_evidence(local, relay), 4).value or 0.0
    both = told_apart(held_out_evidence(np.hstack([local, other[0]]), np.hstack([relay, other[1]])), 4).value or 0.0
    assert both > alone + 0.02
    empty, same = np.full((1200, 1), np.nan), np.ones((1200, 1))
    padded = [np.hstack([side, empty, same]) for side in (local, relay)]
    assert told_apart(held_out_evidence(*padded), 4).value == pytest.approx(alone, abs=1e-9)


def given(task: int, latency_s: float, **message: object) -> AnswerFacts:
    cost = Cost(output_tokens=10, first_token_s=latency_s / 2)
    answer = GradedAnswer(uid=1, latency_s=latency_s, cost=cost, parts={"factor.Likelihood.log_probability": -1.5})
    return AnswerFacts(task, answer, str(message.get("text", "the baker")), 10)


def test_features_are_what_is_recorded() -> None:
    result = features(given(0, 2.0), None)
    assert result["log_latency_per_token"] == pytest.approx(np.log(0.2))
    assert result["log_later_token"] == pytest.approx(np.log(1.0 / 9))
    assert result["log_probability"] == -1.5
    assert np.isnan(result["likeness_to_own_copy"])
    assert features(given(0, 2.0), "the baker")["likeness_to_own_copy"] == 1.0


def test_a_pair_is_compared_only_on_tasks_that_both_answered() -> None:
    rng = np.random.default_rng(0)
    local = [given(task, float(rng.lognormal(0.0, 0.2))) for task in range(60)]
    relay = [given(task, float(rng.lognormal(1.0, 0.2))) for task in range(10, 80)]
    result = detect(Detection(name="pair", local="a", relay="b"), {"a": local, "b": relay})
    assert result.tasks == 50 and not result.unseen
    assert len(result.powers) == len(GROUPS) * len(PROMPTS)
    at_one = {each.group: each.auc.value for each in result.powers if each.prompts == 1}
    assert at_one["latency"] is not None and at_one["latency"] > 0.95
    assert at_one["text"] == 0.5


def test_too_few_tasks_tell_nothing() -> None:
    few = [given(task, 1.0) for task in range(6)]
    result = detect(Detection(name="pair", local="a", relay="b"), {"a": few, "b": few})
    assert not result.powers and set(result.unseen) == set(GROUPS)
