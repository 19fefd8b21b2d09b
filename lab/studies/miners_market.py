"""What a day brings: pay less cost at assumed prices, and where renting a machine beats buying answers.

    day = Day.of(line, config)
    day.profit.value          # dollars

Cost of a question = hardware's metered seconds * their price / utilisation + power + what is paid to APIs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from lab.bill import price
from lab.config import PriceTable
from lab.statistics import Figure, mean
from lab.statistics.break_even import SECONDS, BreakEven, Machine
from subnets import Cost

from .miners import MarketTable, MinersConfig, Offer
from .miners_data import Line

JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class Change:
    """What a price is multiplied by; 1 leaves it as the config has it."""

    hardware: float = 1.0
    api: float = 1.0
    utilisation: float = 1.0
    """The outcome is 1 at most: no machine works more than always."""
    pay: float = 1.0


CHANGES: dict[str, tuple[Change, Change]] = {
    "pay": (Change(pay=0.5), Change(pay=2.0)),
    "hardware's price": (Change(hardware=2.0), Change(hardware=0.5)),
    "utilisation": (Change(utilisation=0.5), Change(utilisation=2.0)),
    "API's price": (Change(api=2.0), Change(api=0.5)),
}
"""Halved and doubled, the worse for the miner first."""


@dataclass(frozen=True, slots=True)
class Day:
    """One miner's day, in dollars."""

    name: str
    share: float
    """Of the pay of all miners of the contest, dishonest ones too."""
    tokens: float
    """Of pay."""
    pay: float
    hardware: float
    api: float
    power: float
    profit: Figure
    """Its interval is of the cost, over answers; the contest paid once, so the pay has none."""

    @classmethod
    def of(cls, line: Line, config: MinersConfig, change: Change = Change()) -> Self:
        """Work it out from what the miner's answers in the contest cost and what it was paid."""
        market, prices = config.market, config.prices
        asked = market.questions_per_day
        utilisation = min(1.0, market.utilisation * change.utilisation)
        costs = [one.graded.cost for one in line.given]
        hardware = [change.hardware * hardware_usd(cost, prices) / utilisation for cost in costs]
        api = [change.api * cost.paid_usd for cost in costs]
        power = [energy_j(cost, market) / JOULES_PER_KWH * market.kwh_usd for cost in costs]
        share = line.standing.pay_share or 0.0
        tokens = share * market.pay_per_day
        pay = tokens * prices.token_usd * change.pay
        cost = mean([sum(parts) for parts in zip(hardware, api, power, strict=True)])
        return cls(
            line.name,
            share,
            tokens,
            pay,
            asked * _average(hardware),
            asked * _average(api),
            asked * _average(power),
            _less(pay, asked, cost),
        )


def hardware_usd(cost: Cost, prices: PriceTable) -> float:
    """Dollars for metered seconds at full use, without what was paid to APIs."""
    return price(cost, prices) - cost.paid_usd


def energy_j(cost: Cost, market: MarketTable) -> float:
    """Joules: a GPU's by its own counter, a core's as assumed."""
    return cost.energy_j + cost.cpu_s * market.core_w


@dataclass(frozen=True, slots=True)
class Rent:
    """A machine that is rented, the answers that it could serve, and an API that sells them as well."""

    machine: str
    offer: Offer
    measured: bool
    """Whether its speed was measured here; else the config says it."""
    rate: Machine
    """Its "tokens" are answers where work is not counted in tokens."""
    api_usd_per_million: float
    """What the API takes for a million of these units, the prompts read for them included."""
    formula: BreakEven
    served_until: float | None
    """Utilisation by brute force; None where an hour of full use buys less than its rent."""


def rents(lines: Sequence[Line], config: MinersConfig) -> list[Rent]:
    """Hold each machine, measured or assumed, against each API of the config, for the contest's own answers."""
    local = [line for line in lines if line.given and not any(one.graded.cost.paid_usd for one in line.given)]
    found = []
    for line in local:
        costs = [one.graded.cost for one in line.given if one.arrived]
        busy = np.array([cost.gpu_s or cost.cpu_s for cost in costs])
        if busy.sum() <= 0:
            continue
        hour_usd = SECONDS * sum(hardware_usd(cost, config.prices) for cost in costs) / float(busy.sum())
        units = _units(costs)
        speed = Machine(hour_usd, float(units.sum() / busy.sum()))
        sort = "GPU" if any(cost.gpu_s for cost in costs) else "core"
        found += [
            _rent(f"one {sort} with {line.name}", offer, speed, costs, busy, measured=True)
            for offer in config.market.apis
        ]
    for rented in config.market.rented if local else ():
        costs = [one.graded.cost for one in local[0].given if one.arrived]
        speed = Machine(rented.hour_usd, rented.per_s)
        busy = _units(costs) / rented.per_s
        found += [_rent(rented.name, offer, speed, costs, busy, measured=False) for offer in config.market.apis]
    return found


def brute_force(hour_usd: float, busy_s: ArrayLike, api_usd: ArrayLike) -> float | None:
    """Serve answers one after another until an API's bill for the same ones reaches an hour's rent.

    Args:
        hour_usd: the rent.
        busy_s: seconds that the machine works on each answer (A,).
        api_usd: what the API takes for each of them (A,).

    Returns:
        The share of the hour that was worked by then: the utilisation at which both cost the same. None where
        the hour is over before.
    """
    working, billed = np.asarray(busy_s, dtype=float), np.asarray(api_usd, dtype=float)
    if not len(working) or working.sum() <= 0 or billed.sum() <= 0:
        return None
    order = np.random.default_rng(0)
    worked_s = bill_usd = 0.0
    while worked_s <= SECONDS:
        shuffled = order.permutation(len(working))
        bills = bill_usd + np.cumsum(billed[shuffled])
        done = np.flatnonzero(bills >= hour_usd)
        if len(done):
            found = (worked_s + float(working[shuffled[: done[0] + 1]].sum())) / SECONDS
            return found if found <= 1.0 else None
        worked_s, bill_usd = worked_s + float(working.sum()), float(bills[-1])
    return None


def _rent(name: str, offer: Offer, speed: Machine, costs: Sequence[Cost], busy: ArrayLike, *, measured: bool) -> Rent:
    billed = np.array([_offered_usd(offer, cost) for cost in costs])
    per_million = 1e6 * float(billed.sum() / _units(costs).sum())
    until = brute_force(speed.rate_usd_per_hour, busy, billed)
    return Rent(name, offer, measured, speed, per_million, speed.break_even(per_million), until)


def _offered_usd(offer: Offer, cost: Cost) -> float:
    tokens = cost.input_tokens * offer.usd_per_million_input + cost.output_tokens * offer.usd_per_million_output
    return offer.usd_per_answer + tokens / 1e6


def _units(costs: Sequence[Cost]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Output tokens of each answer (A,); 1 for each where none of them has any."""
    tokens = np.array([float(cost.output_tokens) for cost in costs])
    return tokens if tokens.sum() > 0 else np.ones(len(costs))


def _less(pay: float, asked: float, cost: Figure) -> Figure:
    if cost.value is None:
        return Figure(None, None, None, 0)
    low, high = (None if end is None else pay - asked * end for end in (cost.high, cost.low))
    return Figure(pay - asked * cost.value, low, high, cost.n)


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
