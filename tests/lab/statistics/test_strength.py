import time

import evalica
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from lab.statistics import Estimate
from lab.statistics.strength import Contest, Games, bradley_terry


def season(players: int = 32, games: int = 20_000, ties: float = 0.1, seed: int = 0) -> Games:
    """Games between players of strengths from -1 to 1, some of them tied."""
    rng = np.random.default_rng(seed)
    strengths = np.linspace(-1, 1, players)
    first = rng.integers(0, players, games)
    second = (first + rng.integers(1, players, games)) % players
    won = rng.random(games) < 1 / (1 + np.exp(strengths[second] - strengths[first]))
    return Games.of(players, first, second, np.where(rng.random(games) < ties, 0.5, won))


def by_evalica(games: Games) -> np.ndarray:  # type: ignore[type-arg]
    """Evalica's strengths in our unit: the logarithm of its scores, of mean 0."""
    winners = [{1.0: evalica.Winner.X, 0.5: evalica.Winner.Draw, 0.0: evalica.Winner.Y}[won] for won in games.won]
    result = evalica.bradley_terry(
        games.first.tolist(), games.second.tolist(), winners, tolerance=1e-12, limit=10_000
    ).scores
    logs = np.log(result.sort_index().to_numpy())
    return np.asarray(logs - logs.mean())


def values(figures: tuple[Estimate, ...]) -> list[float | None]:
    return [figure.value for figure in figures]


def test_strengths_without_a_prior_are_those_of_evalica() -> None:
    for players, games in ((5, 300), (32, 20_000)):
        table = season(players, games)
        result = Contest.of(table, prior=0.0)
        assert values(result.strengths) == pytest.approx(list(by_evalica(table)), abs=1e-6)
        assert result.reason == ""


def test_the_prior_of_one_tie_hardly_moves_players_of_many_games() -> None:
    table = season()
    without, given_one = (Contest.of(table, prior=prior).strengths for prior in (0.0, 1.0))
    assert values(given_one) == pytest.approx(values(without), abs=0.003)


def test_two_players_have_the_log_odds_of_their_games() -> None:
    result = bradley_terry(np.array([[[0.0, 30.0], [10.0, 0.0]]]), prior=0.0)[0]
    assert result[0] - result[1] == pytest.approx(np.log(3.0))
    assert result.sum() == pytest.approx(0.0)


def test_intervals_cover_the_strengths_that_made_the_games() -> None:
    true = np.linspace(-1, 1, 6)
    covered = []
    for seed in range(100):
        result = Contest.of(season(6, 400, ties=0.0, seed=seed)).strengths
        covered += [
            f.low <= each <= f.high for f, each in zip(result, true, strict=True) if f.low is not None and f.high
        ]
    assert 0.925 <= np.mean(covered) <= 0.975


def test_32_players_and_20_000_games_take_less_than_twenty_seconds() -> None:
    table = season()
    start = time.process_time()
    Contest.of(table)
    assert time.process_time() - start < 20.0  # 3 s on an idle core


@pytest.mark.parametrize("tasks", [12, 24])
def test_a_win_rate_on_few_tasks_is_covered_by_95_percent_of_its_intervals(tasks: int) -> None:
    rng = np.random.default_rng(tasks)
    ends = []
    for _ in range(300):
        scores = rng.normal(0, 1, (tasks, 1)) + rng.normal(0, 1, (tasks, 4)) + [0.5, 0.0, 0.0, 0.0]
        rate = Contest.of(Games.of_scores(scores)).win_rates[0]
        ends.append((rate.low or 0.0, rate.high or 0.0))
    truth = stats.norm.cdf(0.5 / np.sqrt(2))
    assert 0.925 <= np.mean([low <= truth <= high for low, high in ends]) <= 0.98


