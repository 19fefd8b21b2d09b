"""Sales: a customer's request from the money set aside to the receipt, whatever happens in between."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import secrets
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from lab.config.gateway import GatewayTable
from lab.errors import LabError, RecordError
from lab.record.customers import CustomerRequest, Feedback, Outcome, Receipt, Verdict, prompt_sha256
from lab.record.record import Entry
from lab.run.customers.choice import queue, serving_uids
from lab.run.guest import OpenRun
from miners.engines.openai.stream import BYTES_PER_TOKEN, estimate
from subnets import Cost, Message, Query, Response, Seed

from .account import Account, accounts_of
from .asking import AskedMiners, Asker
from .disguise import Disguise
from .journal import Journal
from .keys import ApiKey
from .metrics import Metrics
from .refusal import ApiRefusal, failed

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CustomerQuestion:
    """What a customer wants to know, and from which model."""

    model: str
    messages: tuple[Message, ...]
    page: bytes = b""
    token_limit: int | None = None
    wants_json: bool = False
    """True to get the answer as the subnet's own JSON instead of its text."""


@dataclass(frozen=True, slots=True)
class Sale:
    """An answer that was paid for."""

    id: str
    text: str
    is_cut: bool
    """True if the limit on tokens ended it."""
    request: CustomerRequest
    receipt: Receipt
    miner: str
    """Name of the miner that gave the answer."""


