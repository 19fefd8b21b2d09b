"""Figures of a run: everything that its report is made from, read once from the record."""

from __future__ import annotations

from dataclasses import dataclass

from lab.record.completed_run import CompletedRun
from lab.record.record import RunRecord

from .bill import Bill
from .customers import CustomerFigures
from .neurons import NeuronResults
from .pay_quality import PayQuality
from .pay_worth import PayWorth


@dataclass(frozen=True, slots=True)
class RunFigures:
    """A run's neurons, its bill, and how well its pay follows quality."""

    record: RunRecord
    results: NeuronResults
    bill: Bill
    pay_quality: PayQuality
    worth: PayWorth | None
    """What pay is worth; None if the config names no rules for money."""
    customers: CustomerFigures | None = None
    """What customers think of the miners; None if the run served none."""

    @classmethod
    def of(cls, record: RunRecord) -> RunFigures:
        """Read the record of a run, finished or not."""
        run = CompletedRun.of(record)
        results = NeuronResults.of(record, run)
        customers = CustomerFigures.of(record, results)
        return cls(record, results, Bill.of_run(run), PayQuality.of(results), PayWorth.of(results), customers)
