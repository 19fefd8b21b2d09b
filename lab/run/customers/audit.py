"""The audit of customers' entries: who had to be asked, and what it had to cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from lab.config.gateway import GatewayTable
from lab.config.run_config import RunConfig
from lab.errors import AuditError
from lab.record.customers import CustomerRequest, Feedback, Outcome, Receipt, Verdict
from lab.record.entries import Epoch, GradedRound
from lab.record.record import Entry
from miners import Miner
from subnets import Seed

from .choice import Standing, queue, serving_uids

PRICE_TOLERANCE_USD = 1e-9
"""Prices are rounded to this."""


class CustomersAudit:
    """Follows a record's requests and receipts, whose order a `CustomerGrammar` has checked."""

    def __init__(self, config: RunConfig, miners: Mapping[int, Miner]) -> None:
        self._config = config
        self._table = config.gateway or GatewayTable()
        self._serving = serving_uids(miners)
        self._miners = tuple(miners)
        names = dict(zip(miners, config.miner_names, strict=True))
        subnet = config.subnet.name
        self._named = {f"{subnet}/{names[uid]}": uid for uid in self._serving}
        self._subnet = subnet
        self._standings = [Standing()]
        """Before the first epoch and after each one; a request may have been accepted while the last was written."""
        self._open: dict[str, CustomerRequest] = {}
        self.receipts = Counter[str]()
        """Closed requests by outcome."""

    @property
    def open(self) -> int:
        """Number of requests that are paid for and have no receipt."""
        return len(self._open)

    def close_epoch(self, epoch: Epoch, rounds: Sequence[GradedRound]) -> None:
        """Learn how the miners stand after an epoch."""
        standing = Standing.of(epoch, rounds, self._miners, self._config.prices)
        self._standings = [self._standings[-1], standing]

    def check(self, entry: Entry, where: str) -> None:
        """Check one entry.

        Raises:
            AuditError: another miner had to be asked, or another price had to be paid.
        """
        if entry.kind == "request":
            self._open[entry.key] = self._checked_request(CustomerRequest.of(entry), where)
        elif entry.kind == "receipt":
            receipt = Receipt.of(entry)
            self._check_receipt(entry.key, self._open.pop(entry.key), receipt, where)
            self.receipts[receipt.outcome] += 1
        elif entry.kind == "verdict":
            Verdict.of(entry)
        else:
            Feedback.of(entry)

    def _checked_request(self, request: CustomerRequest, where: str) -> CustomerRequest:
        if request.model != self._subnet and request.model not in self._named:
            raise AuditError(f"{where}: model {request.model!r} recorded, which is neither the subnet nor a miner")
        if request.epochs not in [standing.epochs for standing in self._standings]:
            recorded = self._standings[-1].epochs
            raise AuditError(f"{where}: miners chosen after {request.epochs} epochs; {recorded} are recorded")
        return request

    def _check_receipt(self, key: str, request: CustomerRequest, receipt: Receipt, where: str) -> None:
        asked = tuple(attempt.uid for attempt in receipt.attempts)
        due = self._due(key, request)[: len(asked)]
        if asked != due:
            raise AuditError(f"{where}: uids {list(asked)} asked, but {list(due)} had to be asked")
        answered = receipt.outcome is Outcome.ANSWERED
        good = [attempt.uid for attempt in receipt.attempts if attempt.fault is None]
        if answered != (receipt.miner is not None) or (answered and receipt.miner not in good):
            raise AuditError(f"{where}: {receipt.outcome}, by uid {receipt.miner}; uids {good} answered")
        tokens = receipt.output_tokens
        due_usd = self._table.price_usd(request.input_tokens, tokens, request.pages) if answered else 0.0
        due_usd = min(due_usd, request.reserved_usd)
        if not math.isclose(receipt.price_usd, due_usd, abs_tol=PRICE_TOLERANCE_USD, rel_tol=0.0):
            raise AuditError(f"{where}: a price of ${receipt.price_usd:.9f} recorded, ${due_usd:.9f} found")

    def _due(self, key: str, request: CustomerRequest) -> tuple[int, ...]:
        if request.model in self._named:
            return (self._named[request.model],)
        standing = next(each for each in self._standings if each.epochs == request.epochs)
        return queue(self._table, standing, self._serving, Seed(self._config.seed).child("customer", key))