class Seller:
    """Sells answers of one run's miners."""

    def __init__(self, run: OpenRun, table: GatewayTable, disguise: Disguise, metrics: Metrics) -> None:
        self._run, self._table, self._disguise, self._metrics = run, table, disguise, metrics
        self._asker = Asker(run, table)
        self._journal = Journal(run.append)
        self._serving = serving_uids(run.economy.miners)
        self._names = {neuron.uid: neuron.name for neuron in run.economy.neurons() if neuron.uid in self._serving}
        subnet = run.config.subnet.name
        self.models: dict[str, int | None] = {subnet: None}
        """Names that a customer can ask for: the subnet, with None, and each miner, with its uid."""
        self.models |= {f"{subnet}/{name}": uid for uid, name in self._names.items()}
        self._work: set[asyncio.Task[Any]] = set()
        self._ending = False
        self.accounts: dict[str, Account] = {}
        """What each customer has used, by the name of the key."""
        self._owners: dict[str, str] = {}
        """Customers by the id of an answered request."""
        self._rated: set[str] = set()

    async def open(self) -> None:
        """Read what earlier sessions sold, and close what was under way when the last one was killed.

        Raises:
            LabError: nobody can serve customers, or grade answers to choose the best.
        """
        if not self._serving:
            raise LabError("no miner of the config can answer customers: insiders know the run's own tasks alone")
        if self._table.best_of > 1 and self._asker.grader is None:
            raise LabError(
                f"gateway.best_of: {self._table.best_of}, and no validator's scorer works without a reference; "
                "leave best_of out, or give a validator such a scorer"
            )
        requests, receipts = await asyncio.to_thread(self._sold_before)
        for receipt_id in [receipt_id for receipt_id in requests if receipt_id not in receipts]:
            receipt = self._receipt(requests[receipt_id], Outcome.UNANSWERED, AskedMiners((), None, Cost()), "", 0.0)
            await self._journal.write(receipt.draft("receipt", receipt_id))
            receipts[receipt_id] = receipt
        self.accounts = accounts_of(requests, receipts)
        self._owners = {key: each.customer for key, each in receipts.items() if each.outcome is Outcome.ANSWERED}

    def _sold_before(self) -> tuple[dict[str, CustomerRequest], dict[str, Receipt]]:
        """Return the requests and the receipts of earlier sessions, by id, and remember which are rated."""
        record = self._run.record
        self._rated = {entry.key for entry in record.entries("feedback")}
        requests = {entry.key: CustomerRequest.of(entry) for entry in record.entries("request")}
        return requests, {entry.key: Receipt.of(entry) for entry in record.entries("receipt")}

    async def close(self, drain_s: float) -> None:
        """End the requests under way, giving them some time, and write all receipts."""
        self._ending = True
        if self._work:
            await asyncio.wait(self._work, timeout=drain_s)
        for task in self._work:
            task.cancel()
        while self._work:
            await asyncio.wait(self._work)
        await self._journal.close()

    async def sell(self, key: ApiKey, question: CustomerQuestion) -> Sale:
        """Answer a question and have it paid for; if the caller is cancelled, so is the work.

        Raises:
            ApiRefusal: the key can't pay, the model is unknown, or no miner gave an answer.
        """
        if self._ending:
            raise failed("The server is shutting down.", 503)
        if question.model not in self.models:
            words = f"The model {question.model[:80]!r} does not exist or you do not have access to it."
            raise ApiRefusal(404, words, code="model_not_found", param="model")
        work = self._start(self._sold(key, question))
        try:
            sale: Sale = await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            raise
        return sale

    async def rate(self, key: ApiKey, receipt_id: str, feedback: Feedback) -> None:
        """Record a customer's opinion of an answer; raises ApiRefusal if it was not theirs, or is rated already."""
        if self._owners.get(receipt_id) != key.name:
            raise ApiRefusal(404, "No answer of yours has this receipt.", code="receipt_not_found", param="receipt")
        if receipt_id in self._rated:
            raise ApiRefusal(409, "This answer is rated already.", code="already_rated", param="receipt")
        self._rated.add(receipt_id)
        await self._journal.write(feedback.draft("feedback", receipt_id))

    async def receipt(self, key: ApiKey, receipt_id: str) -> Entry:
        """Return the entry of a customer's receipt; raises ApiRefusal if it is not theirs."""
        entry = await asyncio.to_thread(self._run.record.find, "receipt", receipt_id[:64])
        if entry is None or Receipt.of(entry).customer != key.name:
            raise ApiRefusal(404, "No request of yours has this receipt.", code="receipt_not_found")
        return entry

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._work.add(task)
        self._metrics.under_way.set(len(self._work))
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._work.discard(task)
        self._metrics.under_way.set(len(self._work))
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, ApiRefusal):
            logger.error("a customer's request failed: %s", error)

    async def _sold(self, key: ApiKey, question: CustomerQuestion) -> Sale:
        started = time.monotonic()
        query = self._disguise.query(question.messages, question.page, question.token_limit)
        request, receipt_id = self._request(key, question, query), secrets.token_hex(12)
        order = self._order(question.model, receipt_id)
        account = self.accounts.setdefault(key.name, Account())
        account.reserve(key, request.reserved_usd)
        asked, text, is_cut, outcome = AskedMiners((), None, Cost()), "", False, Outcome.FAILED
        is_recorded = True
        try:
            await self._journal.write(request.draft("request", receipt_id))
            asked = await self._asker.ask(query, order)
            if asked.response is not None:
                text, is_cut = self._delivered(asked.response, question)
                outcome = Outcome.ANSWERED
        except asyncio.CancelledError:
            outcome = Outcome.UNANSWERED if self._ending else Outcome.VANISHED
            raise
        except RecordError:
            is_recorded = False
            account.release(request)
            raise
        finally:
            if is_recorded:
                receipt = self._receipt(request, outcome, asked, text, time.monotonic() - started)
                account.settle(request, receipt)
                miner = "" if receipt.miner is None else self._names[receipt.miner]
                self._metrics.ended(request, receipt, miner)
                await self._journal.write(receipt.draft("receipt", receipt_id))
        if asked.response is None:
            raise failed(f"No miner gave an answer: {_reasons(asked, self._names)}. Nothing was charged.")
        self._owners[receipt_id] = key.name
        if self._asker.grader is not None and random.random() < self._table.graded_share:
            self._start(self._grade(self._asker.grader, query, asked.response, receipt_id))
        return Sale(receipt_id, text, is_cut, request, receipt, miner)

    def _request(self, key: ApiKey, question: CustomerQuestion, query: Query) -> CustomerRequest:
        pages = 1 if question.page else 0
        tokens = 0 if pages else sum(estimate(turn.content) for turn in question.messages)
        return CustomerRequest(
            customer=key.name,
            model=question.model,
            time=time.time(),
            epochs=self._run.standing().epochs,
            prompt_sha256=prompt_sha256(query.prompt),
            input_tokens=tokens,
            pages=pages,
            reserved_usd=self._table.price_usd(tokens, self._most_tokens(question), pages),
        )

    def _order(self, model: str, receipt_id: str) -> Sequence[int]:
        """Return the miners to ask; called in the same step as `_request`, so that both see the same epoch."""
        uid = self.models[model]
        seed = Seed(self._run.config.seed).child("customer", receipt_id)
        return queue(self._table, self._run.standing(), self._serving, seed) if uid is None else (uid,)

    def _most_tokens(self, question: CustomerQuestion) -> int:
        return min(question.token_limit or self._table.max_output_tokens, self._table.max_output_tokens)

    def _delivered(self, response: Response, question: CustomerQuestion) -> tuple[str, bool]:
        """Return what the customer gets of an answer, and whether it was cut. What is read from a page is whole."""
        assert response.answer is not None
        if question.wants_json:
            text = response.answer.model_dump_json(exclude_defaults=True)
        else:
            text = self._run.config.subnet.text_of(response.answer)
        data = text.encode("utf-8", "replace")
        is_whole = question.page or question.wants_json  # a piece of JSON can't be read
        most = len(data) if is_whole else self._most_tokens(question) * BYTES_PER_TOKEN
        return data[:most].decode("utf-8", "ignore"), len(data) > most

    def _receipt(
        self, request: CustomerRequest, outcome: Outcome, asked: AskedMiners, text: str, latency_s: float
    ) -> Receipt:
        common = {
            "customer": request.customer,
            "outcome": outcome,
            "latency_s": latency_s,
            "attempts": asked.attempts,
            "cost": asked.cost,
            "session": self._run.session,
            "epoch": self._run.standing().epochs,
        }
        if outcome is not Outcome.ANSWERED or asked.response is None or asked.response.answer is None:
            return Receipt.model_validate(common)
        tokens = estimate(text)
        price_usd = self._table.price_usd(request.input_tokens, tokens, request.pages)
        own = {
            "miner": asked.response.uid,
            "claimed_model": asked.response.answer.model,
            "answer_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "output_tokens": tokens,
            "price_usd": min(price_usd, request.reserved_usd),
        }
        return Receipt.model_validate(common | own)

    async def _grade(self, validator: int, query: Query, response: Response, receipt_id: str) -> None:
        """Have the validator grade an answer that was delivered."""
        grades = await self._asker.grade(query, [response])
        for score in grades.scores if grades is not None else ():
            verdict = Verdict(
                validator=validator,
                score=score.value,
                score_reason=score.reason[:300],
                grading_cost=grades.cost if grades is not None else Cost(),
                session=self._run.session,
                epoch=self._run.standing().epochs,
            )
            await self._journal.write(verdict.draft("verdict", receipt_id))


def _reasons(asked: AskedMiners, names: dict[int, str]) -> str:
    """Say why each miner that was asked gave no answer; the words of a miner are not repeated."""
    faults = [f"{names[attempt.uid]}: {attempt.fault or 'late'}" for attempt in asked.attempts]
    return ", ".join(faults[:10]) or "nobody was asked"
