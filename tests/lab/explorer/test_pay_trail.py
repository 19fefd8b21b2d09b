"""Pay trails: every step is there, and they add up to what the chain paid, to the rao."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.config.run_config import RunConfig
from lab.errors import AuditError, RecordError
from lab.explorer.pay.shares import STEPS
from lab.explorer.pay.trail import PayTrails
from lab.explorer.pay.waterfall import headline, waterfall
from lab.record.entries import Epoch
from lab.record.record import RunRecord
from lab.record.run_folder import open_run
from lab.report.html import chart
from tests.lab.records import Bodies, copy_of, make_config, make_record, rewrite

ROOT = Path(__file__).parents[3]
SHIPPED = [path for path in sorted((ROOT / "configs").rglob("*.toml")) if "miners" in tomllib.loads(path.read_text())]
KEPT = sorted((ROOT / "tests/lab/kept_records").iterdir())


@pytest.fixture(scope="module")
def trails(record: RunRecord) -> PayTrails:
    return PayTrails.of(record)


def with_known_miners(path: Path) -> RunConfig:
    """A shipped config's chain, validators and neurons; its miners say digits, each with a skill of its own."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    neurons = {"name", "count", "coldkey", "stake"}
    miners: list[dict[str, Any]] = [
        {key: value for key, value in miner.items() if key in neurons}
        | {"name": miner.get("name", miner.get("kind")), "kind": "tests.lab.records:Sayer", "right": 0.9 / (place + 1)}
        for place, miner in enumerate(table["miners"])
    ]
    validators = [
        {key: value for key, value in validator.items() if key not in ("scorer", "share_answers")}
        for validator in table.get("validators", [{}])
    ]
    chain = table.get("chain", {}) | {"epochs": 2, "rounds_per_epoch": 2}
    return make_config(seed=table.get("seed", 0), miners=miners, validators=validators, chain=chain)


def check_sums(record: RunRecord) -> None:
    """Compare each trail with the record, and each step with the pot that it divides."""
    trails, epochs = PayTrails.of(record), [Epoch.of(entry) for entry in record.entries("epoch")]
    assert len(trails.epochs) == len(epochs) > 0
    for name, uid in zip(trails.names, trails.uids, strict=True):
        for epoch in epochs:
            trail = trails.of_miner(name, epoch.number)
            assert [step.key for step in trail.steps] == list(STEPS[:-1])
            assert sum(step.delta_rao for step in trail.steps) == trail.paid_rao == epoch.pay.paid[uid]
        whole = trails.of_miner(name)
        assert sum(step.delta_rao for step in whole.steps) == sum(epoch.pay.paid[uid] for epoch in epochs)
    for shares, epoch in zip(trails.epochs, epochs, strict=True):
        together = dict(zip(STEPS, shares.amounts_rao.sum(axis=1).tolist(), strict=True))
        slack = 2 * len(trails.uids) * (shares.half_rao / 2**32 + 1)  # a share is a whole number of 1 / 2^32
        for step in STEPS:
            if step == "clipping":
                assert together[step] <= together["chain"]
            elif STEPS.index(step) > STEPS.index("clipping"):  # nobody is paid if validators agree on nobody
                recycled = epoch.pay.recycled if step in ("tokens", "dividends") else 0
                expected = shares.half_rao - recycled if together["clipping"] else 0
                assert together[step] == pytest.approx(expected, abs=slack), step
            else:
                assert together[step] == pytest.approx(shares.half_rao, abs=slack), step


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_steps_add_up_to_the_pay_of_every_miner_of_every_shipped_config(path: Path, tmp_path: Path) -> None:
    with make_record(tmp_path, with_known_miners(path)) as record:
        check_sums(record)


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.name)
def test_the_steps_add_up_to_the_pay_in_every_kept_record(kept: Path, tmp_path: Path) -> None:
    with open_run(kept) as record:
        check_sums(record)


@pytest.mark.parametrize("version", ["yuma1", "liquid_alpha_v1", "whitepaper", "nakamoto", "null"])
def test_the_steps_add_up_under_older_rules_of_consensus(version: str, tmp_path: Path) -> None:
    chain = {"epochs": 2, "rounds_per_epoch": 2, "hyperparameters": {"yuma_version": version}}
    with make_record(tmp_path, make_config(chain=chain)) as record:
        trails = PayTrails.of(record)
        paid = [epoch.pay.paid for epoch in map(Epoch.of, record.entries("epoch"))]
    for name, uid in zip(trails.names, trails.uids, strict=True):
        assert sum(step.delta_rao for step in trails.of_miner(name).steps) == sum(row[uid] for row in paid)


def test_a_grade_that_the_others_do_not_share_is_cut_by_clipping(tmp_path: Path) -> None:
    validators = [
        {"name": "many", "count": 2},
        {"name": "friend", "kind": "favourite", "uids": [6], "share": 0.9},
    ]
    with make_record(tmp_path, make_config(validators=validators)) as record:
        trail = PayTrails.of(record).of_miner("poor")
    by_key = {step.key: step for step in trail.steps}
    assert by_key["weights"].delta_rao > 0
    assert by_key["clipping"].delta_rao < 0
    assert "friend (favourite)" in by_key["weights"].reason
    assert "cut" in by_key["clipping"].reason


