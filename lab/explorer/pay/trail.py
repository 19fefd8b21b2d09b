"""Pay trails: how each miner's pay came about, epoch by epoch, exact to the rao.

    trails = PayTrails.of(record)
    trails.of_miner("alice-0").steps[-1].after_rao      # what it was paid over the run

The record is replayed as an audit does it, so a trail explains what the chain paid, not what a model of it would pay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from consensus.amounts import TAO
from lab.config.run_config import RunConfig
from lab.errors import AuditError, RecordError
from lab.record.completed_run import CompletedRun
from lab.record.entries import Epoch, GradedRound
from lab.record.record import RunRecord
from lab.run.economy import Economy

from .reasons import Facts, Reasons, WeightSetting
from .shares import STEPS, EpochShares

TITLES = {
    "equal": "an equal part for all",
    "scores": "raw scores",
    "average": "moving average",
    "weights": "weights",
    "chain": "weights on the chain",
    "clipping": "clipping to consensus",
    "incentive": "incentive",
    "tokens": "tokens",
    "dividends": "dividends",
}
FIGURES = {
    "scores": "score",
    "average": "average",
    "weights": "weight",
    "chain": "on_chain",
    "clipping": "clipped",
    "incentive": "incentive",
}
"""The array of `EpochShares` with a step's own figure."""


@dataclass(frozen=True, slots=True)
class PayStep:
    """One step of a miner's pay."""

    key: str
    """One of `STEPS`."""
    title: str
    number: float | None
    """The step's own figure: a score, a weight, a share of incentive; None where it has none."""
    delta_rao: int
    """How much the step adds or takes."""
    after_rao: int
    """What the miner would have been paid if this step were the last."""
    reason: str


@dataclass(frozen=True, slots=True)
class PayTrail:
    """The steps of one miner's pay, in one epoch or over the run."""

    miner: str
    uid: int
    epochs: tuple[int, ...]
    """Numbers of the epochs, from 0."""
    steps: tuple[PayStep, ...]
    paid_rao: int
    """What the record says that the miner was paid; the deltas add up to it."""
    tao: float | None
    """TAO that the pay brings; None if the config names no rules for money."""
    usd: float
    usd_reason: str


