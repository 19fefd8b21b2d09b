"""Weight rules, by the properties that each of them keeps."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets import Score
from validators import (
    VALIDATORS,
    WEIGHT_RULES,
    Burn,
    Champion,
    Power,
    Proportional,
    PublicView,
    ScoreLedger,
    Softmax,
    TopK,
    Validator,
    WeightRule,
    WinnerTakesAll,
)

RULES = [WEIGHT_RULES.load(kind) for kind in WEIGHT_RULES.sources() if kind != "burn"] + [
    TopK(k=2),
    Softmax(temperature=0.001),
    Power(exponent=50),
]
SCORES = st.dictionaries(
    st.integers(0, 255), st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(1e-6, 1.0), max_size=30
)


@pytest.mark.parametrize("rule", RULES, ids=str)
@given(scores=SCORES)
def test_weights_are_positive_shares_that_keep_the_order_of_the_scores(
    rule: WeightRule, scores: dict[int, float]
) -> None:
    weights = rule.weigh(scores)
    assert list(weights) == sorted(weights)
    assert all(weight > 0.0 and scores[uid] > 0.0 for uid, weight in weights.items())
    if any(scores.values()):
        assert math.fsum(weights.values()) == pytest.approx(1.0)
    else:
        assert weights == {}
    ranked = sorted(scores, key=lambda uid: scores[uid])
    for low, high in zip(ranked, ranked[1:], strict=False):
        assert weights.get(low, 0.0) <= weights.get(high, 0.0)
        if scores[low] == scores[high]:
            assert weights.get(low) == weights.get(high)


def test_weights_are_proportional_by_default() -> None:
    assert Validator().weight_rule == Proportional()
    assert Proportional().weigh({1: 0.6, 0: 0.2, 2: 0.0}) == {0: 0.2 / 0.8, 1: 0.6 / 0.8}


def test_a_validator_weighs_by_its_rule() -> None:
    ledger = ScoreLedger(alpha=1.0)
    ledger.observe({0: Score(0.5), 1: Score(0.25)}, {0: "first", 1: "second"})
    validator = Validator.model_validate({"weight_rule": {"kind": "top_k", "k": 1}})
    assert ledger.weights(validator.weight_rule) == {0: 1.0}


def test_a_low_temperature_leaves_almost_all_to_the_best() -> None:
    assert Softmax(temperature=0.01).weigh({0: 0.9, 1: 0.8})[0] == pytest.approx(1 / (1 + math.exp(-10)))


def test_miners_that_tie_for_the_last_place_are_all_paid() -> None:
    assert set(TopK(k=2).weigh({0: 0.9, 1: 0.5, 2: 0.5, 3: 0.4})) == {0, 1, 2}


def test_a_power_favours_the_best_and_one_is_proportional() -> None:
    scores = {0: 0.8, 1: 0.4}
    assert Power(exponent=2).weigh(scores) == {0: pytest.approx(0.8), 1: pytest.approx(0.2)}
    assert Power(exponent=1).weigh(scores) == pytest.approx(Proportional().weigh(scores))


def test_the_winner_takes_all_and_miners_that_tie_share_it() -> None:
    assert WinnerTakesAll().weigh({0: 0.8, 1: 0.79}) == {0: 1.0}
    assert WinnerTakesAll().weigh({0: 0.8, 1: 0.8, 2: 0.1}) == {0: 0.5, 1: 0.5}


def test_the_owner_gets_its_share_whatever_its_score_and_the_others_the_rest_by_their_rule() -> None:
    burn = Burn(uid=9, share=0.75, rule=WinnerTakesAll())
    assert burn.weigh({0: 0.8, 1: 0.4, 9: 0.9}) == {0: 0.25, 9: 0.75}
    assert burn.weigh({0: 0.0, 9: 0.9}) == {}
    assert WEIGHT_RULES.load({"kind": "burn", "uid": 9, "share": 0.75, "rule": "winner_takes_all"}) == burn


def champion_weights(scores: dict[int, float], consensus: dict[int, float], margin: float = 0.1) -> dict[int, float]:
    hotkeys = {uid: f"miner-{uid}" for uid in scores}
    validator = Champion(margin=margin)
    ledger = ScoreLedger(alpha=1.0)
    ledger.observe({uid: Score(value) for uid, value in scores.items()}, hotkeys)
    return validator.weights(ledger, PublicView(hotkeys, consensus))


def test_a_champion_reigns_until_another_is_better_by_more_than_the_margin() -> None:
    assert champion_weights({0: 0.5, 1: 0.59}, {0: 1.0}) == {0: 1.0}
    assert champion_weights({0: 0.5, 1: 0.61}, {0: 1.0}) == {1: 1.0}


def test_without_a_champion_the_best_becomes_it_and_nobody_without_a_score() -> None:
    assert champion_weights({0: 0.5, 1: 0.51}, {}) == {1: 1.0}
    assert champion_weights({0: 0.0, 1: 0.51}, {0: 1.0}) == {1: 1.0}
    assert champion_weights({0: 0.0}, {0: 1.0}) == {}


def test_the_champions_validator_is_known_by_name() -> None:
    assert VALIDATORS.load({"kind": "champion", "margin": 0.2}) == Champion(margin=0.2)
