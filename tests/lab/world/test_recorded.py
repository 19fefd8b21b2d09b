"""Recorded answers are drawn again with their grades and costs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.config.run_config import RunConfig
from lab.world.lean_run import LeanRun
from lab.world.recorded import recorded
from tests.lab.records import make_record


def test_answers_are_drawn_again_with_their_recorded_grades_and_costs(tmp_path: Path) -> None:
    with make_record(tmp_path) as record:
        folder = record.folder
    rounds = recorded(folder)
    names = sorted({name for answers in rounds for name in answers})[:2]
    table: dict[str, Any] = {
        "subnet": {"kind": "lab.world.recorded:RecordedWork", "run": str(folder)},
        "miners": [
            {"name": name, "kind": "lab.world.recorded:Redrawn", "run": str(folder), "miner": name} for name in names
        ],
        "validators": [{"name": "v", "count": 2}],
        "chain": {"epochs": 60, "rounds_per_epoch": 1},
    }
    history = LeanRun(RunConfig.parse(table)).play()
    for place, name in enumerate(names, start=2):
        known = [answers[name] for answers in rounds if name in answers]
        grades = [answer.grade for answer in known] + [0.0] * (len(rounds) - len(known))
        assert np.nanmean(history.quality[:, place]) == pytest.approx(np.mean(grades), abs=0.15)
        assert history.cost_usd[:, place].max() <= 2 * max(answer.cost_usd for answer in known) + 1e-12
