"""The receipt of an accepted call."""

from dataclasses import dataclass
from typing import Any

from .calls import SignedCall


@dataclass(frozen=True, slots=True)
class Receipt:
    """An accepted call: its place in the chain, and its result (a netuid, a uid, a balance)."""

    block: int
    position: int
    call: SignedCall
    result: Any
