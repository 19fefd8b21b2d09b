"""The completed part of a run: its record up to the last complete epoch.

run = CompletedRun.of(record)
run.rounds[0].answers
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from lab.config.run_config import RunConfig
from subnets import Cost

from .customers import Receipt, Verdict
from .entries import Epoch, GradedRound, Start
from .graded_window import GradedWindow, with_windows
from .record import RunRecord


@dataclass(frozen=True, slots=True)
class CustomersCost:
    """What queries of customers cost in the sessions whose processes were measured."""

    answers: Cost = Cost()
    grading: Cost = Cost()

    @classmethod
    def of(cls, record: RunRecord, epochs: tuple[Epoch, ...]) -> Self:
        """Add up the receipts and verdicts of complete epochs, without those of a session that was killed in one."""
        measured = {(epoch.number, epoch.use.session) for epoch in epochs}
        receipts = map(Receipt.of, record.entries("receipt"))
        verdicts = map(Verdict.of, record.entries("verdict"))
        answers = (each.cost for each in receipts if (each.epoch, each.session) in measured)
        grading = (each.grading_cost for each in verdicts if (each.epoch, each.session) in measured)
        return cls(sum(answers, start=Cost()), sum(grading, start=Cost()))


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """A run, without the rounds of an epoch that has not ended."""

    start: Start
    config: RunConfig
    epochs: tuple[Epoch, ...]
    rounds: tuple[GradedRound, ...]
    """Ordered by number and validator, not by arrival, so that two runs of one seed agree."""

    customers: CustomersCost
    """What their queries cost meanwhile."""

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """Read a record."""
        entry = record.find("start", "run")
        assert entry is not None  # RunRecord.open() refuses a record without one
        start = Start.of(entry)
        config = RunConfig.parse(start.config, source=str(record.folder))
        epochs = tuple(map(Epoch.of, record.entries("epoch")))
        last = len(epochs) * config.chain.rounds_per_epoch
        rounds = [graded for graded in map(GradedRound.of, record.entries("round")) if graded.number < last]
        windows = [window for window in map(GradedWindow.of, record.entries("window")) if window.epoch < len(epochs)]
        customers = CustomersCost.of(record, epochs) if config.gateway is not None else CustomersCost()
        return cls(start, config, epochs, tuple(with_windows(rounds, windows)), customers)

    def names(self, role: str) -> dict[int, str]:
        """Return the names of all neurons of a role, by uid."""
        return {neuron.uid: neuron.name for neuron in self.start.neurons if neuron.role == role}
