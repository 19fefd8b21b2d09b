"""Pay under the chain's rules for money: alpha, TAO after the sale, dollars; without rules nothing changes."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from consensus.amounts import TAO
from lab.config.prices import PriceTable
from lab.config.run_config import RunConfig
from lab.errors import ConfigError
from lab.record.entries import Epoch
from lab.report.run_report import as_json, sections
from lab.results.run_figures import RunFigures
from lab.run.earnings import earnings

from .records import make_config, make_record

RULES = {"epochs": 2, "rounds_per_epoch": 1, "rules": "2026-08"}


def figures(folder: Path, **chain: Any) -> RunFigures:
    config = make_config(chain=RULES | chain, prices={"token_usd": 300.0})
    return RunFigures.of(make_record(folder / "run", config))


def test_pay_is_alpha_whose_sale_brings_tao_and_dollars(tmp_path: Path) -> None:
    run = figures(tmp_path, pool={"alpha": 1_000_000.0, "tao": 50_000.0})
    assert run.worth is not None and run.worth.price == pytest.approx(0.05)
    by_name = {miner.name: miner for miner in run.results.miners}
    for miner in run.worth.miners:
        earned = by_name[miner.name].earned
        assert miner.alpha == pytest.approx(earned)
        if earned:
            assert miner.impact is not None and 0 < miner.impact < 1e-3
            assert miner.tao == pytest.approx(earned * 0.05 * (1 - 33 / 65535) * (1 - miner.impact), rel=1e-6)
            assert miner.usd == pytest.approx(300 * miner.tao)
    assert sum(miner.alpha for miner in run.worth.miners) == pytest.approx(2 * 360 * 0.41, rel=1e-3)


def test_a_block_mints_less_once_half_of_the_alpha_is_issued(tmp_path: Path) -> None:
    run = figures(tmp_path, pool={"alpha": 5_000_000.0, "tao": 50_000.0, "outstanding": 6_000_000.0})
    assert sum(miner.earned for miner in run.results.miners) == pytest.approx(360 * 0.41, rel=1e-3)


def test_before_alpha_pay_was_tao_half_of_it_for_miners(tmp_path: Path) -> None:
    run = figures(tmp_path, rules="2023")
    assert run.worth is not None and not run.worth.has_alpha
    assert sum(miner.tao for miner in run.worth.miners) == pytest.approx(2 * 360 * 0.5, rel=1e-3)
    assert {miner.alpha for miner in run.worth.miners} == {0.0}


def test_the_report_has_a_section_on_what_pay_is_worth_behind_the_pay(tmp_path: Path) -> None:
    run = figures(tmp_path)
    shown = sections(run, short=True)
    keys = [section.key for section in shown]
    assert keys[keys.index("pay") + 1] == "worth"
    assert "alpha at 0.02 τ before each sale" in shown[keys.index("worth")].caption.shows
    assert as_json(run)["worth"]["rules"] == "2026-08"


def test_without_rules_the_report_is_as_it_was(tmp_path: Path) -> None:
    run = RunFigures.of(make_record(tmp_path / "run", make_config(chain={"epochs": 1, "rounds_per_epoch": 1})))
    assert run.worth is None and "worth" not in as_json(run)
    assert "worth" not in [section.key for section in sections(run, short=True)]


def test_a_miner_learns_what_the_sale_of_its_pay_brings() -> None:
    market = make_config(chain=RULES, prices={"token_usd": 300.0}).pay_market()
    assert market is not None
    epoch = cast(Epoch, SimpleNamespace(number=0, pay=SimpleNamespace(paid=(100 * TAO, 1))))
    pay = earnings(epoch, [], (0, 1), PriceTable(token_usd=300.0), market)
    assert pay[0].earned_usd == pytest.approx(100 * 0.02 * 300, rel=1e-3) and pay[0].earned_usd < 600
    assert pay[1].earned_usd == 0.0


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ({"rules": "2024"}, "chain.rules: give '2026-08', '2026-06'"),
        ({"pool": {"alpha": 5.0}}, "chain.pool: there is alpha only under chain.rules 2026-08, 2026-06"),
        ({"rules": "2023", "pool": {"alpha": 5.0}}, "chain.pool: there is alpha only under chain.rules"),
        ({"rules": "2026-08", "pool": {"alpha": 0.0}}, "chain.pool.alpha: give a number above 1"),
        (
            {"rules": "2026-08", "pool": {"alpha": 1e6, "tao": 2e6, "alpha_weight": 1.0}},
            "chain.pool.alpha_weight: give",
        ),
        (
            {"rules": "2026-08", "pool": {"tao": 1.5, "alpha": 1.5}, "hyperparameters": {"tempo": 50_000}},
            "chain.pool: ",
        ),
    ],
)
def test_a_market_that_can_not_be_is_refused_by_name(chain: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_config(chain={"epochs": 1} | chain)
    assert message in str(refused.value) and len(str(refused.value).splitlines()) == 1


def test_a_config_survives_its_record() -> None:
    config = make_config(chain=RULES | {"pool": {"alpha": 1e6}})
    assert RunConfig.parse(json.loads(json.dumps(config.model_dump(mode="json")))) == config
