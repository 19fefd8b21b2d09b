"""A snapshot of what decides a block's emission: JSON with the chain's own raw values.

    snapshot = EmissionSnapshot.read(Path("block.json"))
    snapshot.shares("2026-08").final

Only `block`, `total_issuance_rao` and each subnet's `moving_price_bits` are required. With the reserves of a subnet's
pool, terms and price impact are known too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from consensus.emission.fixed_point import ONE
from consensus.emission.flow import Flow
from consensus.emission.gate import Gate
from consensus.emission.rules import Rules
from consensus.emission.shares import ShareInput, Shares, subnet_shares
from consensus.emission.terms import TAO_WEIGHT, RootStake
from consensus.errors import SnapshotError
from consensus.pool.pool import HALF, LEAST_WEIGHT, Pool
from consensus.pool.power import UNIT
from lab.config.base import Table
from subnets.explanation import explain

Bits = Annotated[int, Field(ge=0, lt=2**128)]
SignedBits = Annotated[int, Field(gt=-(2**127), lt=2**127)]
Amount = Annotated[int, Field(ge=0, lt=2**63)]
Reserve = Annotated[int, Field(ge=1, lt=2**63)]


class SubnetSnapshot(Table):
    """One subnet."""

    moving_price_bits: Bits
    """Bits of I96F32."""
    miner_burned_bits: Bits = 0
    """Bits of U96F32."""
    emission_enabled: bool = True
    first_emission_block: int | None = Field(1, ge=0)
    subtoken_enabled: bool = True
    registration_allowed: bool = True
    user_flow_bits: SignedBits = 0
    """Bits of I64F64."""
    protocol_flow_bits: SignedBits = 0
    """Bits of I64F64."""
    alpha_reserve_rao: Reserve | None = None
    """Alpha in the pool."""
    tao_reserve_rao: Reserve | None = None
    """TAO in the pool."""
    alpha_weight: int = Field(HALF, ge=LEAST_WEIGHT, le=UNIT - LEAST_WEIGHT)
    """Weight of alpha in the pool, in units of 1e-18."""
    alpha_out_rao: Amount = 0
    """Alpha outside of the pool."""
    tao_rao: Amount | None = None
    """TAO that the chain really paid, for comparison, like the next two."""
    tao_in_rao: Amount | None = None
    excess_tao_rao: Amount | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.alpha_reserve_rao is None) != (self.tao_reserve_rao is None):
            raise ValueError(": a pool has both alpha_reserve_rao and tao_reserve_rao; give both or neither")
        return self

    @property
    def pool(self) -> Pool | None:
        """The pool; None if its reserves are not in the snapshot."""
        if self.alpha_reserve_rao is None or self.tao_reserve_rao is None:
            return None
        return Pool(self.alpha_reserve_rao, self.tao_reserve_rao, self.alpha_weight)

    @property
    def alpha_issuance_rao(self) -> int:
        """All alpha, 0 without a pool."""
        return (self.alpha_reserve_rao or 0) + self.alpha_out_rao


class EmissionSnapshot(Table):
    """What decides the emission of one block."""

    about: str = ""
    network: str = ""
    date: str = ""
    block: int = Field(ge=0, lt=2**62)
    total_issuance_rao: int = Field(ge=0, lt=2**63)
    last_gate_block: int | None = None
    gate_bar_bits: int = Field(0, ge=0, le=ONE)
    """Bits of U64F64, like the quantile."""
    gate_quantile_bits: int | None = Field(None, ge=0, le=ONE)
    gate_rank: int | None = Field(None, ge=0, le=65535)
    gate_exponent: int = Field(3, ge=0, le=100)
    missing_weighted_share: float = Field(0.0, ge=0.0, lt=1.0)
    """Share before the gate of disabled subnets that are not in the snapshot."""
    root_stake_rao: Amount | None = None
    tao_weight: int = Field(TAO_WEIGHT, ge=0, lt=2**64)
    """Numerator over 2^64 - 1."""
    subnets: dict[Annotated[int, Field(ge=1, le=65535)], SubnetSnapshot] = Field(min_length=1)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            SnapshotError: it is missing, not JSON, or a value in it is wrong; the message names the value.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise SnapshotError(f"{path}: no such file; give a JSON snapshot of a block's emission") from None
        except OSError as error:
            raise SnapshotError(f"{path}: can't be read: {error.strerror or error}") from None
        except UnicodeDecodeError:
            raise SnapshotError(f"{path}: it is not UTF-8; save it again in UTF-8") from None
        except (ValueError, RecursionError) as error:
            reason = "nested too deep" if isinstance(error, RecursionError) else error
            raise SnapshotError(f"{path}: it is not JSON: {reason}") from None
        if not isinstance(content, dict):
            raise SnapshotError(f"{path}: it holds {type(content).__name__}; allowed: one JSON object with subnets")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise SnapshotError(f"{path}: {explain(error, cls).removeprefix('.')}") from None

    @property
    def gate(self) -> Gate:
        """The stored gate; its bar is set by the quantile where the snapshot gives one and no rank."""
        rank = self.gate_rank
        if rank is None:
            rank = 32 if self.gate_quantile_bits is None else 0
        quantile = Gate().quantile if self.gate_quantile_bits is None else self.gate_quantile_bits
        return Gate(bar=self.gate_bar_bits, rank=rank, quantile=quantile, exponent=self.gate_exponent)

    @property
    def root(self) -> RootStake:
        """Stake on root, 0 if the snapshot doesn't say."""
        return RootStake(self.root_stake_rao or 0, self.tao_weight)

    def shares(self, rules: Rules) -> Shares:
        """Return the subnets' shares of the block under some rules."""
        inputs = {
            netuid: ShareInput(
                moving_price=subnet.moving_price_bits,
                miner_burned=subnet.miner_burned_bits,
                root_proportion=self.root.proportion(subnet.alpha_issuance_rao),
                flow=Flow(subnet.user_flow_bits, subnet.protocol_flow_bits),
                emission_enabled=subnet.emission_enabled,
                first_emission_block=subnet.first_emission_block,
                subtoken_enabled=subnet.subtoken_enabled,
                registration_allowed=subnet.registration_allowed,
            )
            for netuid, subnet in self.subnets.items()
        }
        absent = int(self.missing_weighted_share * ONE)
        return subnet_shares(inputs, rules, block=self.block, gate=self.gate, absent_share=absent)
