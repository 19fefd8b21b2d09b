"""What miners are told of an epoch."""

from types import SimpleNamespace
from typing import cast

import pytest

from consensus.amounts import TAO
from lab.config.prices import PriceTable
from lab.record.entries import Epoch, GradedAnswer, GradedRound
from lab.run.earnings import earnings
from subnets import Cost, Fault

PRICES = PriceTable()


def test_a_lost_query_is_not_an_answer_but_its_cost_counts() -> None:
    hour = Cost(cpu_s=3600.0)
    faults = (None, Fault.LOST, Fault.TIMEOUT, Fault.ERROR)
    rounds = [
        GradedRound(
            validator=9, number=number, task_id="t", task_seed=0, answers=(GradedAnswer(uid=0, fault=fault, cost=hour),)
        )
        for number, fault in enumerate(faults)
    ]
    epoch = cast(Epoch, SimpleNamespace(number=2, pay=SimpleNamespace(paid=(TAO, 0))))
    pay = earnings(epoch, rounds, (0, 1), PRICES)
    assert (pay[0].epoch, pay[0].answers, pay[1].answers) == (2, 3, 0)
    assert pay[0].cost_usd == pytest.approx(4 * PRICES.cpu_hour_usd)
    assert pay[0].earned_usd == PRICES.token_usd
