"""Evolution of strategies: its closed form, its intervals and its page."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab.studies.ecology import STUDY
from lab.studies.ecology.config import EcologyConfig
from lab.studies.ecology.evolution import evolve
from lab.studies.study import simulate

SMALL = EcologyConfig(
    detections=(0.1, 0.9), cheating_costs=(0.1,), concealments=(None, 0), seeds=5, generations=60, measured=20
)


def test_with_honest_validators_cheating_spreads_where_the_closed_form_says_so() -> None:
    config = replace(SMALL, concealments=(None,), generations=200, measured=50)
    easy, hard = evolve(config).cells
    assert config.invades(easy.detection, easy.cheating_cost) > 0 > config.invades(hard.detection, hard.cheating_cost)
    assert easy.cheaters.value is not None and easy.cheaters.value > 0.8
    assert hard.cheaters.value is not None and hard.cheaters.value < 0.2
    assert easy.copiers.value == hard.copiers.value == 0.0


def test_copying_spreads_while_weights_are_visible_and_not_where_hiding_makes_them_stale() -> None:
    config = replace(SMALL, detections=(0.9,), concealments=(0, 20), generations=700, measured=100)
    visible, hidden = evolve(config).cells
    assert (visible.copiers.value or 0.0) > 0.8 > 0.3 > (hidden.copiers.value or 0.0)


def test_the_closed_form_compares_what_a_cheater_saves_with_what_it_loses() -> None:
    config = EcologyConfig(least_quality=0.6, working_cost=0.5)
    assert np.isclose(config.invades(1 - 0.8, 0.5), 0.0)
    assert np.isclose(config.invades(1.0, 0.0), -0.5)


def test_the_same_config_gives_the_same_course_and_starts_as_it_says() -> None:
    first, second = evolve(SMALL), evolve(SMALL)
    assert np.array_equal(first.cheaters, second.cheaters) and np.array_equal(first.copiers, second.copiers)
    assert np.abs(first.cheaters[0] - 0.5).max() < 1.5 / SMALL.miners
    assert all(cell.cheaters.n == 5 for cell in first.cells)


@pytest.mark.slow
def test_a_run_leaves_a_page_with_a_phase_diagram_for_each_kind_of_validation(tmp_path: Path) -> None:
    data = simulate(STUDY, tmp_path, config=SMALL)
    sections = {section.key: section for section in STUDY.page(data).sections}
    assert [*sections] == ["phases_honest", "phases_hidden_0", "validators", "course"]
    assert [len(section.rows) for section in sections.values()] == [2, 2, 2, 0]
    with (tmp_path / "ecology.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(data.cells) == len(STUDY.summary(data)["cells"]) == 4
    assert (tmp_path / "phases_honest.png").is_file() and (tmp_path / "course.png").is_file()
