"""Windows of a run: the rounds that a validator grades together at the end of an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from validators import Validator

T = TypeVar("T")


class Windows(Generic[T]):
    """The latest rounds of each validator that grades windows, in whatever form its caller needs them."""

    def __init__(self, validators: Mapping[int, Validator], rounds_per_epoch: int) -> None:
        self._per_epoch = rounds_per_epoch
        self._lengths = {
            uid: max(validator.window, rounds_per_epoch)
            for uid, validator in validators.items()
            if validator.asks and validator.window
        }
        self._rounds: dict[int, dict[int, T]] = {uid: {} for uid in self._lengths}

    @property
    def uids(self) -> list[int]:
        """Uids of the validators that grade windows."""
        return list(self._lengths)

    def add(self, validator: int, number: int, played: T) -> None:
        """Keep a round, if its validator grades windows."""
        if validator in self._rounds:
            self._rounds[validator][number] = played

    def at(self, validator: int, epoch: int) -> list[T]:
        """Return the window that ends with an epoch, in ascending order of rounds, and forget what is before it."""
        kept = self._rounds[validator]
        end = (epoch + 1) * self._per_epoch
        for number in [number for number in kept if number < end - self._lengths[validator]]:
            del kept[number]
        return [kept[number] for number in sorted(kept) if number < end]
