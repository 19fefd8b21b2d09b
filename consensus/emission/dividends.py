"""Dividends of an epoch: what validators earn for alpha and for TAO staked on root, and who may claim the latter.

A validator's dividend is divided like its stake weight: the root part takes from the pot of root dividends, the rest
from the validators' pot. Root dividends wait until their stakers claim them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from consensus.errors import StateError

from .fixed_point import RAO

LEAST_CLAIM_RAO = 500_000
"""Smaller claims wait."""
TAKE = 11796
"""Default part of its nominators' earnings that a hotkey keeps, in 1/65535: 18 %."""
U16 = 65535


@dataclass(frozen=True, slots=True)
class ValidatorShare:
    """One validator's dividend and the stake that it rests on."""

    dividend: int
    """Any unit will do that is common to all validators."""
    alpha_rao: int
    root_rao: int = 0

    def root_part(self, tao_weight: int) -> int:
        """Return the root's part of its stake weight, bits of U96F32; `tao_weight` is in 1/(2^64 - 1)."""
        weighted = (self.root_rao << 32) * ((tao_weight << 32) // (2**64 - 1)) >> 32
        whole = (self.alpha_rao << 32) + weighted
        return (weighted << 32) // whole if whole else 0


@dataclass(frozen=True, slots=True)
class Dividend:
    """What one validator and its nominators earned, in rao of alpha."""

    alpha_rao: int
    root_rao: int
    """To be claimed by those who staked TAO on root through it."""


def epoch_dividends(
    validators: Sequence[ValidatorShare], validators_rao: int, root_rao: int, tao_weight: int
) -> tuple[Dividend, ...]:
    """Divide both pots of an epoch between validators, in their order; what rounding leaves is in nobody's part."""
    root_parts = [share.dividend * share.root_part(tao_weight) for share in validators]
    alpha_parts = [(share.dividend << 32) - part for share, part in zip(validators, root_parts, strict=True)]
    return tuple(
        Dividend(_part(validators_rao, alpha, sum(alpha_parts)), _part(root_rao, root, sum(root_parts)))
        for alpha, root in zip(alpha_parts, root_parts, strict=True)
    )


def split_by_stake(amount_rao: int, stakes: Mapping[str, int], owner: str, take: int = TAKE) -> dict[str, int]:
    """Divide a hotkey's earnings: its owner keeps the take and all remainders, the rest goes by stake."""
    total = sum(stakes.values())
    shared = amount_rao - amount_rao * take // U16
    parts = {name: shared * stake // total for name, stake in stakes.items() if name != owner} if total else {}
    return {owner: amount_rao - sum(parts.values()), **parts}


@dataclass(frozen=True, slots=True)
class RootClaims:
    """Claims on the root dividends that one hotkey earned on one subnet."""

    rate: int = 0
    """Alpha for each rao ever staked, bits of I96F32."""
    stakes: Mapping[str, int] = field(default_factory=dict)
    """TAO on root by coldkey, rao."""
    claimed: Mapping[str, int] = field(default_factory=dict)
    """Alpha by coldkey that is not owed: paid before, or earned by others before it staked; rao."""

    def earn(self, amount_rao: int) -> "RootClaims":
        """Return the claims after a dividend; without stake nobody earns it."""
        total = sum(self.stakes.values())
        return replace(self, rate=self.rate + (amount_rao << 32) // total) if total else self

    def stake(self, coldkey: str, change_rao: int) -> "RootClaims":
        """Return the claims after stake was added (or removed, if negative); it earns from now on only."""
        stake = self.stakes.get(coldkey, 0) + change_rao
        if stake < 0:
            raise StateError(f"root stake of {coldkey}: {change_rao} rao of {self.stakes.get(coldkey, 0)}")
        settled = self.claimed.get(coldkey, 0) + _ceiling(self.rate * change_rao)
        return replace(self, stakes={**self.stakes, coldkey: stake}, claimed={**self.claimed, coldkey: settled})

    def owed(self, coldkey: str) -> int:
        """Return the alpha that a coldkey may claim."""
        return max(0, (self.rate * self.stakes.get(coldkey, 0) >> 32) - self.claimed.get(coldkey, 0))

    def claim(self, coldkey: str) -> tuple["RootClaims", int]:
        """Return the claims after a coldkey was paid, and its alpha; a claim below the least waits."""
        owed = self.owed(coldkey)
        if owed < LEAST_CLAIM_RAO:
            return self, 0
        return replace(self, claimed={**self.claimed, coldkey: self.claimed.get(coldkey, 0) + owed}), owed


def _part(pot_rao: int, part: int, whole: int) -> int:
    return pot_rao * part // whole if whole else 0


def _ceiling(bits: int) -> int:
    return -(-bits // RAO)
