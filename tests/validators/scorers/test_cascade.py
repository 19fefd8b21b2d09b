"""The cascade: its estimates are right in the mean, its values stay in range, and its coins can't be foreseen."""

from collections.abc import Sequence

import numpy as np
import pytest

from subnets import SUBNETS, Answer, PluginError, Response, Score, Scorer, SubnetlabError, Task
from validators import SCORERS, Proportional, ScoreLedger, check_scorer, load_validator
from validators.scorers.cascade import Cascade

TASK = Task(id="t", seed=11, reference="paris")


class Fixed(Scorer):
    """Gives what the answer says, first or second number."""

    place: int = 0
    needs_reference = False

    def score(self, task: Task, response: Response) -> Score:
        """Read the grade from the answer."""
        assert response.answer is not None
        word = response.answer.text.split()[self.place]
        return Score(None, reason="no idea") if word == "?" else Score(float(word))


def cascade(chance: float = 0.4) -> Cascade:
    return Cascade(cheap=Fixed(place=0), judge=Fixed(place=1), chance=chance)


def answers(texts: Sequence[str]) -> list[Response]:
    return [Response(uid, answer=Answer(text=text)) for uid, text in enumerate(texts)]


def test_the_mean_of_the_estimates_is_the_judges_however_wrong_the_cheap_grades_are() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(6000) < 0.7
    texts = [f"{0.8 - 0.5 * right:.1f} {right:d}" for right in truth]  # wrong answers look better than right ones
    scores = cascade().score_all(TASK, answers(texts))
    estimates = np.array([score.estimate for score in scores])
    assert abs(estimates.mean() - truth.mean()) < 4 * estimates.std() / np.sqrt(len(estimates))
    assert abs(np.mean([score.parts["cheap"] for score in scores]) - truth.mean()) > 0.2, "the cheap ones alone are off"
    judged = np.mean(["judge" in score.parts for score in scores])
    assert judged == pytest.approx(np.mean([score.parts["chance"] for score in scores]), abs=0.03)


def test_a_sure_grade_is_judged_seldom_but_sometimes() -> None:
    assert cascade().chance_of(1.0) == cascade().chance_of(0.0) == 0.03
    assert cascade(0.5).chance_of(0.5) == 0.5
    scores = cascade().score_all(TASK, answers(["1 0"] * 2000))
    assert 20 < sum("judge" in score.parts for score in scores) < 120


def test_values_lie_in_range_and_are_the_best_that_is_known() -> None:
    scores = cascade().score_all(TASK, answers(["0.5 1"] * 50))
    assert {score.value for score in scores} == {0.5, 1.0}
    assert max(score.estimate or 0.0 for score in scores) == pytest.approx(0.5 + 0.5 / 0.4)


def test_the_coins_depend_on_what_no_miner_knows_and_are_tossed_alike_again() -> None:
    def judged(seed: int) -> list[bool]:
        return ["judge" in score.parts for score in cascade().score_all(Task("t", seed=seed), answers(["0.5 1"] * 60))]

    assert judged(1) == judged(1) != judged(2)


def test_an_answer_that_a_part_can_not_grade_is_unscored() -> None:
    scores = cascade(1.0).score_all(TASK, answers(["? 1", "0.5 ?", "0.5 1"]))
    assert [score.value for score in scores] == [None, None, 1.0]
    assert [score.reason for score in scores] == ["cheap: no idea", "judge: no idea", ""]


def test_a_ledger_averages_the_estimates() -> None:
    ledger = ScoreLedger(0.1)
    for seed in range(400):
        (score,) = cascade(0.3).score_all(Task("t", seed=seed), answers(["0.2 1"]))
        ledger.observe({0: score}, {0: "a"})
    assert ledger.scores[0] > 0.5 and ledger.weights(Proportional()) == {0: 1.0}


def test_an_inverter_inverts_the_estimates_too() -> None:
    inverter = load_validator({"kind": "inverter", "scorer": cascade(1.0)})
    subnet = SUBNETS.load("text_prompting")
    (score,) = inverter.grade(subnet, TASK, [Response(0, body=Answer(text="0.5 1").body())]).scores
    assert score.value == score.estimate == 0.0


def test_a_judge_that_compares_answers_and_a_cascade_within_another_scorer_are_refused() -> None:
    with pytest.raises(PluginError, match=r"judge: 'near_duplicates' compares the answers of a round"):
        SCORERS.load({"kind": "cascade", "cheap": "exact", "judge": "near_duplicates"})
    inner = {"kind": "cascade", "cheap": "exact", "judge": "length"}
    nested = SCORERS.load({"kind": "weighted", "terms": [{"scorer": inner}]})
    with pytest.raises(SubnetlabError, match="'cascade' can't be a part of another scorer"):
        check_scorer(nested, SUBNETS.load("text_prompting"))
