"""The retention study against the published plots and the closed form."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lab.studies.retention import STUDY
from lab.studies.retention.config import RetentionConfig
from lab.studies.retention.draws import chacha12, normals, std_rng
from lab.studies.retention.guarantee import least_utility, retention
from lab.studies.retention.page import summary
from lab.studies.retention.settings import PUBLISHED, Setting, settings
from lab.studies.study import simulate

SMALL = RetentionConfig(
    neurons=64, validators=16, utility_steps=6, grid_stake_shares=(0.6, 0.8), line_points=3, seeds=2
)


@pytest.mark.slow
def test_every_published_point_is_met_with_the_draw_that_upstream_used() -> None:
    published = tuple(setting for setting in settings() if setting.name in PUBLISHED)
    assert len(published) == len(PUBLISHED) == 9
    for line in retention(RetentionConfig(grid_stake_shares=(), lines=published, seeds=1)).lines:
        assert line.published is not None
        assert np.abs(line.draws[:, 0] - line.published).max() < 0.0025, line.setting.name


def test_a_point_of_a_line_has_the_mean_of_its_draws_and_an_interval() -> None:
    line = retention(RetentionConfig(grid_stake_shares=(), lines=(Setting("yuma1"),), line_points=2)).lines[0]
    assert line.draws.shape == (2, 5)
    for estimate, draws in zip(line.needed, line.draws, strict=True):
        assert estimate.n == 5 and estimate.low is not None and len(set(draws)) == 5
        assert estimate.value == pytest.approx(draws.mean())


def test_the_stream_is_that_of_rusts_standard_generator() -> None:
    first = chacha12([1, 23, 456, 7890, 0, 0, 0, 0], 10).astype(object)  # the value test of rand 0.8's StdRng:
    second = chacha12(first[2:].tolist(), 2).astype(object)  # one generator, then another under a key from it
    assert first[0] + (first[1] << 32) == 10719222850664546238
    assert second[0] + (second[1] << 32) == 14064965282130556830
    assert np.array_equal(std_rng(7, 5), std_rng(7, 100)[:5])
    drawn = normals(std_rng(0, 40_000))
    assert len(drawn) == 20_000
    assert abs(drawn.mean()) < 0.03 and abs(drawn.std() - 1) < 0.02


def test_without_noise_the_closed_form_is_met() -> None:
    config = RetentionConfig(grid_stake_shares=(), lines=(Setting("noise 0", noise=0.0),), line_points=6, seeds=1)
    needed = {
        round(x, 1): e.value for x, e in zip(np.linspace(0, 1, 6), retention(config).lines[0].needed, strict=True)
    }
    assert needed[0.4] == pytest.approx(0.6, abs=1e-3)
    assert needed[1.0] == pytest.approx(5 / 9, abs=2e-3)


def test_the_least_utility_is_interpolated_and_missing_where_nothing_suffices() -> None:
    utilities = np.array([0.0, 0.5, 1.0])
    assert least_utility(utilities, np.array([0.2, 0.4, 0.8]), 0.6) == pytest.approx(0.75)
    assert least_utility(utilities, np.array([0.7, 0.8, 0.9]), 0.6) == 0.0
    assert np.isnan(least_utility(utilities, np.array([0.2, 0.4, 0.5]), 0.6))


def test_every_setting_runs_and_the_same_seeds_give_the_same_data_on_any_number_of_threads() -> None:
    heard: list[tuple[int, int]] = []
    first = retention(SMALL, progress=lambda done, total: heard.append((done, total)))
    assert {line.setting.name for line in first.lines} == {setting.name for setting in settings()}
    assert heard[-1] == (len(heard), len(heard))
    alone = retention(RetentionConfig(**{name: getattr(SMALL, name) for name in SMALL.__slots__} | {"workers": 1}))
    assert np.array_equal(first.honest_emission, alone.honest_emission, equal_nan=True)
    assert [line.needed for line in first.lines] == [line.needed for line in alone.lines]


def test_a_run_leaves_a_page_its_pictures_and_long_tables(tmp_path: Path) -> None:
    data = simulate(STUDY, tmp_path, config=SMALL)
    with (tmp_path / "retention_lines.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(data.lines) * 3
    assert {"setting", "cabal_utility", "needed", "needed_low", "published", "same_draw"} <= set(rows[0])
    with (tmp_path / "retention_grid.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2 * 6 * 6
    sections = {section["key"]: section for section in json.loads((tmp_path / "result.json").read_text())["sections"]}
    assert [row["setting"] for row in sections["retention"]["rows"]] == [line.setting.name for line in data.lines]
    assert [row["stake_share"] for row in sections["grid"]["rows"]] == [0.6, 0.8]
    for name in ("index.html", "retention.png", "grid.png"):
        assert (tmp_path / name).stat().st_size > 1000


def test_the_worst_point_of_a_line_is_unknown_where_nothing_suffices() -> None:
    # An honest side with half of the stake and kappa above it can't hold its share against the cabal.
    lines = (Setting("yuma1"), Setting("hopeless", stake_share=0.3))
    data = retention(RetentionConfig(grid_stake_shares=(), lines=lines, line_points=3, seeds=2))
    known, hopeless = summary(data)["lines"]
    assert known["needed"] == max(estimate.value or 0.0 for estimate in data.lines[0].needed)
    assert hopeless["needed"] is None and hopeless["published"] is None
    assert STUDY.page(data).sections[0].rows[1][1] == "never enough"
