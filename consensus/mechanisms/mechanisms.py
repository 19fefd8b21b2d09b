"""Several mechanisms in one subnet: each has its own weights, bonds and incentive, and a part of the emission.

    parts = split_emission(1_000_000, (49151, 16384))
    combined = combine([run_epoch(first, params, parts[0]), run_epoch(second, params, parts[1])])

The chain allows two, whose parts are u16 that add up to 65535.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.errors import ParamsError
from consensus.yuma.yuma import EpochResult

MOST_MECHANISMS = 2
MOST_UIDS = 256
"""Uids of a subnet, counted once for each of its mechanisms."""
U16 = 65535


def check_mechanisms(parts: Sequence[int], uids: int) -> None:
    """Refuse parts that the chain would; raises `ParamsError`."""
    if not 1 <= len(parts) <= MOST_MECHANISMS:
        raise ParamsError(f"mechanisms: {len(parts)}; allowed: 1 to {MOST_MECHANISMS}")
    if any(type(part) is not int or part < 0 for part in parts) or sum(parts) != U16:
        raise ParamsError(f"mechanism parts: {list(parts)}; allowed: whole numbers from 0 that add up to {U16}")
    if len(parts) > 1 and uids * len(parts) > MOST_UIDS:
        raise ParamsError(f"mechanisms: {len(parts)} for {uids} uids; allowed: {MOST_UIDS} uids in all mechanisms")


def split_emission(emission_rao: int, parts: Sequence[int]) -> list[int]:
    """Divide an epoch's emission between mechanisms; the remainder of rounding goes to the first."""
    check_mechanisms(parts, 0)
    shares = [emission_rao * part // U16 for part in parts]
    shares[0] += emission_rao - sum(shares)
    return shares


@dataclass(frozen=True, slots=True, eq=False)
class CombinedEpoch:
    """What a subnet stores after the epochs of its mechanisms; arrays of shape (n,)."""

    emission: NDArray[np.int64]
    server_emission: NDArray[np.int64]
    validator_emission: NDArray[np.int64]
    incentive: NDArray[np.uint16]
    """Average over mechanisms by their emission, like the next three; u16."""
    dividends: NDArray[np.uint16]
    consensus: NDArray[np.uint16]
    validator_trust: NDArray[np.uint16]
    active: NDArray[np.bool_]
    """True if active in any mechanism, and likewise the permit."""
    validator_permit: NDArray[np.bool_]


def combine(results: Sequence[EpochResult]) -> CombinedEpoch:
    """Combine the epochs of one subnet's mechanisms, which have the same neurons."""
    emissions = [result.epoch_emission for result in results]
    total = sum(emissions)

    def average(name: str) -> NDArray[np.uint16]:
        columns = [getattr(result, name).astype(object) for result in results]
        weighted = sum(column * rao for column, rao in zip(columns, emissions, strict=True))
        return np.asarray(weighted // max(total, 1)).astype(np.uint16)

    return CombinedEpoch(
        emission=np.sum([result.emission for result in results], axis=0),
        server_emission=np.sum([result.server_emission for result in results], axis=0),
        validator_emission=np.sum([result.validator_emission for result in results], axis=0),
        incentive=average("incentive"),
        dividends=average("dividends"),
        consensus=average("consensus"),
        validator_trust=average("validator_trust"),
        active=np.any([result.active for result in results], axis=0),
        validator_permit=np.any([result.validator_permit for result in results], axis=0),
    )
