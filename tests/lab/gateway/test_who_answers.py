"""Which miner answers a customer, and who answers instead where one fails or is late."""

from pathlib import Path

import pytest

from lab.config.gateway import GatewayTable
from lab.errors import LabError
from lab.record.customers import Receipt
from lab.run.customers.choice import Standing, queue, serving_uids
from miners import Miner
from miners.adversaries import Copycat, Oracle
from miners.fakes import Echo, Slow
from subnets import Fault, Seed
from tests.lab.gateway.running import FAILING, SAYER, SILENT, RunningGateway, customers_config, running

STANDING = Standing(3, {1: 1000, 2: 950, 3: 0, 4: 500}, {1: 0.3, 2: 0.1, 3: 0.0, 4: 0.05})
UIDS = (1, 2, 3, 4)
LENGTHS = {"kind": "tests.lab.gateway.running:Lengths"}
REPEATER = "tests.lab.gateway.running:Repeater"


def order(seed: int = 0, standing: Standing = STANDING, **table: object) -> tuple[int, ...]:
    return queue(GatewayTable.model_validate(table), standing, UIDS, Seed(seed))


def test_the_best_is_asked_first_and_the_others_follow_by_incentive() -> None:
    assert {order(seed) for seed in range(20)} == {(1, 2, 4, 3)}


def test_the_cheapest_near_the_best_is_asked_first() -> None:
    assert order(miner="cheapest", within=0.1) == (2, 1, 4, 3)
    assert order(miner="cheapest", within=0.01) == (1, 2, 4, 3)
    assert order(miner="cheapest", within=0.5) == (4, 2, 1, 3)


def test_by_weight_each_miner_is_first_as_often_as_its_share() -> None:
    firsts = [order(seed, miner="by_weight")[0] for seed in range(2000)]
    shares = [firsts.count(uid) / 2000 for uid in UIDS]
    assert shares == pytest.approx([1000 / 2450, 950 / 2450, 0, 500 / 2450], abs=0.04)
    assert all(order(seed, miner="by_weight")[-1] == 3 for seed in range(20))


@pytest.mark.parametrize("miner", ["best", "by_weight", "cheapest"])
def test_before_the_first_epoch_everybody_is_first_at_times(miner: str) -> None:
    assert {order(seed, Standing(), miner=miner)[0] for seed in range(50)} == set(UIDS)


def test_insiders_serve_no_customers_however_deep_they_hide() -> None:
    miners: dict[int, Miner] = {0: Echo(), 1: Oracle(), 2: Slow(miner=Oracle()), 3: Slow(), 4: Copycat(victim=Oracle())}
    assert serving_uids(miners) == (0, 3)


def receipts(gateway: RunningGateway) -> list[Receipt]:
    with gateway.record() as record:
        return [Receipt.of(entry) for entry in record.entries("receipt")]


def test_a_customer_gets_an_answer_as_long_as_one_honest_miner_lives(tmp_path: Path) -> None:
    crashing = {"name": "crashing", "kind": "crashing"}
    config = customers_config(
        FAILING,
        SILENT,
        crashing,
        SAYER,
        validators=[{"name": "judge", "timeout_s": 0.5}],
        gateway={"late_s": 0.05, "miner": "by_weight", "graded_share": 0.0},
    )
    with running(config, tmp_path / "run") as gateway:
        replies = [gateway.ask(f"Say <b>{number}</b> again") for number in range(12)]
        assert [status for status, _ in replies] == [200] * 12
        assert [reply["choices"][0]["message"]["content"] for _, reply in replies] == [str(n) for n in range(12)]
        attempts = [attempt for receipt in receipts(gateway) for attempt in receipt.attempts]
    assert {attempt.fault for attempt in attempts} == {None, Fault.ERROR}
    assert "still at work" in {attempt.reason for attempt in attempts}


def test_a_named_miner_answers_or_nobody_does(tmp_path: Path) -> None:
    with running(customers_config(SAYER, FAILING), tmp_path / "run") as gateway:
        assert gateway.ask("Say <b>5</b> again", "digits/sayer")[1]["choices"][0]["message"]["content"] == "5"
        assert gateway.ask("Say <b>5</b> again", "digits/failing")[0] == 502
        assert [receipt.outcome for receipt in receipts(gateway)] == ["answered", "failed"]
        assert receipts(gateway)[1].price_usd == 0


def test_of_several_answers_the_one_that_the_validator_grades_best_is_delivered(tmp_path: Path) -> None:
    miners = [{"name": f"times-{times}", "kind": REPEATER, "times": times} for times in (1, 5, 3)]
    config = customers_config(
        *miners,
        FAILING,
        validators=[{"name": "judge", "scorer": LENGTHS}],
        gateway={"best_of": 4, "graded_share": 0.0},
    )
    with running(config, tmp_path / "run") as gateway:
        reply = gateway.ask("abc " * 10)[1]
        assert reply["receipt"]["miner"] == "times-5" and reply["receipt"]["claimed_model"] == "repeater-1"
        (receipt,) = receipts(gateway)
    assert sorted(attempt.score for attempt in receipt.attempts if attempt.score is not None) == [0.04, 0.12, 0.2]


def test_the_best_of_several_needs_a_grader_without_a_reference(tmp_path: Path) -> None:
    config = customers_config(SAYER, gateway={"best_of": 2})
    with pytest.raises(LabError, match=r"gateway.best_of: 2, and no validator's scorer works without a reference"):
        with running(config, tmp_path / "run"):
            pass


def test_a_run_of_insiders_alone_has_nobody_to_serve_customers(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="insiders know the run's own tasks alone"):
        with running(customers_config({"name": "oracle", "kind": "oracle"}), tmp_path / "run"):
            pass


def test_a_share_of_answers_is_graded_afterwards(tmp_path: Path) -> None:
    config = customers_config(SAYER, validators=[{"name": "judge", "scorer": LENGTHS}], gateway={"graded_share": 1.0})
    with running(config, tmp_path / "run") as gateway:
        receipt = gateway.ask("x" * 500)[1]["receipt"]["id"]
    with gateway.record() as record:
        verdict = record.find("verdict", receipt)
    assert verdict is not None and verdict.body["score"] == 0.5
