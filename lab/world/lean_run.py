"""A lean run: the rounds and epochs of a run, played in this process without hosts, clocks or a record.

    history = LeanRun(config).play()

Tasks, samples, grades, ledgers, weights and pay are those of a run of the same config: validators and the chain are the
same objects. Miners answer by themselves, so they must need no engine; an answer costs what it spends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from cluster import RoundResult
from lab.config.prices import price
from lab.config.run_config import RunConfig
from lab.errors import ConfigError
from lab.record.entries import EpochEvents, EpochPayout, GradedRound
from lab.run.economy import Economy
from lab.run.rounds import graded_round
from miners import Miner
from subnets import Cost, Fault, Meter, Query, Response

from .history import Floats, History

Progress = Callable[[int, int], None]
"""Receives the epochs done and in total."""


class LeanRun:
    """Plays one config, from its first epoch to its last."""

    def __init__(self, config: RunConfig) -> None:
        """Set up the chain.

        Raises:
            ConfigError: a miner needs an engine, or a validator grades windows: such a config needs a full run.
        """
        self._config = config
        self._economy = Economy(config)
        names = config.validator_names + config.miner_names
        for uid, miner in self._economy.miners.items():
            if miner.engines():
                raise ConfigError(f"miner {names[uid]} needs an engine, which a lean run lacks; use `subnetlab run`")
        for uid, validator in self._economy.validators.items():
            if validator.window:
                raise ConfigError(f"validator {names[uid]} grades windows, which a lean run can't; use `subnetlab run`")
        self._pays: list[EpochPayout] = []
        self._rows: list[_EpochRow] = []
        self._events: list[EpochEvents] = []

    def play(self, progress: Progress = lambda done, total: None) -> History:
        """Play all epochs and return what happened."""
        asyncio.run(self._play(progress))
        return self._history()

    async def _play(self, progress: Progress) -> None:
        chain, economy = self._config.chain, self._economy
        for epoch in range(chain.epochs):
            row = _EpochRow(len(economy.neurons()))
            rounds: list[GradedRound] = []
            if events := economy.begin():
                self._events.append(events)
            for uid in economy.asking:
                for number in range(epoch * chain.rounds_per_epoch, (epoch + 1) * chain.rounds_per_epoch):
                    rounds.append(await self._round(uid, number))
            row.add(rounds, self._config)
            economy.observe(rounds)
            self._pays.append(economy.pay(economy.weights()))
            self._rows.append(row)
            progress(epoch + 1, chain.epochs)

    async def _round(self, uid: int, number: int) -> GradedRound:
        """Play one round of a validator as a pool does."""
        economy, subnet = self._economy, self._config.subnet
        validator = economy.validators[uid]
        assignment = validator.prepare(subnet, number, economy.candidates(uid, number), economy.caller(uid))
        responses = [await _response(other, economy.miners[other], assignment.query) for other in assignment.uids]
        task = assignment.task
        grades = validator.grade(subnet, task, responses)
        result = RoundResult(
            validator=uid,
            number=number,
            task=task,
            responses=grades.responses,
            scores=grades.scores,
            qualities=grades.qualities,
            query_bytes=assignment.query.prompt.size,
        )
        shared = {other: economy.validators[other].grade(subnet, task, responses) for other in economy.sharers(uid)}
        return graded_round(result, shared, session=0, max_answer_bytes=0)

    def _history(self) -> History:
        validators = len(self._economy.validators)
        return History(
            neurons=self._economy.neurons(),
            events=tuple(self._events),
            paid=np.array([pay.paid for pay in self._pays], float),
            stake=np.array([pay.stake for pay in self._pays]),
            validator_trust=np.array([pay.validator_trust[:validators] for pay in self._pays]) / 65535,
            quality=np.array([row.qualities for row in self._rows]),
            cost_usd=np.array([row.cost_usd for row in self._rows]),
            graded=np.array([row.graded[:validators] for row in self._rows]),
            wealth={
                name: np.array([pay.balances[name] for pay in self._pays], float) for name in self._pays[0].balances
            },
        )


class _EpochRow:
    """What neurons did in one epoch, by uid."""

    def __init__(self, neurons: int) -> None:
        self._sums, self._counts = np.zeros(neurons), np.zeros(neurons)
        self.cost_usd = np.zeros(neurons)
        self.graded = np.zeros(neurons)

    def add(self, rounds: list[GradedRound], config: RunConfig) -> None:
        """Take in rounds."""
        for graded in rounds:
            for answer in graded.answers:
                self.cost_usd[answer.uid] += price(answer.cost, config.prices)
                self.graded[graded.validator] += answer.score is not None
                if answer.quality is not None:
                    self._sums[answer.uid] += answer.quality
                    self._counts[answer.uid] += 1

    @property
    def qualities(self) -> Floats:
        """Mean quality of each neuron's answers; NaN if it gave none."""
        unknown = np.full(len(self._sums), np.nan)
        return np.asarray(np.divide(self._sums, self._counts, out=unknown, where=self._counts > 0))


async def _response(uid: int, miner: Miner, query: Query) -> Response:
    """Have a miner answer, charging what it spends and not the time it takes."""
    if refusal := miner.blacklist(query):
        return Response(uid, fault=Fault.REFUSED, reason=refusal)
    meter = Meter()
    try:
        answer = await meter.run(miner.forward(query))
    except Exception as error:  # a plug-in may raise anything; a run's host charges it to the miner as well
        return Response(uid, fault=Fault.ERROR, reason=f"{type(error).__name__}: {error}")
    body = answer if isinstance(answer, bytes) else answer.body()
    return Response(uid, body=body, cost=Cost(paid_usd=meter.cost.paid_usd))
