"""Graders that need no judge, on recorded answers with colluders added."""

from dataclasses import replace

import numpy as np
import pytest

from lab.studies.grading.grades import GradingData
from lab.studies.grading.page.recorded import recorded_sections
from lab.studies.grading.peers.recorded import Cast, recorded_crowd
from subnets import Items
from tests.lab.studies.test_grading_tables import study

TASKS, K = 120, 3
ACCURACIES = (0.9, 0.75, 0.6, 0.4)


@pytest.fixture(scope="module")
def data() -> GradingData:
    """Four honest miners, the last of whom is the validator's, and an adversary that is always wrong in its own way."""
    rng = np.random.default_rng(3)
    right = np.hstack([rng.random((TASKS, 4)) < ACCURACIES, np.zeros((TASKS, 1), np.bool_)])
    said = np.where(right, 0, rng.integers(1, K + 1, right.shape))
    items = [
        Items.single([int(name) for name in names], K, [float(is_right) for is_right in row])
        for names, row in zip(said, right, strict=True)
    ]
    return replace(study(right.astype(float), cheats=1), items=tuple(items))


def test_a_recorded_crowd_has_the_answers_as_they_were(data: GradingData) -> None:
    cast = Cast.of(data)
    assert cast == Cast(own=3, honest=(2, 1, 0), adversaries=(4,))
    crowd = recorded_crowd(data, cast, 0.0, "key", seed=1)
    assert crowd is not None and crowd.gold == 12 and crowd.answers.shape == (TASKS, 5)
    means = data.quality.mean(axis=0)
    assert crowd.right.mean(axis=0) == pytest.approx(means[[3, 2, 1, 0, 4]])


def test_colluders_share_one_wrong_answer_or_the_validators(data: GradingData) -> None:
    cast = Cast.of(data)
    assert cast is not None
    key, mimic = (recorded_crowd(data, cast, 0.5, scheme, seed=1) for scheme in ("key", "mimic"))  # type: ignore[arg-type]
    assert key is not None and mimic is not None and len(key.colluders) == 3
    bloc = key.answers[:, list(key.colluders)]
    assert (bloc == bloc[:, :1]).all() and not key.right[:, list(key.colluders)].any()
    assert (mimic.answers[:, list(mimic.colluders)] == mimic.answers[:, [0]]).all()


def test_the_section_shows_who_is_deceived(data: GradingData) -> None:
    (section,) = recorded_sections(data)
    rows = {row[0]: dict(zip((column.key for column in section.columns), row, strict=True)) for row in section.rows}
    assert rows["jury"]["ranking_0"] == rows["jury"]["ranking_0.5"] == 1.0
    assert rows["jury"]["premium"] <= 0.0 < rows["own answer"]["premium"]
    assert rows["output agreement"]["premium"] > 0.0
    assert rows["jury"]["premium_e"] < 0.0 and rows["jury"]["gold"] == 12 and rows["own answer"]["gold"] == 0


def test_answers_that_can_not_be_compared_or_too_few_miners_have_no_section(data: GradingData) -> None:
    assert recorded_sections(replace(data, items=(None,) * TASKS)) == []
    assert recorded_sections(study(np.ones((4, 3)), cheats=1)) == []