def test_players_that_always_won_or_never_met_the_others_are_named() -> None:
    unbeaten = Games.of(3, [0, 0, 1, 2], [1, 2, 2, 1], [1, 1, 1, 1])
    result = Contest.of(unbeaten)
    assert result.reason.endswith("0; 1, 2. A prior of 1 ties of each player with an average one decides")
    first = result.strengths[0].value
    assert first is not None and 0 < first < 3
    pure = Contest.of(unbeaten, prior=0.0)
    assert values(pure.strengths) == [None] * 3 and "Without a prior there is no strength" in pure.reason
    assert values(pure.win_rates) == [1.0, pytest.approx(1 / 3), pytest.approx(1 / 3)]
    strangers = Games.of(4, [0, 1, 2, 3], [1, 0, 3, 2], [1, 1, 1, 1])
    assert "0, 1; 2, 3" in Contest.of(strangers).reason


def test_a_player_without_games_has_no_figure_and_changes_nobody_elses() -> None:
    alone = Contest.of(Games.of(3, [0, 1, 0], [1, 0, 1], [1, 1, 0.5]))
    without = Contest.of(Games.of(2, [0, 1, 0], [1, 0, 1], [1, 1, 0.5]))
    assert alone.strengths[2] == alone.win_rates[2] == Estimate(None, None, None, 0)
    assert values(alone.strengths[:2]) == pytest.approx(values(without.strengths))
    assert alone.reason == ""


def test_no_games_and_one_game() -> None:
    assert Contest.of(Games.of(2, [], [], [])).strengths == (Estimate(None, None, None, 0),) * 2
    assert Contest.of(Games.of_scores(np.full((3, 2), np.nan))).reason == "there are no games"
    assert Contest.of(Games.of_scores(np.zeros((3, 1)))).win_rates == (Estimate(None, None, None, 0),)
    single = Contest.of(Games.of(2, [0], [1], [1.0]))
    assert single.win_rates[0] == Estimate(1.0, None, None, 1)


def test_games_of_scores_are_those_of_two_miners_scored_on_the_same_task() -> None:
    result = Contest.of(Games.of_scores([[0.9, 0.1, np.nan], [0.5, 0.5, 0.2], [np.nan, np.nan, 1.0]]))
    assert values(result.win_rates) == pytest.approx([2.5 / 3, 1.5 / 3, 0.0])
    assert [figure.n for figure in result.win_rates] == [2, 2, 1]  # tasks


def test_games_on_the_same_task_are_no_independent_evidence() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (100, 2)) + [0.3, 0.0]
    copied = Games.of(
        2,
        np.zeros(900, int),
        np.ones(900, int),
        np.repeat(scores[:, 0] > scores[:, 1], 9),
        np.repeat(np.arange(100), 9),
    )
    once, nine_times = Contest.of(Games.of_scores(scores)).win_rates[0], Contest.of(copied).win_rates[0]
    assert [nine_times.low, nine_times.high] == pytest.approx([once.low, once.high], abs=0.002)
    assert nine_times.n == once.n == 100


def test_games_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="players run from 0 to 1"):
        Games.of(2, [0], [2], [1.0])
    with pytest.raises(ValueError, match="plays itself"):
        Games.of(2, [1], [1], [1.0])
    with pytest.raises(ValueError, match="one of each for every game"):
        Games.of(2, [1], [0, 1], [1.0])
    with pytest.raises(ValueError, match="won"):
        Games.of(2, [1], [0], [3.0])


@settings(max_examples=40)
@given(arrays(float, (1, 4, 4), elements=st.integers(0, 30).map(float)), st.permutations(range(4)))
def test_strengths_do_not_depend_on_order_and_expect_the_wins_that_were(wins, order) -> None:  # type: ignore[no-untyped-def]
    wins[0][np.diag_indices(4)] = 0.0
    result = bradley_terry(wins)[0]
    moved = bradley_terry(wins[:, order][:, :, order])[0]
    assert moved == pytest.approx(result[list(order)], nan_ok=True)
    assert bradley_terry(wins.swapaxes(1, 2))[0] == pytest.approx(-result, nan_ok=True, abs=1e-9)
    pure = bradley_terry(wins, prior=0.0)[0]
    if not np.isnan(pure).any():  # at the maximum each player's expected wins are its wins
        chances = 1 / (1 + np.exp(pure[None, :] - pure[:, None]))
        assert ((wins[0] + wins[0].T) * chances).sum(axis=1) == pytest.approx(wins[0].sum(axis=1), abs=1e-6)
