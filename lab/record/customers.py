"""Entries about a gateway's customers, between those of the rounds. Their key is the receipt's id.

request     a customer's query was accepted, and money for it is set aside; written before any miner is asked
receipt     it ended: answered and paid for, or not answered and free; written before the answer is delivered
verdict     what a validator's grader makes of an answer, afterwards
feedback    what the customer makes of it

A request without a receipt was under way when its gateway was killed: it is paid for and not answered. A gateway that
continues the record closes it as unanswered, which returns the money. What customers asked and were told is not
recorded, only its hashes.
"""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum

from pydantic import Field

from lab.errors import AuditError
from subnets import Cost, Fault, Prompt

from .entries import Body
from .record import Entry

CUSTOMER_KINDS = ("request", "receipt", "verdict", "feedback")
RECEIPT_ID = re.compile(r"[0-9a-f]{24}")


class Outcome(StrEnum):
    """How a customer's request ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    """No miner gave a good answer in time."""
    VANISHED = "vanished"
    """The customer closed the connection before the answer was there."""
    UNANSWERED = "unanswered"
    """The gateway ended first."""


class CustomerRequest(Body):
    """A query that was accepted."""

    customer: str
    """Name of the API key."""
    model: str
    """Model that was asked for: the subnet, or one of its miners."""
    time: float = Field(ge=0.0)
    """Seconds since 1970."""
    epochs: int = Field(ge=0)
    """Number of completed epochs whose incentives decided who is asked."""
    prompt_sha256: str
    input_tokens: int = Field(0, ge=0)
    pages: int = Field(0, ge=0)
    reserved_usd: float = Field(0.0, ge=0.0)
    """Amount set aside, which the price never exceeds."""


class Attempt(Body):
    """One miner that was asked for a customer."""

    uid: int
    fault: Fault | None = None
    """None if it answered, or was still at work when another's answer was delivered."""
    reason: str = ""
    latency_s: float = 0.0
    score: float | None = None
    """Grade by which the best of several answers was chosen."""


class Receipt(Body):
    """The end of a request."""

    customer: str
    outcome: Outcome
    miner: int | None = None
    """Uid of the miner whose answer was delivered."""
    claimed_model: str = ""
    """Model that the miner claims to have run."""
    answer_sha256: str = ""
    """Hash of the answer's text as it was delivered, in UTF-8."""
    output_tokens: int = Field(0, ge=0)
    price_usd: float = Field(0.0, ge=0.0)
    latency_s: float = Field(0.0, ge=0.0)
    """Time from accepting the request to its answer."""
    attempts: tuple[Attempt, ...] = ()
    """Miners that were asked, in order."""
    cost: Cost = Cost()
    """What the miners used."""
    session: int = 0
    epoch: int = 0
    """Number of the epoch that was under way at the end."""


class Verdict(Body):
    """A validator's grade of an answer that a customer got."""

    validator: int
    score: float | None = None
    score_reason: str = ""
    grading_cost: Cost = Cost()
    session: int = 0
    epoch: int = 0


class Feedback(Body):
    """A customer's opinion of an answer."""

    rating: float = Field(ge=-1.0, le=1.0)
    comment_sha256: str = ""
    """Hash of what the customer wrote, if anything; the words themselves are not kept."""


def prompt_sha256(prompt: Prompt) -> str:
    """Return the hash of what a customer asked: of the turns as JSON, with the hash of the image."""
    turns = [[message.role, message.content] for message in prompt.messages]
    image = hashlib.sha256(prompt.image).hexdigest() if prompt.image else ""
    return hashlib.sha256(json.dumps([turns, image]).encode()).hexdigest()


class CustomerGrammar:
    """Reads the entries about customers in order, and refuses the first that can't stand where it does."""

    def __init__(self) -> None:
        self._open: dict[str, CustomerRequest] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._commented: set[tuple[str, str]] = set()

    def accept(self, entry: Entry) -> None:
        """Read the next entry.

        Raises:
            AuditError: its key is not a receipt's id, or an entry that must come before it is missing.
        """
        fault = self._misplaced(entry)
        if fault:
            raise AuditError(f"entry {entry.seq} ({entry.kind} {entry.key}): {fault}")

    def _misplaced(self, entry: Entry) -> str:
        key = entry.key
        if not RECEIPT_ID.fullmatch(key):
            return "its key is not the id of a receipt"
        if entry.kind == "request":
            if key in self._open or key in self._outcomes:
                return "this request is in the record already"
            self._open[key] = CustomerRequest.of(entry)
        elif entry.kind == "receipt":
            request, receipt = self._open.pop(key, None), Receipt.of(entry)
            if request is None:
                return "no open request has this id"
            if request.customer != receipt.customer:
                return f"the request is that of {request.customer!r}, the receipt that of {receipt.customer!r}"
            self._outcomes[key] = receipt.outcome
        elif self._outcomes.get(key) is not Outcome.ANSWERED:
            return "no answered request has this id"
        elif (entry.kind, key) in self._commented:
            return f"there is a {entry.kind} with this id already"
        else:
            self._commented.add((entry.kind, key))
        return ""
