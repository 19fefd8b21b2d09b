"""Dishonest validators: what each of them does with the scores and weights that it sees."""

import pickle
from dataclasses import replace

import pytest

from subnets import PluginError, Response, Score
from subnets.task import Task
from subnets.text_prompting import TextPrompting
from validators import VALIDATORS, PublicView, ScoreLedger, Validator, load_validator

HOTKEYS = {0: "v", 1: "x", 2: "y", 3: "z"}
VIEW = PublicView(HOTKEYS, {1: 0.25, 2: 0.75})
SUBNET = TextPrompting()
TASK = SUBNET.task(1)
RESPONSES = [Response(uid, body=SUBNET.gold(SUBNET.task(uid)).body()) for uid in (1, 2, 3)]
OPTIONS = {kind: {"uids": [2]} for kind in ("bribed", "cabal", "favourite", "poison_pill")}
DISHONEST = [kind for kind in VALIDATORS.builtin if kind not in ("honest", "champion", "idle")]


def ledger() -> ScoreLedger:
    scored = ScoreLedger(1.0)
    scored.observe({1: Score(0.5), 2: Score(0.25), 3: Score(0.25)}, HOTKEYS)
    return scored


def build(kind: str, **options: object) -> Validator:
    return load_validator({"kind": kind, **OPTIONS.get(kind, {}), **options})


@pytest.mark.parametrize("kind", DISHONEST)
def test_a_dishonest_validator_says_so_and_submits_shares_of_known_miners(kind: str) -> None:
    validator = build(kind)
    weights = validator.weights(ledger(), VIEW)
    assert not validator.honest and validator.description
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights.keys() <= HOTKEYS.keys() and list(weights) == sorted(weights)
    assert pickle.loads(pickle.dumps(validator)) == validator


@pytest.mark.parametrize("kind", [kind for kind in DISHONEST if build(kind).asks])
def test_a_dishonest_grader_gives_each_response_one_score_and_the_same_again(kind: str) -> None:
    first, again = (build(kind).grade(SUBNET, TASK, RESPONSES) for _ in range(2))
    assert len(first.scores) == len(first.qualities) == len(first.responses) == 3
    assert first.scores == again.scores and first.qualities == again.qualities


def test_a_late_copier_submits_the_mean_of_the_others_by_stake() -> None:
    view = replace(VIEW, stakes={0: 3.0, 4: 1.0}, submitted={0: {1: 1.0}, 4: {1: 0.5, 2: 0.5}})
    assert build("late_copier").late
    assert build("late_copier").weights(ScoreLedger(), view) == {1: pytest.approx(0.875), 2: pytest.approx(0.125)}


def test_a_late_copier_that_sees_no_weights_copies_the_last_consensus() -> None:
    assert build("late_copier").weights(ScoreLedger(), VIEW) == {1: pytest.approx(0.25), 2: pytest.approx(0.75)}


def test_a_poison_pill_is_honest_until_its_time_has_come() -> None:
    pill = build("poison_pill", after=5)
    assert pill.weights(ledger(), replace(VIEW, epoch=4)) == Validator().weights(ledger(), VIEW)
    assert pill.weights(ledger(), replace(VIEW, epoch=5)) == {2: 1.0}


def test_a_cabal_pays_its_own_by_merit_and_cuts_the_weight_of_others() -> None:
    assert build("cabal", uids=[2, 3]).weights(ledger(), VIEW) == {2: 0.5, 3: 0.5}
    assert build("cabal", uids=[2], mercy=0.5).weights(ledger(), VIEW) == {
        1: pytest.approx(0.4),
        2: pytest.approx(0.4),
        3: pytest.approx(0.2),
    }


def test_a_cabal_whose_miners_have_earned_nothing_stays_honest() -> None:
    assert build("cabal", uids=[99]).weights(ledger(), VIEW) == Validator().weights(ledger(), VIEW)


def test_a_bribed_validator_raises_the_scores_of_those_who_pay_and_not_for_silence() -> None:
    honest = Validator().grade(SUBNET, TASK, RESPONSES)
    bribed = build("bribed", uids=[2], least=0.9).grade(SUBNET, TASK, RESPONSES)
    assert [score.value for score in honest.scores][1] != 0.9
    assert [score.value for score in bribed.scores] == [honest.scores[0].value, 0.9, honest.scores[2].value]
    silent = [Response(2, fault="timeout", reason="none")]  # type: ignore[arg-type]
    assert build("bribed", uids=[2]).grade(SUBNET, TASK, silent).scores[0].value == 0.0


def test_a_lazy_validator_grades_its_share_of_the_answers_and_leaves_the_rest_unscored() -> None:
    lazy, graded, rounds = build("lazy", share=0.25), 0, 200
    for number in range(rounds):
        task = replace(TASK, id=f"{number:016x}")
        graded += sum(score.value is not None for score in lazy.grade(SUBNET, task, RESPONSES).scores)
    assert graded / (3 * rounds) == pytest.approx(0.25, abs=0.06)


def test_a_lazy_validator_refuses_to_grade_windows() -> None:
    with pytest.raises(PluginError, match="scorer: it grades whole windows"):
        build("lazy", scorer={"kind": "jury"})


def test_a_score_sharer_names_its_source_and_asks_nobody() -> None:
    assert build("score_sharer", partner=3).scores_from() == 3
    assert Validator().scores_from() is None and not build("score_sharer").asks
    assert isinstance(TASK, Task)
