import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lab.statistics import Estimate
from lab.statistics.claims import ClaimCheck, log_evidence, mean_excess


def outputs(n: int, seed: int, more: float = 0.0, off_by: float = 2.0) -> list[NDArray[np.float64]]:
    """Claims, `more` too high, and recounts of n outputs; honest tokenizers differ by `off_by` tokens."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(20, 300, n).astype(float)
    claims = np.maximum(0, np.round((1 + more) * (counts + rng.normal(0, off_by, n))))
    return [claims, counts]


def tolerance(off_by: float) -> float:
    honest = mean_excess(*outputs(2000, 999, off_by=off_by))
    return max(0.0, honest.high or 0.0)


@pytest.mark.parametrize("off_by", [0.0, 2.0, 6.0])
def test_over_reports_of_a_tenth_are_flagged_within_70_outputs(off_by: float) -> None:
    allowed = tolerance(off_by)
    for seed in range(400):
        claims, counts = outputs(70, seed, 0.1, off_by)
        assert log_evidence(claims, counts, allowed).max() >= np.log(20)
    at_70 = ClaimCheck.of(claims, counts, allowed)
    assert at_70.flagged_at is not None and at_70.flagged_at <= 70 and at_70.evidence >= 20


def test_outputs_to_one_task_are_drawn_together() -> None:
    """Five miners claim alike, of 20 tasks each: there are no more than 20 observations."""
    claims, counts = outputs(20, 1)
    alone = mean_excess(claims, counts)
    together = mean_excess(np.tile(claims, 5), np.tile(counts, 5), np.tile(np.arange(20), 5))
    assert (together.n, together.value) == (20, pytest.approx(alone.value))
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    unclaimed = mean_excess([np.nan, *claims], [5.0, *counts], [99, *range(20)])
    assert unclaimed.n == 20


def test_an_exact_tenth_is_flagged_after_39_outputs() -> None:
    """The least n with 1/2 * 1.1^n + 1/4 * 1.05^n + 1/8 * 1.025^n + 1/8 * 1.0125^n of 20 or more."""
    result = ClaimCheck.of(np.full(100, 110.0), np.full(100, 100.0))
    expected = next(n for n in range(100) if 1.1**n / 2 + 1.05**n / 4 + 1.025**n / 8 + 1.0125**n / 8 >= 20)
    assert result.flagged_at == expected
    assert result.excess.value == pytest.approx(0.1)


@pytest.mark.parametrize("off_by", [2.0, 10.0])
def test_honest_miners_are_flagged_in_less_than_one_sequence_of_twenty_however_long(off_by: float) -> None:
    allowed = tolerance(off_by)
    most = [log_evidence(*outputs(3000, seed, 0.0, off_by), allowed).max() for seed in range(400)]
    assert np.mean(np.array(most) >= np.log(20)) <= 0.05


def test_false_alarms_stay_bounded_where_rare_claims_are_far_off() -> None:
    """Nine claims of ten a little low, one much too high, none too much on average: a test on variances fails here."""
    flagged = 0
    for seed in range(400):
        far = np.random.default_rng(seed).random(2000) < 0.1
        flagged += log_evidence(np.where(far, 190.0, 90.0), np.full(2000, 100.0)).max() >= np.log(20)
    assert flagged / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_what_tokenizers_differ_by_is_tolerated_only_where_it_was_measured() -> None:
    claims, counts = np.full(500, 104.0), np.full(500, 100.0)
    honest = mean_excess(claims, counts)
    assert honest == Estimate(pytest.approx(0.04), None, None, 500)
    assert ClaimCheck.of(claims, counts, tolerance=0.04).flagged_at is None
    assert ClaimCheck.of(claims, counts).flagged_at is not None


def test_no_outputs_empty_outputs_and_missing_counts() -> None:
    nothing = Estimate(None, None, None, 0)
    assert ClaimCheck.of([], []) == ClaimCheck(None, 1.0, nothing, nothing)
    half = ClaimCheck.of([np.nan, 5.0], [5.0, np.nan])
    assert (half.flagged_at, half.excess, half.unclaimed.value, half.unclaimed.n) == (None, nothing, 0.5, 2)
    assert ClaimCheck.of([0.0] * 9, [0.0] * 9).flagged_at is None
    assert ClaimCheck.of([0.0] * 9, [50.0] * 9).flagged_at is None
    assert ClaimCheck.of([1000.0], [0.0]).flagged_at == 1
    assert ClaimCheck.of([1e9] * 200, [1.0] * 200).evidence < np.inf


def test_outputs_without_a_claim_count_towards_a_flag_and_are_reported() -> None:
    every = ClaimCheck.of(np.full(60, 200.0), np.full(60, 100.0))
    claims = np.full(120, np.nan)
    claims[1::2] = 200.0
    sparse = ClaimCheck.of(claims, np.full(120, 100.0))
    assert every.flagged_at is not None and sparse.flagged_at == 2 * every.flagged_at
    assert (every.unclaimed.value, sparse.unclaimed.value) == (0.0, 0.5)


def test_an_invalid_count_is_refused() -> None:
    with pytest.raises(ValueError, match="one of each"):
        ClaimCheck.of([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="from 0 up"):
        ClaimCheck.of([-1.0], [1.0])
    with pytest.raises(ValueError, match="alpha 1"):
        ClaimCheck.of([1.0], [1.0], alpha=1.0)
    with pytest.raises(ValueError, match=r"tolerance -0\.1"):
        ClaimCheck.of([1.0], [1.0], tolerance=-0.1)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 300)), min_size=1, max_size=60), st.floats(0, 0.5))
def test_more_tolerance_and_later_outputs_never_flag_earlier(pairs: list[tuple[int, int]], allowed: float) -> None:
    claims, counts = (list(each) for each in zip(*pairs, strict=True))
    strict = ClaimCheck.of(claims, counts)
    assert ClaimCheck.of(claims, counts, tolerance=allowed).evidence <= strict.evidence * (1 + 1e-9)
    if strict.flagged_at is not None:
        assert strict.evidence >= 20 * (1 - 1e-9)
        upto = strict.flagged_at
        assert ClaimCheck.of(claims[:upto], counts[:upto]).flagged_at == upto
