"""Miners that come late or leave early."""

import asyncio
import pickle

from miners import Miner, Pay, load_miner
from subnets import Query


def paid(miner: Miner, *profits: float) -> Miner:
    for epoch, profit in enumerate(profits):
        miner.paid(Pay(epoch, earned_usd=profit, cost_usd=0.0, answers=1))
    return miner


def test_a_newcomer_refuses_everybody_until_its_time_has_come(query: Query) -> None:
    newcomer = load_miner({"kind": "newcomer", "miner": "echo", "after": 2})
    assert newcomer.learns
    assert newcomer.blacklist(query) == "begins after 2 epochs"
    assert paid(newcomer, 0.0).blacklist(query) == "begins after 2 epochs"
    assert paid(newcomer, 0.0).blacklist(query) == ""
    assert asyncio.run(newcomer.forward(query)) == asyncio.run(load_miner("echo").forward(query))


def test_a_quitter_stops_for_good_after_losses_in_a_row(query: Query) -> None:
    quitter = load_miner({"kind": "quitter", "miner": "echo", "patience": 2})
    assert paid(quitter, -1.0, 1.0, -1.0).blacklist(query) == ""
    assert paid(quitter, -1.0).blacklist(query) == "gave up after 2 epochs with a loss"
    assert paid(quitter, 5.0, 5.0).blacklist(query) == "gave up after 2 epochs with a loss"


def test_a_quitter_does_not_count_the_losses_that_it_expects(query: Query) -> None:
    quitter = load_miner({"kind": "quitter", "miner": "echo", "patience": 2, "immunity": 3})
    assert paid(quitter, -1.0, -1.0, -1.0, -1.0).blacklist(query) == ""
    assert paid(quitter, -1.0).blacklist(query) != ""


def test_they_know_their_pay_on_another_host(query: Query) -> None:
    quitter = paid(load_miner({"kind": "quitter", "miner": "echo", "patience": 1}), -1.0)
    assert pickle.loads(pickle.dumps(quitter)).blacklist(query) == quitter.blacklist(query) != ""


def test_their_own_rules_on_callers_hold_as_well(query: Query) -> None:
    assert "stake" in load_miner({"kind": "quitter", "miner": "echo", "min_stake": 1e9}).blacklist(query)
