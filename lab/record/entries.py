"""What the entries of a run's record hold.

start    the resolved config, who has which uid and hotkey
round    one round of one validator: task, answers, grades, costs
epoch    the weights of all validators, what the chain paid, what the machine used since the entry before
end      the run is complete
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from lab.errors import AuditError
from subnets import Cost, Fault

from .record import Draft, Entry


class Body(BaseModel):
    """Base of all bodies; defaults are left out when written."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Read the body of an entry.

        Raises:
            AuditError: it is not what such an entry holds.
        """
        try:
            return cls.model_validate(entry.body)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise AuditError(f"entry {entry.seq} ({entry.kind} {entry.place}): {where}: {fault['msg']}") from None

    def draft(self, kind: str, place: str) -> Draft:
        """Make the entry to append."""
        return Draft(kind, place, self.model_dump(mode="json", exclude_defaults=True))


class Neuron(Body):
    """Who holds a uid."""

    uid: int
    name: str
    role: str
    """"validator" or "miner"."""
    kind: str
    """Of its plug-in."""
    honest: bool = True
    hotkey: str
    coldkey: str
    """By the name that the config gives it."""
    stake: float = 0.0
    """In tokens, when the run began."""


class Start(Body):
    """The first entry."""

    format: int
    config: dict[str, Any]
    """As in config.json."""
    machine: dict[str, Any] = {}
    """As in run.json."""
    neurons: tuple[Neuron, ...]


class GradedAnswer(Body):
    """One response and its grade."""

    uid: int
    blob: str | None = None
    """Hash of the answer's bytes; None where nothing arrived or too much."""
    size: int = 0
    """Bytes that arrived."""
    fault: Fault | None = None
    reason: str = ""
    latency_s: float = 0.0
    waited_s: float = 0.0
    cost: Cost = Cost()
    score: float | None = None
    parts: dict[str, float] = {}
    score_reason: str = ""
    quality: float | None = None


class GradedRound(Body):
    """One round of one validator."""

    validator: int
    number: int
    task_id: str
    task_seed: int
    kind: str = ""
    difficulty: float | None = None
    query_bytes: int = 0
    answers: tuple[GradedAnswer, ...]
    task_cost: Cost = Cost()
    grading_cost: Cost = Cost()
    measuring_cost: Cost = Cost()
    session: int = 0
    """That played it."""

    @property
    def place(self) -> str:
        """Of its entry."""
        return f"{self.validator}/{self.number}"


class Pay(Body):
    """What the chain made of the weights: one value for each uid, in the order of uids."""

    block: int
    stake: tuple[float, ...]
    """Tokens."""
    consensus: tuple[int, ...]
    """u16, like the next four."""
    incentive: tuple[int, ...]
    dividends: tuple[int, ...]
    trust: tuple[int, ...]
    validator_trust: tuple[int, ...]
    paid: tuple[int, ...]
    """rao: to a miner for incentive, to a validator and its delegators for dividends."""
    owner_cut: int
    """rao."""
    recycled: int
    """rao that nobody earned or that rounding left over."""
    validator_permit: tuple[bool, ...]
    balances: dict[str, int]
    """rao by coldkey, after the payout: free balance and stake together."""
    refused: dict[int, str] = {}
    """Why the chain refused a validator's weights, by uid; its row of the epoch before stays in force."""


class MachineUse(Body):
    """What the machine did since the epoch before, its record keeping included; that of this epoch is in the next."""

    session: int
    """Counts the processes that worked on the run, from 0."""
    wall_s: float
    cores: int
    setup_cpu_s: float = 0.0
    """Until the first query could be asked, in the session's first epoch."""
    cpu_s: dict[str, float] = {}
    """By role: driver, host, validator, server, system."""
    consensus: Cost = Cost()
    bookkeeping: Cost = Cost()
    """Of keeping the record."""


class Epoch(Body):
    """One epoch."""

    number: int
    weights: dict[int, dict[int, float]]
    """Shares by validator and miner, as submitted; a validator that submitted none is left out."""
    pay: Pay
    use: MachineUse
    once: dict[str, Cost]
    """By place of a round: what its work costs when one miner does it once, with no subnet around it."""
    once_servers_cpu_s: float = 0.0
    """Of servers, while the epoch's work was done once: part of it, and in no cost of `once`."""

    @property
    def place(self) -> str:
        """Of its entry."""
        return str(self.number)
