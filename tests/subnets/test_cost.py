import asyncio
import time
from contextvars import copy_context
from dataclasses import replace

import pytest

from subnets import Cost, Meter, spend


def burn(cpu_s: float) -> None:
    end = time.thread_time() + cpu_s
    while time.thread_time() < end:
        pass


def test_costs_add_and_subtract_field_by_field() -> None:
    a, b = Cost(cpu_s=1.0, input_tokens=3, paid_usd=0.5), Cost(cpu_s=0.5, input_tokens=1, gpu_s=2.0)
    assert a + b == Cost(cpu_s=1.5, input_tokens=4, paid_usd=0.5, gpu_s=2.0)
    assert (a + b) - b == a


def test_a_meter_charges_the_cpu_of_its_block_and_what_is_spent_inside() -> None:
    with Meter() as meter:
        burn(0.05)
        spend(Cost(gpu_s=1.5))
    assert meter.cost.cpu_s == pytest.approx(0.05, abs=0.03)
    assert meter.cost.wall_s >= 0.05
    assert meter.cost.gpu_s == 1.5


def test_spending_without_a_meter_charges_nobody() -> None:
    spend(Cost(gpu_s=1.0))
    with Meter() as meter:
        pass
    assert meter.cost.gpu_s == 0.0


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (Cost(cpu_s=-50.0), "cpu_s -50.0"),
        (Cost(paid_usd=float("nan")), "paid_usd nan"),
        (Cost(gpu_s=float("inf")), "gpu_s inf"),
        (Cost(cpu_s=10**4000), "cpu_s 1000"),
        (Cost(input_tokens=-1), "input_tokens -1"),
        (Cost(output_tokens=1.5), "output_tokens 1.5 .*whole numbers"),  # type: ignore[arg-type]
        (Cost(energy_j="9"), "energy_j 9"),  # type: ignore[arg-type]
    ],
)
def test_an_impossible_cost_is_refused_and_not_charged(cost: Cost, message: str) -> None:
    with Meter() as meter, pytest.raises(ValueError, match=message):
        spend(cost)
    assert replace(meter.cost, cpu_s=0.0, wall_s=0.0) == Cost() and 0.0 <= meter.cost.cpu_s < 1.0
    with pytest.raises(ValueError, match=message):
        spend(cost)


def test_costs_that_add_up_to_infinity_are_refused() -> None:
    with Meter() as meter:
        spend(Cost(gpu_s=1e308))
        with pytest.raises(ValueError, match="gpu_s inf"):
            spend(Cost(gpu_s=1e308))
    assert meter.cost.gpu_s == 1e308


def test_neighbours_on_one_event_loop_are_charged_for_their_own_steps_only() -> None:
    async def work(cpu_s: float) -> None:
        for _ in range(5):
            burn(cpu_s / 5)
            await asyncio.sleep(0.001)

    async def both() -> tuple[Meter, Meter]:
        light, heavy = Meter(), Meter()
        await asyncio.gather(light.run(work(0.01)), heavy.run(work(0.2)))
        return light, heavy

    light, heavy = asyncio.run(both())
    assert heavy.cost.cpu_s == pytest.approx(0.2, rel=0.3)
    assert light.cost.cpu_s < 0.06
    assert light.cost.wall_s > light.cost.cpu_s


def test_a_metered_coroutine_can_be_cancelled_and_keeps_what_it_cost() -> None:
    cleaned = []

    async def work() -> None:
        burn(0.03)
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    async def cut() -> Meter:
        meter = Meter()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(meter.run(work()), 0.1)
        return meter

    assert asyncio.run(cut()).cost.cpu_s >= 0.03
    assert cleaned == [True]


def test_what_a_metered_coroutine_raises_and_returns_comes_through() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("lost")

    async def works() -> int:
        return await asyncio.sleep(0, result=7)

    with pytest.raises(KeyError, match="lost"):
        asyncio.run(Meter().run(fails()))
    assert copy_context().run(asyncio.run, Meter().run(works())) == 7
