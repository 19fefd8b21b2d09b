"""A lean run pays what a run of the same config pays, and refuses what it can't play."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.config.run_config import RunConfig
from lab.errors import ConfigError
from lab.record.entries import Epoch
from lab.run.audit import audit
from lab.run.session import run
from lab.world.lean_run import LeanRun


def config(**changes: Any) -> RunConfig:
    table: dict[str, Any] = {
        "seed": 5,
        "subnet": {"kind": "lab.world.work:GradedWork", "noise": 0.1},
        "miners": [
            {"name": "good", "kind": "lab.world.skilled:Skilled", "quality": 0.8, "spread": 0.1, "cost_usd": 0.01},
            {"name": "poor", "kind": "lab.world.skilled:Skilled", "quality": 0.4, "spread": 0.1},
        ],
        "validators": [
            {"name": "all", "kind": "honest"},
            {"name": "some", "kind": "inverter", "sampler": {"kind": "random_k", "k": 1}},
        ],
        "chain": {"epochs": 4, "rounds_per_epoch": 2},
        "pool": {"kind": "local"},
    }
    return RunConfig.parse(table | changes)


@pytest.mark.slow
def test_a_lean_run_pays_what_an_audited_run_of_the_same_config_pays(tmp_path: Path) -> None:
    with run(config(), tmp_path / "run") as record:
        paid = [Epoch.of(entry).pay.paid for entry in record.entries("epoch")]
        assert audit(record).epochs == 4
    assert LeanRun(config()).play().paid.tolist() == [list(map(float, row)) for row in paid]


def test_answers_cost_what_they_spend_and_have_the_quality_of_their_miner() -> None:
    history = LeanRun(config()).play()
    good, poor = history.of("good")[0], history.of("poor")[0]
    assert history.cost_usd[:, good].min() > 0.0 and history.cost_usd[:, poor].sum() == 0.0
    assert np.nanmean(history.quality[:, good]) == pytest.approx(0.8, abs=0.1)
    assert history.graded[:, 0].tolist() == [4.0] * 4 and history.graded[:, 1].tolist() == [2.0] * 4


def test_a_miner_that_raises_or_refuses_is_charged_with_the_fault() -> None:
    picky = {"name": "picky", "kind": "lab.world.skilled:Skilled", "min_stake": 1e6}
    crashing = {"name": "crashing", "kind": "crashing"}
    history = LeanRun(config(miners=[*config().model_dump(mode="json")["miners"], picky, crashing])).play()
    assert history.quality[:, history.of("picky")[0]].tolist() == [0.0] * 4
    assert history.quality[:, history.of("crashing")[0]].tolist() == [0.0] * 4


def test_a_lean_run_refuses_miners_that_need_an_engine() -> None:
    with pytest.raises(ConfigError, match="miner reader needs an engine"):
        LeanRun(config(miners=[{"name": "reader", "kind": "tesseract"}]))


def test_the_same_seed_gives_the_same_history_and_another_seed_another() -> None:
    first, again, other = (LeanRun(config(seed=seed)).play().paid for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()
