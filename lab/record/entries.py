"""Bodies of the entries in a run's record.

start    the resolved config, and the uid and hotkey of each neuron
events   what happened before an epoch
round    one round of one validator: task, answers, grades, costs
window   grades of one validator's epoch, if its rounds are graded together (`graded_window`)
epoch    the weights of all validators, the chain's payout, and the machine's use since the previous epoch
end      the run is complete

Entries about customers are in `customers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lab.errors import AuditError
from subnets import Cost, Fault

from .record import Draft, Entry

B = TypeVar("B", bound="Body")

# Most answers of a text subnet are right or wrong and have no parts; sharing these values saves a sixth of the memory.
NO_PARTS: dict[str, float] = {}
Share = Annotated[float, AfterValidator(lambda value: 1.0 if value == 1.0 else value or 0.0)]
"""A number in [0, 1]."""


class Body(BaseModel):
    """Base of all bodies; defaults are left out when written."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Read the body of an entry.

        Raises:
            AuditError: it does not have the fields of such an entry.
        """
        try:
            return _parsed(cls, entry)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise AuditError(f"entry {entry.seq} ({entry.kind} {entry.key}): {where}: {fault['msg']}") from None

    def draft(self, kind: str, key: str) -> Draft:
        """Return the entry to append."""
        return Draft(kind, key, self.model_dump(mode="json", exclude_defaults=True, by_alias=True))


def _parsed(cls: type[B], entry: Entry) -> B:
    """Read a body without building dictionaries first, which would take twice the time."""
    try:
        return cls.model_validate_json(entry.text)
    except (ValidationError, TypeError):
        # This parser refuses half a surrogate pair, which Python writes; anything else fails again, with the reason.
        return cls.model_validate(entry.body)


class Neuron(Body):
    """The holder of a uid."""

    uid: int
    name: str
    role: str
    """"validator" or "miner"."""
    kind: str
    """Kind of its plug-in."""
    honest: bool = True
    hotkey: str
    coldkey: str
    """Name of the coldkey in the config."""
    stake: float = 0.0
    """Tokens at the start of the run."""


class Start(Body):
    """The first entry."""

    format: int
    config: dict[str, Any]
    """The resolved config, as in config.json."""
    machine: dict[str, Any] = {}
    """The machine and its versions, as in run.json."""
    neurons: tuple[Neuron, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedAnswer:
    """One response and its grade; not a model, which would take three times the memory in records of a million."""

    __pydantic_config__ = Body.model_config

    uid: int
    blob: str | None = None
    """Hash of the answer's bytes. None if nothing arrived, or more than the record stores."""
    size: int = 0
    """Bytes that arrived."""
    fault: Fault | None = None
    reason: str = ""
    latency_s: float = 0.0
    waited_s: float = 0.0
    cost: Cost = Cost()
    score: Share | None = None
    parts: dict[str, float] = field(default_factory=lambda: NO_PARTS)
    score_reason: str = ""
    quality: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """The score of one response, where it is recorded apart from the response."""

    __pydantic_config__ = Body.model_config

    score: Share | None = None
    parts: dict[str, float] = field(default_factory=lambda: NO_PARTS)
    score_reason: str = ""


class SharedGrades(Body):
    """What another validator makes of a round whose answers were shared with it."""

    validator: int
    """The one that graded."""
    grades: tuple[Grade, ...]
    """Aligned with the answers of the round."""


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
    """Cost of grading by all validators that graded it."""
    measuring_cost: Cost = Cost()
    shared: tuple[SharedGrades, ...] = ()
    """Grades by the validators that it was shared with, in ascending order of uids."""
    session: int = 0
    """Number of the session that played it."""

    @property
    def key(self) -> str:
        """Key of this round's entry in the record."""
        return f"{self.validator}/{self.number}"


class PastEvent(Body):
    """One event that has happened."""

    place: int
    """Its place among the events of the config, from 0."""
    text: str
    """It in words."""
    refused: str = ""
    """Why the chain refused it; it then changed nothing."""


class EpochEvents(Body):
    """All events before one epoch, in the order in which they happened."""

    epoch: int
    events: tuple[PastEvent, ...]

    @property
    def key(self) -> str:
        """Key of this entry in the record."""
        return str(self.epoch)


class EpochPayout(Body):
    """The chain's results for the weights: one value for each uid, in the order of uids."""

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
    """rao that nobody earned, or left over by rounding."""
    validator_permit: tuple[bool, ...]
    balances: dict[str, int]
    """rao by coldkey, after the payout: free balance and stake together."""
    refused: dict[int, str] = {}
    """Why the chain refused a validator's weights, by uid; its previous row stays in force."""


class MachineUse(Body):
    """The machine's use since the previous epoch's entry. Writing an entry counts towards the next one."""

    session: int
    """Number of the process that worked on the run, from 0."""
    wall_s: float
    cores: int
    setup_cpu_s: float = 0.0
    """CPU before the first query, in a session's first epoch."""
    cpu_s: dict[str, float] = {}
    """CPU seconds by role: driver, host, validator, server, system."""
    consensus: Cost = Cost()
    bookkeeping: Cost = Cost()
    """Cost of keeping the record."""


class Epoch(Body):
    """One epoch."""

    number: int
    weights: dict[int, dict[int, float]]
    """Weights by validator and miner, as submitted. A validator that submitted none is left out."""
    pay: EpochPayout
    use: MachineUse
    baseline: dict[str, Cost] = Field(alias="once")
    """Cost of a round's work done once by one miner with no subnet around it, by key of the round."""
    baseline_servers_cpu_s: float = Field(0.0, alias="once_servers_cpu_s")
    """CPU seconds that servers used meanwhile. They belong to the baseline, but `baseline` does not include them."""

    @property
    def key(self) -> str:
        """Key of this epoch's entry in the record."""
        return str(self.number)


class End(Body):
    """The last entry of a finished run."""

    rounds: int
    """Number of rounds in the record."""
