"""Miners that come late or leave early; both know the time by their pay, as every miner does."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from subnets import Answer, Query

from .miner import Miner
from .ocr import TesseractReader
from .pay import Pay
from .registry import AnyMiner


class Employer(Miner):
    """Base of the miners that keep their pay in mind and let another miner answer."""

    employs = ("miner",)

    miner: AnyMiner = Field(default_factory=TesseractReader)
    """The miner that answers."""

    _paid: list[Pay] = PrivateAttr(default_factory=list)

    async def forward(self, query: Query) -> Answer | bytes:
        """Have the inner miner answer."""
        return await self.miner.forward(query)

    def paid(self, pay: Pay) -> None:
        """Note the pay, and tell the inner miner."""
        self._paid.append(pay)
        super().paid(pay)

    def __getstate__(self) -> dict[Any, Any]:
        """Pickle the pay along with the options."""
        return super().__getstate__() | {"paid": list(self._paid)}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Restore options and pay."""
        paid = state.pop("paid")
        super().__setstate__(state)
        self._paid.extend(paid)


class Newcomer(Employer):
    """Begins to answer after some epochs; until then it refuses."""

    description: ClassVar[str] = "answers as another miner does, but only after some epochs"

    after: int = Field(10, ge=0)
    """Number of epochs in which it refuses."""

    def blacklist(self, query: Query) -> str:
        """Refuse everybody before its time, and afterwards those whom every miner refuses."""
        waiting = len(self._paid) < self.after
        return f"begins after {self.after} epochs" if waiting else super().blacklist(query)


class Quitter(Employer):
    """Stops for good once it has lost money in some epochs in a row."""

    description: ClassVar[str] = "answers as another miner does until it has lost money for some epochs"

    patience: int = Field(5, ge=1)
    """Number of epochs in a row with a loss after which it stops."""
    immunity: int = Field(0, ge=0)
    """First epochs, whose losses it expects and doesn't count."""

    def blacklist(self, query: Query) -> str:
        """Refuse everybody once it has given up, and before that those whom every miner refuses."""
        losses = 0
        for pay in self._paid[self.immunity :]:
            losses = losses + 1 if pay.profit_usd < 0 else 0
            if losses == self.patience:
                return f"gave up after {self.patience} epochs with a loss"
        return super().blacklist(query)
