"""What copying earns: its shape, its table and its pictures."""

import csv
from pathlib import Path

import numpy as np

from lab.studies.study import simulate
from lab.studies.weight_copying import STUDY
from lab.studies.weight_copying.config import CopyingConfig, variants
from lab.studies.weight_copying.gains import weight_copying

SMALL = CopyingConfig(concealments=(0, 5), churns=(0.05, 0.4), seeds=5, miners=16, epochs=30, measured_epochs=10)


def test_copying_pays_where_miners_hardly_change_and_concealment_stops_it_where_they_do() -> None:
    config = CopyingConfig(concealments=(0, 10), churns=(0.05, 0.15), variants=variants()[:1], seeds=3)
    gains = weight_copying(config).gains.mean(axis=1)[:, 0]
    assert 1.03 < gains[0, 0] < 1.06
    assert 0.99 < gains[1, 0] < 1.04
    assert 0.83 < gains[1, 1] < 0.93


def test_every_row_carries_its_interval_and_the_same_seed_gives_the_same_table() -> None:
    heard: list[tuple[int, int]] = []
    first = weight_copying(SMALL, progress=lambda done, total: heard.append((done, total)))
    assert np.array_equal(first.gains, weight_copying(SMALL).gains)
    assert heard[-1][0] == heard[-1][1] == 2 * 5 * 30
    assert len(first.rows) == 2 * 2 * len(variants())
    for row in first.rows:
        assert row.gain.n == 5
        assert row.gain.value is not None and row.gain.low is not None and row.gain.high is not None
        assert row.gain.low <= row.gain.value <= row.gain.high


def test_a_run_leaves_a_page_and_a_picture_for_each_churn(tmp_path: Path) -> None:
    data = simulate(STUDY, tmp_path, config=SMALL)
    with (tmp_path / "weight_copying.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(data.rows) == len(STUDY.summary(data)["rows"])
    assert {"variant", "churn", "concealment_epochs", "gain", "gain_low", "gain_high"} <= set(rows[0])
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "weight_copying_churn_0.05.png",
        "weight_copying_churn_0.4.png",
    ]
    sections = STUDY.page(data).sections
    assert [len(section.rows) for section in sections] == [len(variants())] * 2
    assert (tmp_path / "index.html").stat().st_size > 1000
