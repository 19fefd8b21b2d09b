"""The retention study against the published plots and the closed form."""

import csv
from pathlib import Path

import numpy as np
import pytest

from lab.studies.retention import RetentionConfig, Setting, least_utility, plot, plot_lines, retention, run, settings
from lab.studies.retention_published import PUBLISHED

SMALL = RetentionConfig(
    neurons=64, validators=16, utility_steps=6, grid_stake_shares=(0.6, 0.8), line_points=3, seeds=2
)


def test_the_published_line_is_reproduced_within_five_thousandths() -> None:
    config = RetentionConfig(grid_stake_shares=(), lines=(Setting("yuma1"), Setting("noise 0.2", noise=0.2)))
    for line in retention(config).lines:
        needed = np.array([estimate.value for estimate in line.needed])
        assert np.abs(needed - PUBLISHED[line.setting.name]).max() < 0.005, line.setting.name
        assert all(estimate.n == 3 and estimate.low is not None for estimate in line.needed)


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


def test_a_run_leaves_tables_and_pictures(tmp_path: Path) -> None:
    data = run(tmp_path, config=SMALL)
    with (tmp_path / "retention_lines.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(data.lines) * 3
    with (tmp_path / "retention_grid.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2 * 6 * 6
    for name in ("retention.svg", "retention_lines.svg"):
        assert (tmp_path / name).read_text().startswith("<?xml")


def test_a_picture_can_be_drawn_into_given_axes() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    data = retention(SMALL)
    assert plot(data, ax=figure.add_subplot(121)) is figure
    assert plot_lines(data, ["yuma1"], ax=figure.add_subplot(122)) is figure
