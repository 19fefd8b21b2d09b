"""Events of a run: what happens at an epoch, or after something has come true.

    [[events]]
    at = 40                                    # before the rounds of this epoch, counted from 0
    validator = "alice"
    becomes = {kind = "favourite", uids = [7], share = 0.3}

    [[events]]
    at = "after losing_epochs(bob) >= 5"       # before the first epoch for which this holds
    miner = "bob"
    leaves = true

A condition looks at the last epoch that was paid: one quantity of one neuron, table or coldkey, compared with a number.
Each event happens once.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from .base import Name, Table

Quantity = Literal["weight_share", "pay_share", "stake", "validator_trust", "losing_epochs"]
QUANTITIES: dict[str, float] = {
    "weight_share": 1.0,
    "pay_share": 1.0,
    "stake": 21_000_000.0,
    "validator_trust": 1.0,
    "losing_epochs": float("inf"),
}
"""Quantities of conditions, each with the highest value that it can have; the lowest is 0."""
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
CONDITION = re.compile(
    r"after +(?P<quantity>[a-z_]+) *\( *(?P<party>[A-Za-z0-9][A-Za-z0-9_.-]*) *\) *(?P<comparison>>=|<=|>|<) *"
    r"(?P<number>\d+(\.\d+)?)"
)
ACTIONS = ("becomes", "buys", "sells", "moves", "registers", "leaves", "hyperparameters")

GONE: dict[str, dict[str, Any]] = {"validators": {"kind": "idle"}, "miners": {"kind": "gone"}}
"""Strategies of neurons that have left."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison."""

    quantity: str
    party: str
    """Name of a neuron, a table of neurons or a coldkey."""
    comparison: str
    number: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a condition; raises ValueError with what is allowed if it can't be read or can never hold."""
        found = CONDITION.fullmatch(text.strip())
        if found is None or found["quantity"] not in QUANTITIES:
            raise ValueError(
                f'.at: give an epoch, or "after QUANTITY(NAME) > NUMBER" with one of >, >=, <, <= and a quantity among '
                f"{', '.join(QUANTITIES)} (got {text!r:.80})"
            )
        condition = cls(found["quantity"], found["party"], found["comparison"], float(found["number"]))
        highest = QUANTITIES[condition.quantity]
        if not (condition.holds(0.0) or condition.holds(highest) or condition.holds(condition.number)):
            raise ValueError(f".at: {text!r} can never hold; {condition.quantity} is between 0 and {highest:g}")
        if condition.number > highest and not condition.holds(0.0):
            raise ValueError(f".at: {text!r} can never hold; {condition.quantity} is at most {highest:g}")
        return condition

    def holds(self, value: float) -> bool:
        """Return whether a value meets the condition."""
        return COMPARISONS[self.comparison](value, self.number)


class EventTable(Table):
    """Something that happens once during the run: it names a neuron and one thing that it does."""

    at: Annotated[int, Field(ge=0, strict=True)] | str
    """Epoch before which it happens, from 0, or a condition: "after QUANTITY(NAME) > NUMBER", with weight_share,
    pay_share, stake, validator_trust or losing_epochs of a neuron or coldkey in the last epoch."""
    validator: Name | None = None
    """Name of the validator that it is about."""
    miner: Name | None = None
    """Name of the miner that it is about."""
    becomes: dict[str, Any] | None = None
    """Its strategy from then on: the kind and the options of a plug-in."""
    buys: float | None = Field(None, gt=0.0, le=21_000_000)
    """Tokens of stake bought on it with money from outside, by its own coldkey or by `coldkey`, which delegates."""
    sells: float | None = Field(None, gt=0.0, le=21_000_000)
    """Tokens of stake on it that are sold."""
    moves: float | None = Field(None, gt=0.0, le=21_000_000)
    """Tokens of stake that are moved from it to the neuron `to`."""
    to: Name | None = None
    """Name of the neuron that moved stake goes to."""
    coldkey: Name | None = None
    """Whose stake is bought, sold or moved (default: the neuron's own coldkey)."""
    registers: bool = False
    """Register the neuron, which is not part of the subnet before; its table is among the last of the config."""
    leaves: bool = False
    """Leave: a miner refuses every query from then on, and a validator asks nobody and sets no weights."""
    hyperparameters: dict[str, Any] | None = None
    """Rules of the subnet that change, by the chain's own names."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.at, str):
            Condition.parse(self.at)
        given = [name for name in ACTIONS if getattr(self, name) not in (None, False)]
        if len(given) != 1:
            listed = ", ".join(given) or "none of them"
            raise ValueError(f"give one of {', '.join(ACTIONS)} (got {listed})")
        neurons = [name for name in ("validator", "miner") if getattr(self, name) is not None]
        if given == ["hyperparameters"]:
            if neurons:
                raise ValueError(f".{neurons[0]}: hyperparameters are the subnet's, not a neuron's; leave it out")
        elif len(neurons) != 1:
            raise ValueError(f"name either a validator or a miner (got {' and '.join(neurons) or 'neither'})")
        if (self.to is None) != (self.moves is None):
            raise ValueError(".to: stake that moves needs a neuron that it goes to, and nothing else takes one")
        if self.coldkey is not None and given[0] not in ("buys", "sells", "moves"):
            raise ValueError(f".coldkey: only buys, sells and moves take one, not {given[0]}")
        return self

    @property
    def neuron(self) -> str:
        """Name of the neuron that it is about; empty for the rules of the subnet."""
        return self.validator or self.miner or ""

    @property
    def action(self) -> str:
        """The key of what happens."""
        return next(name for name in ACTIONS if getattr(self, name) not in (None, False))

    @property
    def epoch(self) -> int | None:
        """The epoch before which it happens; None if a condition decides."""
        return self.at if isinstance(self.at, int) else None

    @property
    def condition(self) -> Condition | None:
        """The condition; None if it happens at an epoch."""
        return Condition.parse(self.at) if isinstance(self.at, str) else None

    def text(self) -> str:
        """Say what happens, as the record and the report do."""
        match self.action:
            case "becomes":
                return f"{self.neuron} becomes {(self.becomes or {}).get('kind')}"
            case "buys" | "sells" | "moves" as action:
                tokens = getattr(self, action)
                whose = f"{self.coldkey} {action}" if self.coldkey else action
                where = f"from {self.neuron} to {self.to}" if action == "moves" else f"on {self.neuron}"
                return f"{whose} {tokens:g} tokens of stake {where}"
            case "registers" | "leaves" as action:
                return f"{self.neuron} {action}"
            case _:
                rules = ", ".join(f"{name} = {value}" for name, value in (self.hyperparameters or {}).items())
                return f"rules change: {rules}"
