"""Telling two miners apart, on features whose power is known in closed form."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from lab.record.entries import GradedAnswer
from lab.studies.miners.answers import AnswerFacts
from lab.studies.miners.config import Detection
from lab.studies.miners.detection import GROUPS, PROMPTS, detect, features, log_likelihood_ratios, power
from subnets import Cost

DISTANCE = 0.4
"""Between two normal features, in standard deviations: AUC = Phi(distance * sqrt(k / 2)) over k prompts."""


def drawn(tasks: int, seed: int, distance: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 1.0, (tasks, 1)), rng.normal(distance, 1.0, (tasks, 1))


@pytest.mark.parametrize("prompts", [1, 4, 16, 32])
def test_power_is_that_of_the_closed_form(prompts: int) -> None:
    auc, caught = power(*log_likelihood_ratios(*drawn(4000, 1, DISTANCE)), prompts)
    shift = DISTANCE * np.sqrt(prompts)
    assert auc.value == pytest.approx(norm.cdf(shift / np.sqrt(2)), abs=0.03)
    expected = norm.cdf(shift - norm.ppf(0.99))
    assert caught.value == pytest.approx(expected, abs=min(0.08, 0.4 * expected))
    assert auc.low is not None and auc.high is not None and auc.low <= norm.cdf(shift / np.sqrt(2)) <= auc.high + 0.01


def test_equal_miners_are_not_told_apart() -> None:
    values = [power(*log_likelihood_ratios(*drawn(60, seed, 0.0)), 1)[0].value or 0.0 for seed in range(60)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.04)


def test_one_in_a_hundred_local_miners_is_accused() -> None:
    local, _ = log_likelihood_ratios(*drawn(4000, 2, 1.0))
    _, accused = power(local, local, 8)
    assert accused.value is not None and 0.002 < accused.value < 0.02


def test_more_features_help_and_constant_or_missing_ones_do_no_harm() -> None:
    local, relay = drawn(600, 3, 0.7)
    other = drawn(600, 4, 0.7)
    alone = power(*log_likelihood_ratios(local, relay), 4)[0].value or 0.0
    both = power(*log_likelihood_ratios(np.hstack([local, other[0]]), np.hstack([relay, other[1]])), 4)[0].value or 0.0
    assert both > alone + 0.02
    empty, same = np.full((600, 1), np.nan), np.ones((600, 1))
    padded = [np.hstack([side, empty, same]) for side in (local, relay)]
    assert power(*log_likelihood_ratios(*padded), 4)[0].value == pytest.approx(alone, abs=1e-9)


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
