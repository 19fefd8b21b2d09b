"""Market: a day's pay minus its cost at assumed prices, and when renting a machine is cheaper than an API.

    day = Day.of(miner, config)
    day.profit.value          # dollars

Cost of a question = metered seconds of hardware * their price / utilisation + power + payments to APIs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.config.prices import PriceTable, price
from lab.statistics import NONNEGATIVE, Estimate, mean, ratio
from lab.statistics.break_even import SECONDS, BreakEven, Machine
from subnets import Cost

from .config import MarketTable, MinersConfig, Offer
from .contest import MinerSummary

JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Factors by which assumptions are multiplied."""

    hardware: float = 1.0
    api: float = 1.0
    utilisation: float = 1.0
    """The resulting utilisation is at most 1."""
    pay: float = 1.0


CHANGES: dict[str, tuple[PriceChange, PriceChange]] = {
    "pay": (PriceChange(pay=0.5), PriceChange(pay=2.0)),
    "hardware's price": (PriceChange(hardware=2.0), PriceChange(hardware=0.5)),
    "utilisation": (PriceChange(utilisation=0.5), PriceChange(utilisation=2.0)),
    "API's price": (PriceChange(api=2.0), PriceChange(api=0.5)),
}
"""Each assumption halved and doubled, the change that is worse for the miner first."""


@dataclass(frozen=True, slots=True)
class Day:
    """One miner's day in dollars."""

    name: str
    share: float
    """Share of the pay of all miners of the contest, dishonest ones too."""
    tokens: float
    """Tokens of pay."""
    pay: float
    hardware: float | None
    """None for a miner that no query reached, like the next two."""
    api: float | None
    power: float | None
    profit: Estimate
    """The interval is that of the cost, over answers; the contest paid once, so the pay has none."""

    @classmethod
    def of(cls, miner: MinerSummary, config: MinersConfig, change: PriceChange = PriceChange()) -> Self:
        """Compute a day from the cost of the miner's answers in the contest and from its pay."""
        market, prices = config.market, config.prices
        asked = market.questions_per_day
        utilisation = min(1.0, market.utilisation * change.utilisation)
        costs = [answer.graded.cost for answer in miner.answers]
        hardware = [change.hardware * hardware_usd(cost, prices) / utilisation for cost in costs]
        api = [change.api * cost.paid_usd for cost in costs]
        power = [energy_j(cost, market) / JOULES_PER_KWH * market.kwh_usd for cost in costs]
        share = miner.result.pay_share or 0.0
        tokens = share * market.pay_per_day
        pay = tokens * prices.token_usd * change.pay
        cost = mean([sum(parts) for parts in zip(hardware, api, power, strict=True)], NONNEGATIVE)
        return cls(
            miner.name,
            share,
            tokens,
            pay,
            _times_average(asked, hardware),
            _times_average(asked, api),
            _times_average(asked, power),
            _less(pay, asked, cost),
        )


def hardware_usd(cost: Cost, prices: PriceTable) -> float:
    """Return the dollars for metered seconds at full use, without payments to APIs."""
    return price(cost, prices) - cost.paid_usd


def energy_j(cost: Cost, market: MarketTable) -> float:
    """Return joules: metered for a GPU, assumed for a core."""
    return cost.energy_j + cost.cpu_s * market.core_w


@dataclass(frozen=True, slots=True)
class Rent:
    """A rented machine compared with an API that sells the same answers."""

    machine: str
    offer: Offer
    measured: bool
    """True if its speed was measured here; otherwise the config gives it."""
    rate: Machine
    """Rent and speed; tokens stand for answers where work is not counted in tokens."""
    hour_usd: Estimate
    """The interval is over answers, like the next three; the rent of an assumed machine has none."""
    per_s: Estimate
    api_usd_per_million: Estimate
    """Price of a million units at the API, including the prompts read for them."""
    utilisation: Estimate
    """Break-even utilisation by formula."""
    formula: BreakEven
    served_until: float | None
    """Break-even utilisation by brute force; None if an hour of full use is worth less than its rent."""


def rents(miners: Sequence[MinerSummary], config: MinersConfig) -> list[Rent]:
    """Compare each machine, measured or assumed, with each API of the config, for the contest's own answers."""
    costs_of = {
        miner.name: [answer.graded.cost for answer in miner.answers if answer.arrived]
        for miner in miners
        if miner.name in config.machine_names
    }
    compared = []
    for name, costs in costs_of.items():
        busy = np.array([cost.gpu_s or cost.cpu_s for cost in costs])
        if busy.sum() <= 0:
            continue
        kind = "GPU" if any(cost.gpu_s for cost in costs) else "core"
        usd = np.array([hardware_usd(cost, config.prices) for cost in costs])
        compared += [
            _rent(f"one {kind} with {name}", offer, costs, busy, usd, measured=True) for offer in config.market.apis
        ]
    first = next((costs for costs in costs_of.values() if costs), [])
    for rented in config.market.rented if first else ():
        busy = _units(first) / rented.per_s
        usd = busy * rented.hour_usd / SECONDS
        compared += [_rent(rented.name, offer, first, busy, usd, measured=False) for offer in config.market.apis]
    return compared


def brute_force(hour_usd: float, busy_s: ArrayLike, api_usd: ArrayLike) -> float | None:
    """Serve answers one after another until an API's bill for the same answers reaches an hour's rent.

    Args:
        hour_usd: the rent of an hour.
        busy_s: seconds that the machine works on each answer (A,).
        api_usd: the API's price for each answer (A,).

    Returns:
        The share of the hour worked by then, which is the utilisation at which both cost the same. None if the hour
        ends first.
    """
    working, billed = np.asarray(busy_s, dtype=float), np.asarray(api_usd, dtype=float)
    if not len(working) or working.sum() <= 0 or billed.sum() <= 0:
        return None
    order = np.random.default_rng(0)
    worked_s = bill_usd = 0.0
    while worked_s <= SECONDS:
        shuffled = order.permutation(len(working))
        bills = bill_usd + np.cumsum(billed[shuffled])
        reached = np.flatnonzero(bills >= hour_usd)
        if len(reached):
            utilisation = (worked_s + float(working[shuffled[: reached[0] + 1]].sum())) / SECONDS
            return utilisation if utilisation <= 1.0 else None
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
    """Compare a machine that takes `busy` seconds (A,) and `usd` dollars (A,) for each answer with an API."""
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
    return ratio(above.tolist(), below.tolist(), NONNEGATIVE)


def _offered_usd(offer: Offer, cost: Cost) -> float:
    tokens = cost.input_tokens * offer.usd_per_million_input + cost.output_tokens * offer.usd_per_million_output
    return offer.usd_per_answer + tokens / 1e6


def _units(costs: Sequence[Cost]) -> NDArray[np.float64]:
    """Return the output tokens of each answer (A,); 1 for each if none has any."""
    tokens = np.array([float(cost.output_tokens) for cost in costs])
    return tokens if tokens.sum() > 0 else np.ones(len(costs))


def _less(pay: float, asked: float, cost: Estimate) -> Estimate:
    if cost.value is None:
        return Estimate(None, None, None, 0)
    low, high = (None if end is None else pay - asked * end for end in (cost.high, cost.low))
    return Estimate(pay - asked * cost.value, low, high, cost.n)


def _times_average(times: float, values: Sequence[float]) -> float | None:
    return times * sum(values) / len(values) if values else None