@dataclass(frozen=True, slots=True, eq=False)
class PayTrails:
    """The pay of all miners in all complete epochs of a run."""

    config: RunConfig
    setting: WeightSetting
    names: tuple[str, ...]
    """Names of the miners."""
    uids: tuple[int, ...]
    epochs: tuple[EpochShares, ...]
    facts: tuple[tuple[Facts, ...], ...]
    """What the words need to know, by epoch and miner."""
    paid_rao: tuple[tuple[int, ...], ...]
    """Recorded pay by epoch and miner."""

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """Replay a record.

        Raises:
            AuditError: the chain pays something else than what is recorded.
        """
        run = CompletedRun.of(record)
        if newcomers := [event.neuron for event in run.config.events if event.registers]:
            raise RecordError(f"{newcomers[0]} registers during this run; pay is explained only where nobody does")
        economy = Economy(run.config, record_format=run.start.format)
        if economy.neurons() != run.start.neurons:
            raise AuditError("the record's neurons are not those that its config makes; `subnetlab audit` shows more")
        names = run.names("miner")
        uids = tuple(names)
        shares, facts, paid = [], [], []
        per_epoch = run.config.chain.rounds_per_epoch
        by_epoch: dict[int, list[GradedRound]] = {}
        for graded in run.rounds:
            by_epoch.setdefault(graded.number // per_epoch, []).append(graded)
        for epoch in run.epochs:
            rounds = by_epoch.get(epoch.number, [])
            _check(epoch, rounds, economy)
            economy.observe(rounds)
            settled = economy.settle(epoch.weights)
            _compare(epoch, settled.payout.paid, uids, names)
            averages = {uid: ledger.scores for uid, ledger in economy.ledgers.items()}
            shares.append(EpochShares.of(uids, rounds, averages, epoch.weights, settled.epoch))
            facts.append(_facts(uids, rounds, epoch, run))
            paid.append(tuple(epoch.pay.paid[uid] for uid in uids))
        return cls(run.config, _setting(run), tuple(names.values()), uids, tuple(shares), tuple(facts), tuple(paid))

    def of_miner(self, miner: str, epoch: int | None = None) -> PayTrail:
        """Explain a miner's pay, given its name or its uid, over the run or in one epoch, numbered from 0.

        Raises:
            RecordError: there is no such miner or epoch.
        """
        return self._trail(self._place(miner), epoch)

    def of_uid(self, uid: int) -> PayTrail:
        """Explain the pay of the miner with a uid over the run; raises RecordError if there is none."""
        if uid not in self.uids:
            raise RecordError(f"no miner has uid {uid}")
        return self._trail(self.uids.index(uid), None)

    def _trail(self, place: int, epoch: int | None) -> PayTrail:
        if not self.epochs:
            raise RecordError("no epoch is complete yet, so nobody was paid; look again after the first epoch")
        if epoch is not None and not 0 <= epoch < len(self.epochs):
            raise RecordError(f"epoch {epoch + 1} is not in the record; known: 1 to {len(self.epochs)}")
        numbers = tuple(range(len(self.epochs))) if epoch is None else (epoch,)
        steps = self._steps(place, numbers)
        paid = [self.paid_rao[number][place] for number in numbers]
        market = self.config.pay_market()
        sales = [] if market is None else [market.sale(rao) for rao in paid]
        usd = sum(sale.usd or 0.0 for sale in sales) if market else sum(paid) / TAO * self.config.prices.token_usd
        if market is None:
            words = f"By the run's prices a token counts as ${self.config.prices.token_usd:g}."
        elif market.pool is None:
            words = f"Under the rules of {market.rules} pay is TAO, at ${market.tao_usd:g} each."
        else:
            words = (
                f"Under the rules of {market.rules} pay is alpha: each epoch's is sold at once at {market.price:.6g} τ "
                f"before the sale, at {market.tao_usd:g} dollars for one τ."
            )
        tao = sum(sale.tao_rao for sale in sales) / TAO if market else None
        return PayTrail(self.names[place], self.uids[place], numbers, steps, sum(paid), tao, usd, words)

    def _place(self, miner: str) -> int:
        if miner in self.names:
            return self.names.index(miner)
        if miner.isascii() and miner.isdecimal() and len(miner) < 10 and int(miner) in self.uids:
            return self.uids.index(int(miner))
        known = ", ".join(self.names[:12]) + (", …" if len(self.names) > 12 else "")
        if miner in self.config.validator_names:
            raise RecordError(f"{miner!r} is a validator, whose pay follows its bonds; name a miner: {known}")
        raise RecordError(f"no miner is called {miner[:80]!r}; known: {known}")

    def _steps(self, place: int, numbers: Sequence[int]) -> tuple[PayStep, ...]:
        chosen = [self.epochs[number] for number in numbers]
        reasons = Reasons(chosen, place, [self.facts[number][place] for number in numbers], self.setting)
        figures = {step: reasons.figure(name) for step, name in FIGURES.items()}
        amounts = np.sum([each.amounts_rao[:, place] for each in chosen], axis=0)
        before, steps = 0, []
        for step, after in zip(STEPS, map(int, amounts), strict=True):
            if step == "dividends" and after == before:
                break  # a miner earns none, but for one with stake under rare rules
            words = reasons.of(step, after - before)
            steps.append(PayStep(step, TITLES[step], figures.get(step), after - before, after, words))
            before = after
        return tuple(steps)


def _check(epoch: Epoch, rounds: Sequence[GradedRound], economy: Economy) -> None:
    """Refuse an epoch that can't be paid again, for it is not about these neurons."""
    neurons = len(economy.neurons())
    graders = {graded.validator for graded in rounds} | {other.validator for each in rounds for other in each.shared}
    is_known = graders | epoch.weights.keys() <= economy.validators.keys()
    is_known &= all(0 <= uid < neurons for row in epoch.weights.values() for uid in row)
    if not is_known or len(epoch.pay.paid) != neurons:
        raise AuditError(
            f"epoch {epoch.number + 1} is not about the run's {neurons} neurons; `subnetlab audit` shows what is wrong"
        )


def _compare(epoch: Epoch, paid: Sequence[int], uids: Sequence[int], names: dict[int, str]) -> None:
    for uid in uids:
        if paid[uid] != epoch.pay.paid[uid]:
            raise AuditError(
                f"epoch {epoch.number + 1}: the record says that {names[uid]!r} was paid {epoch.pay.paid[uid]} rao, "
                f"but the chain pays {paid[uid]} for these weights; `subnetlab audit` shows what was changed"
            )


def _facts(uids: Sequence[int], rounds: Sequence[GradedRound], epoch: Epoch, run: CompletedRun) -> tuple[Facts, ...]:
    asked: Counter[int] = Counter()
    unscored: Counter[int] = Counter()
    faults: dict[int, Counter[str]] = {uid: Counter() for uid in uids}
    for graded in rounds:
        for answer in graded.answers:
            asked[answer.uid] += 1
            unscored[answer.uid] += answer.score is None
            if answer.fault is not None and answer.uid in faults:
                faults[answer.uid][str(answer.fault)] += 1
    names = run.names("validator")
    silent = tuple(name for uid, name in names.items() if uid not in epoch.weights)
    refused = tuple(names[uid] for uid in epoch.pay.refused if uid in names)
    return tuple(Facts(asked[uid], unscored[uid], dict(faults[uid]), silent, refused) for uid in uids)


def _setting(run: CompletedRun) -> WeightSetting:
    rules = sorted({_words(type(validator.weight_rule).__name__) for validator in run.config.build_validators()})
    biased = [
        f"{each.name} ({each.kind})" for each in run.start.neurons if each.role == "validator" and not each.honest
    ]
    return WeightSetting(tuple(rules), tuple(biased))


def _words(name: str) -> str:
    """Write the name of a class as words: "WinnerTakesAll" as "winner takes all"."""
    return "".join(f" {mark.lower()}" if mark.isupper() else mark for mark in name).strip()
