"""Conviction: locked alpha gains a voice with time, and enough of it takes over a subnet.

    lock = Lock(locked_rao=100 * TAO).after(216_000)
    lock.conviction_rao

A perpetual lock stays whole, and its conviction approaches it. A decaying one unlocks slowly while conviction grows and
then fades. A lock on the owner's own hotkey has its full conviction at once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

UNLOCK_BLOCKS = 934_866
"""Time constant of a decaying lock: half of it is free after 90 days."""
MATURITY_BLOCKS = 934_866
"""Time constant of conviction in the chain's code of 2026-06; its documents say 311,622."""
LEAST_RAO = 100
"""A lock whose alpha and conviction are both below this vanishes."""
TAKEOVER_AGE = 2_629_800
"""Blocks after which a subnet can be taken over: one year."""
TakeoverRule = Literal["single", "aggregate"]


@dataclass(frozen=True, slots=True)
class Lock:
    """Locked alpha of one hotkey."""

    locked_rao: int
    conviction_rao: int = 0
    perpetual: bool = True
    on_owner: bool = False
    """True on the hotkey of the subnet's owner."""

    def after(self, blocks: int, *, maturity: int = MATURITY_BLOCKS, unlock: int = UNLOCK_BLOCKS) -> "Lock":
        """Return the lock so many blocks later."""
        kept = _decay(blocks, maturity)
        locked = self.locked_rao if self.perpetual else math.floor(self.locked_rao * _decay(blocks, unlock))
        if self.on_owner:
            conviction = locked
        elif self.perpetual:
            conviction = math.floor(self.conviction_rao * kept + self.locked_rao * (1.0 - kept))
        else:
            conviction = math.floor(self.conviction_rao * kept + self.locked_rao * _growth(blocks, maturity, unlock))
        if locked < LEAST_RAO and conviction < LEAST_RAO:
            locked = conviction = 0
        return replace(self, locked_rao=locked, conviction_rao=conviction)


def blocks_to_conviction(locked_rao: int, wanted_rao: int, *, maturity: int = MATURITY_BLOCKS) -> int | None:
    """Return the blocks until a new perpetual lock has more than so much conviction; None if it never does."""
    if locked_rao <= wanted_rao:
        return None
    return math.floor(-maturity * math.log1p(-wanted_rao / locked_rao)) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What a takeover is measured against."""

    age_blocks: int
    outstanding_rao: int
    """All alpha outside of the pool."""
    protocol_rao: int = 0
    """Alpha that the chain holds."""
    burned_rao: int = 0

    @property
    def eligible_rao(self) -> int:
        """Alpha that could vote."""
        return self.outstanding_rao - self.protocol_rao - self.burned_rao

    def needed_rao(self, rule: TakeoverRule = "single") -> int:
        """Return the conviction that has to be exceeded (by one hotkey), or reached (by all together)."""
        return self.eligible_rao * 18 // 100 if rule == "single" else -(-self.outstanding_rao // 10)


def new_owner(convictions_rao: Mapping[str, int], ownership: Ownership, rule: TakeoverRule = "single") -> str | None:
    """Return the hotkey whose coldkey takes the subnet over; None if it stays with its owner.

    Args:
        convictions_rao: by hotkey.
        ownership: the subnet's age and alpha.
        rule: "single", since 2026-08: one hotkey's own conviction exceeds 18 % of the eligible alpha. "aggregate",
            before: all together reach 10 % of the alpha outside of the pool, and the strongest takes over.
    """
    if not convictions_rao or ownership.age_blocks < TAKEOVER_AGE:
        return None
    leader = min(convictions_rao, key=lambda hotkey: (-convictions_rao[hotkey], hotkey))
    if rule == "single":
        return leader if 100 * convictions_rao[leader] > 18 * ownership.eligible_rao else None
    return leader if 10 * sum(convictions_rao.values()) >= ownership.outstanding_rao else None


def _decay(blocks: int, constant: int) -> float:
    return math.exp(-min(blocks / constant, 40.0))


def _growth(blocks: int, maturity: int, unlock: int) -> float:
    """Return the conviction that one locked alpha gains while it unlocks."""
    if unlock == maturity:
        return blocks / maturity * _decay(blocks, maturity)
    return max(0.0, unlock * (_decay(blocks, unlock) - _decay(blocks, maturity)) / (unlock - maturity))
