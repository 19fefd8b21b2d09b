import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets import Score
from validators import Proportional, ScoreLedger

HOTKEYS = {0: "a", 1: "b", 2: "c"}


def test_a_score_moves_by_alpha() -> None:
    ledger = ScoreLedger(0.25)
    ledger.observe({0: Score(1.0)}, HOTKEYS)
    ledger.observe({0: Score(0.5)}, HOTKEYS)
    assert ledger.scores == {0: pytest.approx(0.25 * 0.5 + 0.75 * 0.25)}


def test_a_miner_that_was_not_asked_or_not_gradable_keeps_its_score() -> None:
    ledger = ScoreLedger(0.5)
    ledger.observe({0: Score(1.0), 1: Score(1.0)}, HOTKEYS)
    ledger.observe({0: Score(None, reason="host died")}, HOTKEYS)
    assert ledger.scores == {0: 0.5, 1: 0.5}


def test_a_replaced_hotkey_starts_from_zero_and_a_gone_uid_is_forgotten() -> None:
    ledger = ScoreLedger(0.5)
    ledger.observe({uid: Score(1.0) for uid in HOTKEYS}, HOTKEYS)
    ledger.observe({}, {0: "a", 1: "newcomer"})
    assert ledger.scores == {0: 0.5}
    ledger.observe({1: Score(0.5)}, {0: "a", 1: "newcomer"})
    assert ledger.scores == {0: 0.5, 1: 0.25}


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
