"""Validators that depend on each other, in the economy of a run."""

from pathlib import Path
from typing import Any

import pytest

from lab.config.run_config import RunConfig
from lab.errors import ConfigError
from lab.record.entries import Epoch
from lab.run.audit import audit
from tests.lab.records import MINERS, make_config, make_record


def epochs(folder: Path, **tables: Any) -> list[Epoch]:
    record = make_record(folder, make_config(**tables))
    audit(record)
    return [Epoch.model_validate(entry.body) for entry in record.entries("epoch")]


def test_a_score_sharer_and_a_late_copier_say_what_the_worker_says_and_pass_the_audit(tmp_path: Path) -> None:
    validators = [{"name": "late", "kind": "late_copier"}, {"name": "worker"}, {"kind": "score_sharer", "partner": 1}]
    for epoch in epochs(tmp_path / "run", validators=validators):
        assert epoch.weights[2] == epoch.weights[1]
        assert epoch.weights[0] == pytest.approx(epoch.weights[1])


def test_a_poison_pill_turns_at_its_epoch(tmp_path: Path) -> None:
    validators = [{"name": "worker", "count": 2}, {"kind": "poison_pill", "uids": [3], "after": 2, "name": "pill"}]
    rows = [epoch.weights[2] for epoch in epochs(tmp_path / "run", validators=validators)]
    assert [row == {3: 1.0} for row in rows] == [False, False, True, True]


def test_pay_for_the_owners_uid_is_recycled(tmp_path: Path) -> None:
    miners = [*MINERS, {"name": "burn", "kind": "echo", "coldkey": "owner"}]
    rule = {"kind": "burn", "uid": 8, "share": 0.5}
    tables: dict[str, Any] = {"miners": miners, "validators": [{"name": "v", "count": 2, "weight_rule": rule}]}
    kept, burnt = (
        epochs(
            tmp_path / str(recycled),
            **tables,
            chain={"epochs": 2, "hyperparameters": {"recycle_owner_incentive": recycled}},
        )[-1]
        for recycled in (False, True)
    )
    assert kept.pay.paid[8] == pytest.approx(sum(kept.pay.paid[2:]) / 2, rel=1e-3)
    assert burnt.pay.paid[8] == 0 and burnt.pay.recycled >= kept.pay.paid[8] > 0
    assert burnt.pay.paid[2:8] == kept.pay.paid[2:8]


def test_scores_of_a_validator_that_asks_nobody_are_refused() -> None:
    with pytest.raises(ConfigError, match="sharer takes the scores of uid 0, which is no validator that asks"):
        make_config(validators=[{"name": "sharer", "kind": "score_sharer"}, {"name": "worker"}])
    with pytest.raises(ConfigError, match="uids of these: 0"):
        make_config(validators=[{"name": "worker"}, {"name": "sharer", "kind": "score_sharer", "partner": 9}])
    assert isinstance(make_config(validators=[{"name": "w"}, {"kind": "score_sharer", "name": "s"}]), RunConfig)