def test_a_silent_miner_loses_its_part_with_its_raw_scores_and_the_faults_are_named(trails: PayTrails) -> None:
    trail = trails.of_miner("mute")
    equal, scores = trail.steps[:2]
    assert scores.delta_rao == -equal.after_rao
    assert "timeout" in scores.reason
    assert trail.paid_rao == 0
    assert "took 100 % of an equal part" in headline(trail)


def test_pay_is_worth_what_its_sale_brings(tmp_path: Path) -> None:
    with make_record(tmp_path, make_config(chain={"epochs": 2, "rounds_per_epoch": 1, "rules": "2026-08"})) as record:
        trails = PayTrails.of(record)
    market = trails.config.pay_market()
    assert market is not None
    trail = trails.of_miner("perfect")
    paid = [row[0] for row in trails.paid_rao]
    assert trail.tao == pytest.approx(sum(market.sale(rao).tao_rao for rao in paid) / 1e9)
    assert trail.usd == pytest.approx(trail.tao * market.tao_usd)


def test_a_miner_is_known_by_its_uid_too(trails: PayTrails) -> None:
    assert trails.of_miner("3").miner == "perfect"


@pytest.mark.parametrize(
    ("miner", "epoch", "words"),
    [
        ("nobody", None, "no miner is called 'nobody'; known: perfect, good"),
        ("99", None, "no miner is called '99'"),
        ("²", None, "no miner is called '²'"),
        ("steady-0", None, "'steady-0' is a validator"),
        ("good", 9, "epoch 10 is not in the record; known: 1 to 4"),
    ],
)
def test_what_is_not_in_the_record_is_refused_by_name(
    miner: str, epoch: int | None, words: str, trails: PayTrails
) -> None:
    with pytest.raises(RecordError, match=words.replace("(", r"\(")):
        trails.of_miner(miner, epoch)


def test_before_the_first_epoch_there_is_nothing_to_explain(tmp_path: Path) -> None:
    with make_record(tmp_path, epochs=0) as record, pytest.raises(RecordError, match="no epoch is complete yet"):
        PayTrails.of(record).of_miner("good")


def test_a_payout_that_the_chain_would_not_make_is_not_explained(record: RunRecord, tmp_path: Path) -> None:
    folder = copy_of(record, tmp_path)

    def forge(entries: list[tuple[str, str, dict[str, Any]]]) -> None:
        paid = next(body for kind, _, body in entries if kind == "epoch")["pay"]["paid"]
        paid[3] += 1

    rewrite(folder, forge)
    with open_run(folder) as forged, pytest.raises(AuditError, match="'perfect' was paid"):
        PayTrails.of(forged)


def short_pay(entries: Bodies) -> None:
    next(body for kind, _, body in entries if kind == "epoch")["pay"]["paid"] = [1]


def strange_weights(entries: Bodies) -> None:
    next(body for kind, _, body in entries if kind == "epoch")["weights"] = {"99": {"3": 1.0}}


def strange_validator(entries: Bodies) -> None:
    next(body for kind, _, body in entries if kind == "round")["validator"] = 77


def strange_miner(entries: Bodies) -> None:
    next(body for kind, _, body in entries if kind == "start")["neurons"][4]["uid"] = 50


@pytest.mark.parametrize("change", [short_pay, strange_weights, strange_validator, strange_miner])
def test_a_record_about_other_neurons_is_refused(
    change: Callable[[Bodies], None], record: RunRecord, tmp_path: Path
) -> None:
    folder = copy_of(record, tmp_path)
    rewrite(folder, change)
    with open_run(folder) as forged, pytest.raises(AuditError, match="neurons"):
        PayTrails.of(forged)


def test_a_hostile_name_is_harmless_in_the_headline_and_the_chart(trails: PayTrails) -> None:
    trail = replace(trails.of_miner("good"), miner="<script>\x1b[31m$x$")
    drawn = chart(waterfall(trail))
    assert "<script" not in drawn.wide
    assert "\x1b" not in drawn.wide


def test_the_command_prints_every_step_and_its_reason(record: RunRecord) -> None:
    result = CliRunner().invoke(app, ["explain", str(record.folder), "injector", "--trust"])
    assert result.exit_code == 0, result.output
    assert "clipping to consensus:" in result.stdout
    assert "malformed" in result.stdout


def test_json_has_the_steps_and_their_sum(record: RunRecord) -> None:
    result = CliRunner().invoke(app, ["explain", str(record.folder), "good", "--epoch", "2", "--json", "--trust"])
    assert result.exit_code == 0, result.output
    trail = json.loads(result.stdout)
    assert trail["epochs"] == [2]
    assert sum(step["delta_rao"] for step in trail["steps"]) == trail["paid_rao"]
