"""Measures: one figure of a run's history, about a party and perhaps beside another one.

A measure is a function of a `History` that begins with the first measured epoch. To add one, write it here and name it
in `MEASURES`; a measure of your own is named "module:function" in the scenario's TOML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np

from consensus.chain.concentration import gini
from lab.config.run_config import RunConfig
from lab.world.history import History
from subnets import PluginError
from subnets.plugin import import_object

Measure = Callable[[History, str, str], float]
"""Receives the history, the party and whom it is compared with; NaN where the figure is undefined."""
Prediction = Callable[[RunConfig, float], float]
"""Receives the config of a run and its place on the axis; NaN where the closed form says nothing."""
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


def pay_share(history: History, party: str, beside: str) -> float:
    """Return the party's share of all miners' pay."""
    total = history.paid[:, history.miners].sum()
    return float(history.paid[:, history.of(party, "miner")].sum() / total) if total else np.nan


def pay_ratio(history: History, party: str, beside: str) -> float:
    """Return the pay of the party's miners beside that of the other's."""
    other = history.paid[:, history.of(beside, "miner")].sum()
    return float(history.paid[:, history.of(party, "miner")].sum() / other) if other else np.nan


def profit_usd(history: History, party: str, beside: str) -> float:
    """Return the pay of the party's miners less the cost of their answers, in dollars at one dollar a token."""
    miners = history.of(party, "miner")
    return float(history.paid[:, miners].sum() / 1e9 - history.cost_usd[:, miners].sum())


def income_per_stake(history: History, party: str, beside: str) -> float:
    """Return the share of all income that the party's neurons get, over the party's share of the stake.

    Above 1 the party grows; the others are everybody else.
    """
    places = history.of(party)
    income = _ratio(float(history.paid[:, places].sum()), float(history.paid.sum()))
    return _ratio(income, float(history.stake[:, places].sum() / history.stake.sum()))


def dividends_per_stake(history: History, party: str, beside: str) -> float:
    """Return the dividends of the party's validators for a token of stake, beside those of the other's."""
    return _ratio(
        _per_stake(history, history.of(party, "validator")), _per_stake(history, history.of(beside, "validator"))
    )


def relative_wealth(history: History, party: str, beside: str) -> float:
    """Return how a coldkey's wealth has grown since the first epoch, beside that of another."""
    grown, other = (float(history.wealth[name][-1] / history.wealth[name][0]) for name in (party, beside))
    return _ratio(grown, other)


def gone_share(history: History, party: str, beside: str) -> float:
    """Return the share of the party's miners that gave no answer in the last epoch."""
    return float((history.quality[-1, history.of(party, "miner")] == 0.0).mean())


def validator_trust(history: History, party: str, beside: str) -> float:
    """Return the mean trust of the party's validators."""
    return float(history.validator_trust[:, history.of(party, "validator")].mean())


def pay_gini(history: History, party: str, beside: str) -> float:
    """Return the Gini coefficient of the miners' pay."""
    return gini(history.paid[:, history.miners].sum(axis=0))


def epochs_until_paid(history: History, party: str, beside: str) -> float:
    """Return the epochs until the party's pay in one epoch reaches 90 % of its mean over the last tenth of the epochs.

    They count from the first measured epoch; pay that never gets there counts as all of them.
    """
    pay = history.paid[:, history.of(party, "miner")].sum(axis=1)
    settled = pay[-max(1, len(pay) // 10) :].mean()
    reached = np.flatnonzero(pay >= 0.9 * settled) if settled else np.array([], int)
    return float(reached[0] + 1) if len(reached) else float(len(pay))


def dethroned_wrongly(history: History, party: str, beside: str) -> float:
    """Return the share of epochs in which the best paid miner is not the party."""
    pay = history.paid[:, history.miners]
    best = np.array(history.miners)[pay.argmax(axis=1)]
    return float(np.isin(best, history.of(party, "miner"), invert=True).mean())


def _per_stake(history: History, places: list[int]) -> float:
    return _ratio(float(history.paid[:, places].sum()), float(history.stake[:, places].sum()))


def _ratio(above: float, below: float) -> float:
    return above / below if below else np.nan


def identities_share(config: RunConfig, x: float) -> float:
    """Return the share of the miners' identities that the last table of miners has."""
    return config.miners[-1].count / len(config.miner_names)


def false_champion(config: RunConfig, x: float) -> float:
    """Return the share of epochs in which the worse of two miners is champion, where one grade of each decides.

    The difference of the grades is normal. With p the chance that it dethrones the better miner and r the chance that
    it dethrones the worse one, the champion is a chain of two states, wrong in p / (p + r) of the epochs.
    """
    best, second = (float(table.options["quality"]) for table in config.miners)
    difference = NormalDist(best - second, float(getattr(config.subnet, "noise", 0.0)) * 2**0.5)
    dethroned, regained = difference.cdf(-x), 1.0 - difference.cdf(x)
    return dethroned / (dethroned + regained)


MEASURES: dict[str, Measure] = {
    "dethroned_wrongly": dethroned_wrongly,
    "dividends_per_stake": dividends_per_stake,
    "epochs_until_paid": epochs_until_paid,
    "gone_share": gone_share,
    "income_per_stake": income_per_stake,
    "pay_gini": pay_gini,
    "pay_ratio": pay_ratio,
    "pay_share": pay_share,
    "profit_usd": profit_usd,
    "relative_wealth": relative_wealth,
    "validator_trust": validator_trust,
}
PREDICTIONS: dict[str, Prediction] = {"false_champion": false_champion, "identities_share": identities_share}


def find(known: Mapping[str, AnyFunction], name: str, key: str) -> AnyFunction:
    """Return a function by its name, or by its "module:function".

    Raises:
        PluginError: there is none.
    """
    if name in known:
        return known[name]
    if ":" not in name:
        raise PluginError(f".{key}: unknown {name!r}; known: {', '.join(known)}; or name module:function")
    found: AnyFunction = import_object(name, f".{key}: {name!r}")
    if not callable(found):
        raise PluginError(f".{key}: {name!r} is no function")
    return found
