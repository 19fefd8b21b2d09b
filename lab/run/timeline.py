"""The timeline of a run: which events happen before an epoch, and what the last epoch says about conditions.

    timeline = Timeline(config)
    timeline.due(40)                # places of the events that happen before epoch 40

It is a pure function of the config and of the recorded epochs, so a resumed run and an audit find the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from lab.config.prices import price
from lab.config.run_config import RunConfig
from lab.record.entries import EpochPayout, GradedRound, Neuron

from .earnings import value_usd

U16 = 65535


class Timeline:
    """The events that have not happened yet, and the facts that conditions look at."""

    def __init__(self, config: RunConfig, neurons: Iterable[Neuron]) -> None:
        self._config = config
        self._neurons = tuple(neurons)
        self._tables = [table.name for table in (*config.validators, *config.miners) for _ in table.names()]
        self._pending = dict(enumerate(config.events))
        self._last: EpochPayout | None = None
        self._losing: Counter[int] = Counter()
        """Epochs in a row in which each miner lost money."""
        self._spent_usd: defaultdict[int, float] = defaultdict(float)
        """Dollars that each miner's answers of the open epoch cost."""

    def due(self, epoch: int) -> list[int]:
        """Return the places of the events that happen before an epoch, and forget them."""
        places = [
            place
            for place, event in self._pending.items()
            if (event.epoch == epoch if event.condition is None else self._holds(place))
        ]
        for place in places:
            del self._pending[place]
        return places

    def observe(self, rounds: Iterable[GradedRound]) -> None:
        """Take in what the answers of the open epoch cost."""
        for graded in rounds:
            for answer in graded.answers:
                self._spent_usd[answer.uid] += price(answer.cost, self._config.prices)

    def close(self, payout: EpochPayout) -> None:
        """Take in an epoch's pay."""
        market = self._config.pay_market()
        for neuron in self._neurons:
            if neuron.role == "miner":
                profit = value_usd(payout.paid[neuron.uid], self._config.prices, market) - self._spent_usd[neuron.uid]
                self._losing[neuron.uid] = self._losing[neuron.uid] + 1 if profit < 0 else 0
        self._spent_usd.clear()
        self._last = payout

    def _holds(self, place: int) -> bool:
        condition = self._pending[place].condition
        assert condition is not None
        if self._last is None:
            return False
        uids = [
            neuron.uid
            for neuron, table in zip(self._neurons, self._tables, strict=True)
            if condition.party in (neuron.name, table, neuron.coldkey)
        ]
        return condition.holds(self._value(condition.quantity, uids, self._last))

    def _value(self, quantity: str, uids: list[int], payout: EpochPayout) -> float:
        match quantity:
            case "stake":
                return sum(payout.stake[uid] for uid in uids)
            case "weight_share":
                return _part(dict(enumerate(payout.stake)), uids)
            case "pay_share":
                return _part(dict(enumerate(payout.paid)), uids)
            case "validator_trust":
                trusts = [payout.validator_trust[uid] / U16 for uid in uids if self._neurons[uid].role == "validator"]
                return sum(trusts) / len(trusts) if trusts else 0.0
            case _:
                return float(min((self._losing[uid] for uid in uids if self._neurons[uid].role == "miner"), default=0))


def _part(amounts: Mapping[int, float], uids: list[int]) -> float:
    total = sum(amounts.values())
    return sum(amounts[uid] for uid in uids) / total if total else 0.0
