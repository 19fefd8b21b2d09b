import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets import PluginError, Score
from validators import LEDGERS, Memory, Proportional, Validator, Watchful, load_validator

HOTKEYS = {0: "a", 1: "b", 5: "c"}
ALWAYS = {"kind": "watchful", "floor": 1.0}


def observed(memory: Memory, values: list[float]) -> Memory:
    for value in values:
        memory.observe(np.full(memory.counts.shape, value), np.ones(memory.counts.shape, np.bool_))
    return memory


@given(st.lists(st.floats(0.4, 0.6), min_size=1, max_size=12))
def test_a_mean_is_that_of_its_values_from_the_first_on(values: list[float]) -> None:
    memory = observed(Memory((1,), cap=30.0, alarm=4.0), values)
    assert memory.means[0] == pytest.approx(np.mean(values)) and memory.counts[0] == len(values)


def test_a_mean_remembers_no_more_than_its_cap() -> None:
    memory = observed(Memory((1,), cap=8.0, alarm=50.0), [0.5] * 20)
    assert memory.counts[0] == pytest.approx(8.0)
    observed(memory, [0.6])
    assert memory.means[0] == pytest.approx(0.5 + 0.1 / 9)


def test_a_change_is_noticed_and_what_came_before_it_forgotten() -> None:
    memory = observed(Memory((1,), cap=240.0, alarm=5.0), [1.0, 1.0, 1.0, 0.0] * 30)
    assert memory.counts[0] == 120
    observed(memory, [0.0] * 8)
    assert memory.counts[0] < 20 and memory.means[0] < 0.2


def test_a_score_that_stays_is_rarely_taken_for_a_change() -> None:
    rng = np.random.default_rng(0)
    memory = Memory((400,), cap=240.0, alarm=5.0)
    for _ in range(240):
        memory.observe((rng.random(400) < 0.7).astype(float), np.ones(400, np.bool_))
    assert (memory.counts < 239).mean() < 0.35
    assert memory.means.mean() == pytest.approx(0.7, abs=0.02)


def test_values_that_were_not_observed_change_nothing() -> None:
    memory = observed(Memory((2,), cap=30.0, alarm=4.0), [0.5] * 5)
    memory.observe(np.array([0.0, 1.0]), np.array([False, True]))
    assert list(memory.counts) == [5, 6] and memory.means[0] == 0.5 < memory.means[1]


def test_a_new_miner_is_always_asked_and_a_known_one_at_the_floor() -> None:
    ledger = LEDGERS.load({"kind": "watchful", "known_after": 3, "floor": 0.25}).open()
    for place in range(3):
        assert ledger.chances([0, 1, 5]) == {0: 1.0, 1: 1.0, 5: 1.0}, place
        ledger.observe({0: Score(0.5), 5: Score(None, reason="host died")}, HOTKEYS)
    assert ledger.chances([0, 1, 5]) == {0: 0.25, 1: 1.0, 5: 1.0}


def test_a_change_makes_the_ledger_ask_always_again() -> None:
    ledger = Watchful().open()
    for value in [1.0] * 30 + [0.0] * 10:
        ledger.observe({1: Score(value)}, HOTKEYS)
        if ledger.chances([1])[1] == 1.0 and value == 0.0:
            return
    raise AssertionError("the miner fell from 1 to 0 unnoticed")


def test_a_miner_that_was_not_asked_keeps_its_score_and_its_pay() -> None:
    ledger = Watchful().open()
    ledger.observe({0: Score(0.5), 1: Score(0.5)}, HOTKEYS)
    for _ in range(20):
        ledger.observe({1: Score(0.5)}, HOTKEYS)
    assert ledger.scores == {0: 0.5, 1: pytest.approx(0.5)}
    assert ledger.weights(Proportional()) == {0: pytest.approx(0.5), 1: pytest.approx(0.5)}


def test_a_replaced_hotkey_is_a_new_miner() -> None:
    ledger = Watchful(known_after=2).open()
    for _ in range(3):
        ledger.observe({0: Score(0.5), 5: Score(0.9)}, HOTKEYS)
    ledger.observe({}, HOTKEYS | {5: "newcomer"})
    assert ledger.scores == {0: 0.5} and ledger.chances([0, 5]) == {0: 0.3, 5: 1.0}


def test_coins_are_independent_and_follow_the_ledger() -> None:
    validator = load_validator({"kind": "honest", "sampler": "by_ledger", "ledger": ALWAYS | {"floor": 0.2}, "seed": 3})
    ledger = validator.new_ledger()
    for _ in range(20):
        ledger.observe({uid: Score(0.5) for uid in (0, 1)}, HOTKEYS)
    stakes = dict.fromkeys(HOTKEYS, 1.0)
    drawn = [validator.candidates(number, stakes, ledger).keys() for number in range(1000)]
    asked = np.array([[uid in each for uid in HOTKEYS] for each in drawn])
    assert asked[:, 2].all(), "new"
    assert asked[:, :2].mean(axis=0) == pytest.approx([0.2, 0.2], abs=0.04)
    assert abs(np.corrcoef(asked[:, 0], asked[:, 1])[0, 1]) < 0.1
    assert validator.candidates(7, stakes, ledger).keys() == drawn[7], "an audit tosses the same coins"


def test_a_sampler_that_ignores_the_ledger_asks_whom_it_did() -> None:
    validator = Validator(ledger=Watchful(known_after=1))
    ledger = validator.new_ledger()
    ledger.observe({0: Score(0.5)}, HOTKEYS)
    assert validator.candidates(0, dict.fromkeys(HOTKEYS, 1.0), ledger) == dict.fromkeys(HOTKEYS, 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"known_after": 50}, "known_after: 50 is more than cap, 30"),
        ({"floor": 0.0}, r"floor: give a number above 0"),
        ({"cap": 2}, r"cap: give a number of at least 6"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        LEDGERS.load({"kind": "watchful"} | options)


def test_a_validator_that_grades_windows_can_not_share_answers() -> None:
    with pytest.raises(PluginError, match="share_answers: true, and a scorer that grades windows"):
        load_validator({"kind": "honest", "scorer": "jury", "share_answers": True})
