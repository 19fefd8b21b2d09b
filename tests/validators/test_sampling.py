from collections import Counter

import numpy as np
import pytest

from validators import All, RandomK, StakeWeighted

STAKES = {10: 0.0, 11: 1.0, 12: 3.0, 13: 0.0}


def test_all_takes_everyone_in_order() -> None:
    assert All().sample({3: 0.0, 1: 0.0}, np.random.default_rng(0)) == (1, 3)


@pytest.mark.parametrize("sampler", [RandomK(k=3), StakeWeighted(k=3)])
def test_k_miners_without_repeats_or_all_where_there_are_fewer(sampler: RandomK | StakeWeighted) -> None:
    drawn = sampler.sample(STAKES, np.random.default_rng(0))
    assert len(set(drawn)) == 3 and set(drawn) <= set(STAKES) and list(drawn) == sorted(drawn)
    assert sampler.sample({1: 0.0, 2: 5.0}, np.random.default_rng(0)) == (1, 2)
    assert sampler.sample({}, np.random.default_rng(0)) == ()


def test_stake_weighted_draws_in_proportion_and_the_stakeless_last() -> None:
    rng = np.random.default_rng(1)
    first = Counter(StakeWeighted(k=1).sample(STAKES, rng)[0] for _ in range(2000))
    assert set(first) == {11, 12}
    assert first[12] / 2000 == pytest.approx(0.75, abs=0.05)
    last = Counter(uid for _ in range(500) for uid in StakeWeighted(k=3).sample(STAKES, rng))
    assert last[11] == last[12] == 500 and last[10] > 150 and last[13] > 150
