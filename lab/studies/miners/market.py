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
from numpy.typing import ArrayLike, NDArray

from lab.config.prices import PriceTable, price
from lab.statistics import Estimate, mean, ratio
from lab.statistics.break_even import SECONDS, BreakEven, Machine
from subnets import Cost

from .config import MarketTable, MinersConfig, Offer
from .contest import Line

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
    hardware: float | None
    """None for a miner that no query reached, as the next two."""
    api: float | None
    power: float | None
    profit: Estimate
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
            _times_average(asked, hardware),
            _times_average(asked, api),
            _times_average(asked, power),
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
    hour_usd: Estimate
    """Over answers, as the next three; what is only said of a machine has an interval of no width."""
    per_s: Estimate
    api_usd_per_million: Estimate
    """What the API takes for a million of these units, the prompts read for them included."""
    utilisation: Estimate
    """The formula's."""
    formula: BreakEven
    served_until: float | None
    """Utilisation by brute force; None where an hour of full use buys less than its rent."""


def rents(lines: Sequence[Line], config: MinersConfig) -> list[Rent]:
    """Hold each machine, measured or assumed, against each API of the config, for the contest's own answers."""
    local = [line for line in lines if line.name in config.machine_names]
    answered = {line.name: [one.graded.cost for one in line.given if one.arrived] for line in local}
    found = []
    for name, costs in answered.items():
        busy = np.array([cost.gpu_s or cost.cpu_s for cost in costs])
        if busy.sum() <= 0:
            continue
        sort = "GPU" if any(cost.gpu_s for cost in costs) else "core"
        usd = np.array([hardware_usd(cost, config.prices) for cost in costs])
        found += [
            _rent(f"one {sort} with {name}", offer, costs, busy, usd, measured=True) for offer in config.market.apis
        ]
    first = next((costs for costs in answered.values() if costs), [])
    for rented in config.market.rented if first else ():
        busy = _units(first) / rented.per_s
        usd = busy * rented.hour_usd / SECONDS
        found += [_rent(rented.name, offer, first, busy, usd, measured=False) for offer in config.market.apis]
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


def _rent(
    name: str,
    offer: Offer,
    costs: Sequence[Cost],
    busy: NDArray[np.float64],
    usd: NDArray[np.float64],
    *,
    measured: bool,
) -> Rent:
    """Hold a machine that works on each answer for `busy` seconds (A,) and `usd` dollars (A,) against an API."""
    units, billed = _units(costs), np.array([_offered_usd(offer, cost) for cost in costs])
    rate = Machine(SECONDS * float(usd.sum() / busy.sum()), float(units.sum() / busy.sum()))
    return Rent(
        machine=name,
        offer=offer,
        measured=measured,
        rate=rate,
        hour_usd=_over(SECONDS * usd, busy),
        per_s=_over(units, busy),
        api_usd_per_million=_over(1e6 * billed, units),
        utilisation=_over(usd, billed),
        formula=rate.break_even(1e6 * float(billed.sum() / units.sum())),
        served_until=brute_force(rate.rate_usd_per_hour, busy, billed),
    )


def _over(above: NDArray[np.float64], below: NDArray[np.float64]) -> Estimate:
    return ratio(above.tolist(), below.tolist())


def _offered_usd(offer: Offer, cost: Cost) -> float:
    tokens = cost.input_tokens * offer.usd_per_million_input + cost.output_tokens * offer.usd_per_million_output
    return offer.usd_per_answer + tokens / 1e6


def _units(costs: Sequence[Cost]) -> NDArray[np.float64]:
    """Output tokens of each answer (A,); 1 for each where none of them has any."""
    tokens = np.array([float(cost.output_tokens) for cost in costs])
    return tokens if tokens.sum() > 0 else np.ones(len(costs))


def _less(pay: float, asked: float, cost: Estimate) -> Estimate:
    if cost.value is None:
        return Estimate(None, None, None, 0)
    low, high = (None if end is None else pay - asked * end for end in (cost.high, cost.low))
    return Estimate(pay - asked * cost.value, low, high, cost.n)


def _times_average(times: float, values: Sequence[float]) -> float | None:
    return times * sum(values) / len(values) if values else None
