"""`chain emission` and `chain takeover`: figures of the public chain from a snapshot, and one line for a bad one."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from consensus.amounts import TAO
from consensus.errors import ConsensusError
from lab.cli.main import app

VECTORS = Path(__file__).parents[1] / "consensus/vectors/emission_block.json"


def answer(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["chain", *words, "--json"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def text(*words: str) -> str:
    result = CliRunner().invoke(app, ["chain", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*words: str) -> str:
    """Run a command that fails and return the line that says why."""
    error = CliRunner().invoke(app, ["chain", *words], standalone_mode=False).exception
    assert isinstance(error, ConsensusError | typer.BadParameter), repr(error)
    message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    assert len(message.splitlines()) == 1
    return message


def snapshot(folder: Path, **changes: Any) -> str:
    """Write a snapshot of two subnets with pools."""
    subnet = {
        "moving_price_bits": 2**32 // 50,
        "alpha_reserve_rao": 2_000_000 * TAO,
        "tao_reserve_rao": 40_000 * TAO,
        "alpha_out_rao": 3_000_000 * TAO,
    }
    content: dict[str, Any] = {
        "block": 8_740_402,
        "total_issuance_rao": 11_000_000 * TAO,
        "root_stake_rao": 5_000_000 * TAO,
        "subnets": {"1": subnet, "2": subnet | {"emission_enabled": False}},
    }
    path = folder / "block.json"
    path.write_text(json.dumps(content | changes), encoding="utf-8")
    return str(path)


def test_the_public_block_is_met_and_every_subnet_is_listed() -> None:
    subnets = answer("emission", str(VECTORS))["subnets"]
    known = {netuid: row for netuid, row in subnets.items() if row["recorded_tao_rao"] is not None}
    assert len(subnets) == 126 and len(known) == 64
    assert max(abs(row["tao_rao"] - row["recorded_tao_rao"]) for row in known.values()) <= 600
    assert sum(row["share"] for row in subnets.values()) == pytest.approx(1.0)
    assert subnets["10"]["tao_rao"] == 0 and not subnets["10"]["emission_enabled"]


def test_a_miner_earns_alpha_tao_after_impact_and_dollars(tmp_path: Path) -> None:
    row = answer("emission", snapshot(tmp_path), "--incentive", "0.5", "--tao-usd", "300")["subnets"]["1"]
    assert row["miner_alpha_per_day"] == pytest.approx(1476, abs=0.1)
    assert row["price"] == pytest.approx(0.02)
    assert row["miner_impact"] == pytest.approx(1476 / 2_001_476, rel=1e-3)
    assert row["miner_tao_per_day"] == pytest.approx(
        1476 * 0.02 * (1 - row["miner_impact"]) * (1 - 33 / 65535), rel=1e-4
    )
    assert row["miner_usd_per_day"] == pytest.approx(300 * row["miner_tao_per_day"])


def test_a_pool_too_small_for_a_miners_alpha_leaves_its_tao_open(tmp_path: Path) -> None:
    tiny = {"moving_price_bits": 2**32, "alpha_reserve_rao": 1, "tao_reserve_rao": 1}
    path = snapshot(tmp_path, subnets={"1": tiny})
    row = answer("emission", path, "--tao-usd", "300")["subnets"]["1"]
    assert row["miner_alpha_per_day"] > 0 and row["miner_tao_per_day"] is None and row["miner_usd_per_day"] is None
    assert text("emission", path).splitlines()[-1].split()[-3:] == ["-", "-", "-"]


def test_terms_are_shown_where_the_snapshot_has_pools(tmp_path: Path) -> None:
    subnets = answer("emission", snapshot(tmp_path))["subnets"]
    assert subnets["1"]["tao_in_rao"] + subnets["1"]["excess_tao_rao"] == pytest.approx(subnets["1"]["tao_rao"], abs=1)
    assert subnets["1"]["alpha_out_rao"] == TAO and subnets["2"]["tao_in_rao"] == 0
    assert answer("emission", str(VECTORS))["subnets"]["1"]["tao_in_rao"] is None


def test_older_rules_divide_the_same_block_otherwise(tmp_path: Path) -> None:
    two = json.loads(Path(snapshot(tmp_path)).read_text(encoding="utf-8"))["subnets"]
    two = {
        "1": two["1"] | {"miner_burned_bits": 2**31, "user_flow_bits": 3 * 2**64},
        "2": two["1"] | {"user_flow_bits": 2**64},
    }
    path = snapshot(tmp_path, subnets=two)
    shares = {
        rules: answer("emission", path, "--rules", rules)["subnets"]["1"]["share"]
        for rules in ("2026-06", "2025-11", "2025-02", "2023")
    }
    assert shares == {
        "2026-06": pytest.approx(1 / 3),
        "2025-11": pytest.approx(0.75),
        "2025-02": pytest.approx(0.5),
        "2023": pytest.approx(0.5),
    }
    old = answer("emission", path, "--rules", "2023", "--incentive", "1.0")["subnets"]["1"]
    assert old["miner_alpha_per_day"] == 0 and old["miner_tao_per_day"] == pytest.approx(7200 * 0.5 / 2 / 2)


def test_the_table_names_the_rules_and_how_far_the_real_block_is(tmp_path: Path) -> None:
    printed = text("emission", str(VECTORS), "--tao-usd", "300")
    assert "block 8740402 under the rules of 2026-08: 0.499999960 τ for 126 subnets" in printed
    assert "known payments of 64 subnets: at most 522 rao away" in printed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subnets": {}}, "subnets: "),
        ({"subnets": {"1": {}}}, "subnets.1.moving_price_bits: missing; add it"),
        ({"subnets": {"1": {"moving_price_bits": -1}}}, "subnets.1.moving_price_bits: give an integer"),
        ({"subnets": {"0": {"moving_price_bits": 1}}}, "subnets.0"),
        ({"subnets": {"1": {"moving_price_bits": 1, "alpha_reserve_rao": 5}}}, "give both or neither"),
        ({"subnets": {"1": {"moving_price_bits": 1, "moving_prise": 5}}}, "unknown key"),
        ({"total_issuance_rao": "much"}, "total_issuance_rao: give an integer"),
        ({"total_issuance_rao": float("nan")}, "total_issuance_rao: give an integer"),
        ({"missing_weighted_share": 1.0}, "missing_weighted_share: give a number"),
        ({"gate_bar_bits": 2**65}, "gate_bar_bits: give an integer"),
    ],
)
def test_a_bad_snapshot_is_told_in_one_line_that_names_the_value(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = snapshot(tmp_path, **changes)
    line = refusal("emission", path)
    assert line.startswith(f"{path}: ") and message in line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is not JSON"),
        (b"[]", "it holds list"),
        (b"\xff\xfe{", "it is not UTF-8"),
        (b"[" * 10**5, "it is not JSON"),
    ],
    ids=("empty", "a list", "UTF-16", "deep"),
)
def test_a_file_that_is_no_snapshot_is_told_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "block.json"
    path.write_bytes(content)
    assert message in refusal("emission", str(path))
    assert "no such file" in refusal("emission", str(tmp_path / "none.json"))


def test_unknown_rules_are_told_with_the_known_ones(tmp_path: Path) -> None:
    line = refusal("emission", snapshot(tmp_path), "--rules", "2024")
    assert "--rules: '2024'; allowed: 2026-08, 2026-06, 2025-11, 2025-02, 2023" in line


def test_a_takeover_has_its_cost_its_profit_by_epoch_and_the_way_to_ownership() -> None:
    plan = answer("takeover", "--alpha", "2000000", "--tao", "40000", "--staked", "1000000", "--tao-usd", "300")
    wanted = 1_000_000 * 51 / 49
    assert plan["alpha_rao"] / TAO == pytest.approx(wanted)
    assert plan["cost_rao"] / TAO == pytest.approx(40_000 * wanted / (2_000_000 - wanted) / (1 - 33 / 65535), rel=1e-6)
    assert plan["cost_usd"] == pytest.approx(plan["cost_rao"] / TAO * 300)
    assert [epoch["number"] for epoch in plan["epochs"]] == list(range(1, 11))
    assert plan["own_incentive"] == pytest.approx(1.0, abs=1e-4) and plan["break_even_epoch"] == 6
    assert plan["ownership"]["needed_rao"] / TAO == pytest.approx(0.18 * (1_000_000 + wanted), rel=1e-6)


def test_a_small_share_takes_over_nothing() -> None:
    printed = text("takeover", "--alpha", "2000000", "--tao", "40000", "--staked", "1000000", "--share", "0.1")
    assert "its own miner gets 0.0% of the miners' pay; it never takes over the subnet" in printed
    assert "break-even: not within these epochs" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--staked", "5000000"), "the trade would take"),
        (("--staked", "1000000", "--share", "1.5"), "share: 1.5; allowed: above 0 and below 1"),
        (("--staked", "-1"), "--staked: -1; allowed: above 0"),
        (("--staked", "nan"), "--staked: nan; allowed: above 0"),
        (("--staked", "1000", "--price-falls", "1"), "price_fall: 1.0; allowed"),
    ],
)
def test_a_takeover_that_can_not_be_is_told_in_one_line(words: tuple[str, ...], message: str) -> None:
    assert message in refusal("takeover", "--alpha", "2000000", "--tao", "40000", *words)
