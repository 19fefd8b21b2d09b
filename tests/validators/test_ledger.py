import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets import Score
from validators import Proportional, ScoreLedger

HOTKEYS = {0: "a", 1: "b", 2: "c"}


def test_a_score_is_the_mean_of_its_grades_of_which_the_newest_weighs_most() -> None:
    ledger = ScoreLedger(0.25)
    ledger.observe({0: Score(1.0)}, HOTKEYS)
    assert ledger.scores == {0: pytest.approx(1.0)}
    ledger.observe({0: Score(0.5)}, HOTKEYS)
    assert ledger.scores == {0: pytest.approx((0.25 * 0.5 + 0.75 * 0.25) / (1 - 0.75**2))}


def test_a_miner_that_was_not_asked_or_not_gradable_keeps_its_score() -> None:
    ledger = ScoreLedger(0.5)
    ledger.observe({0: Score(1.0), 1: Score(0.5)}, HOTKEYS)
    ledger.observe({0: Score(None, reason="host died")}, HOTKEYS)
    assert ledger.scores == {0: 1.0, 1: 0.5}


def test_a_replaced_hotkey_starts_again_and_a_gone_uid_is_forgotten() -> None:
    ledger = ScoreLedger(0.5)
    ledger.observe({uid: Score(1.0) for uid in HOTKEYS}, HOTKEYS)
    ledger.observe({}, {0: "a", 1: "newcomer"})
    assert ledger.scores == {0: 1.0}
    ledger.observe({1: Score(0.5)}, {0: "a", 1: "newcomer"})
    assert ledger.scores == {0: 1.0, 1: 0.5}


@given(st.integers(1, 40), st.floats(0, 1), st.floats(0.01, 1.0))
def test_equal_grades_are_the_score_however_few_there_are(count: int, grade: float, alpha: float) -> None:
    ledger = ScoreLedger(alpha)
    for _ in range(count):
        ledger.observe({0: Score(grade)}, HOTKEYS)
    assert ledger.scores[0] == pytest.approx(grade)


def test_equal_miners_are_paid_alike_on_average_though_one_is_asked_less_often() -> None:
    """Averages that start at 0 pay the one that was asked in a third of the rounds less than half as much."""
    rng = np.random.default_rng(0)
    paid = np.zeros(2)
    for _ in range(200):
        ledger = ScoreLedger(0.1)
        for _ in range(10):
            grades = {0: Score(float(rng.random() < 0.7))}
            if rng.random() < 1 / 3:
                grades[1] = Score(float(rng.random() < 0.7))
            ledger.observe(grades, HOTKEYS)
        weights = ledger.weights(Proportional())
        if 1 in ledger.scores:
            paid += [weights.get(0, 0.0), weights.get(1, 0.0)]
    assert paid[1] / paid[0] == pytest.approx(1.0, abs=0.15)


def test_scores_of_zero_give_no_weights_instead_of_equal_ones() -> None:
    ledger = ScoreLedger()
    assert ledger.weights(Proportional()) == {}
    ledger.observe({0: Score(0.0), 1: Score(0.0)}, HOTKEYS)
    assert ledger.weights(Proportional()) == {}


@given(st.lists(st.dictionaries(st.sampled_from([0, 1, 2]), st.one_of(st.none(), st.floats(0, 1))), max_size=8))
def test_weights_are_shares_whatever_was_graded(rounds: list[dict[int, float | None]]) -> None:
    ledger = ScoreLedger(0.3)
    for graded in rounds:
        ledger.observe({uid: Score(value) for uid, value in graded.items()}, HOTKEYS)
    weights = ledger.weights(Proportional())
    assert not weights or sum(weights.values()) == pytest.approx(1.0)
    assert all(weight > 0.0 for weight in weights.values())


@pytest.mark.parametrize("alpha", [0.0, -0.1, 1.1, float("nan")])
def test_an_alpha_outside_its_range_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        ScoreLedger(alpha)
