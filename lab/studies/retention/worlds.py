"""Worlds of the retention study: stake, weights, and what consensus pays for them."""

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from consensus import YumaParams, whitepaper_epoch
from lab.studies.payout import U16_MAX, SimulatedSubnets, stored_weights

from .draws import Floats, Words, normals, std_rng
from .settings import Setting

STAKE_RAO = 10**15


def honest_shares(world: "World", setting: Setting, cabal_utility: float) -> Floats:
    """Return the honest side's share of emission at each honest utility; NaN where nobody earns."""
    weights = world.weights(cabal_utility)
    if setting.version == "whitepaper":
        dividends, incentive = _whitepaper(world, weights, setting)
    else:
        dividends, incentive = _chain(world, weights, setting)
    with np.errstate(invalid="ignore", divide="ignore"):
        held = dividends[:, : world.honest_rows.shape[1]].sum(axis=1) / dividends.sum(axis=1)
        earned = incentive[:, world.honest_miners].sum(axis=1) / incentive.sum(axis=1)
    shares: Floats = setting.validators_share * held + (1 - setting.validators_share) * earned
    return shares


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Stake, and each validator's weights within each group of miners, before utilities divide them among groups."""

    stake: Floats
    """(validators,) shares of all stake."""
    pattern: Floats
    """(validators, miners); within a row, each group sums to 1."""
    validator_group: NDArray[np.int64]
    miner_group: NDArray[np.int64]
    """Group 0 is the honest one and comes first."""
    honest_rows: NDArray[np.uint16]
    """(utilities, honest validators, neurons); they do not depend on the cabals' utility."""

    @property
    def honest_miners(self) -> NDArray[np.int64]:
        """Uids of the honest miners."""
        return np.flatnonzero(self.miner_group == 0) + len(self.stake)

    def weights(self, cabal_utility: float) -> NDArray[np.uint16]:
        """Return the stored weights (utilities, validators, neurons) for a cabal utility."""
        utilities, honest, neurons = self.honest_rows.shape
        validators = len(self.stake)
        result = np.empty((utilities, validators, neurons), np.uint16)
        result[:, :honest] = self.honest_rows
        own = self.miner_group[None, :] == self.validator_group[honest:, None]
        split = np.where(own, cabal_utility, np.where(self.miner_group == 0, 1 - cabal_utility, 0.0))
        result[:, honest:] = _on_miners(split * self.pattern[honest:], validators)
        return result


def _on_miners(rows: Floats, validators: int) -> NDArray[np.uint16]:
    """Store weights (..., miners) with none on validators, (..., neurons)."""
    result = np.zeros((*rows.shape[:-1], rows.shape[-1] + validators), np.uint16)
    result[..., validators:] = stored_weights(rows)
    return result


class Worlds:
    """The worlds of a study, drawn once for each stake share, noise, number of cabals and seed."""

    def __init__(self, neurons: int, validators: int, utilities: Floats) -> None:
        self.validators = validators
        self.miners = neurons - validators
        self.utilities = utilities
        self._worlds: dict[tuple[float, float, int, int], World] = {}
        self._lock = Lock()

    def world(self, setting: Setting, seed: int) -> World:
        """Return a setting's world in one draw; seed 0 is the draw behind upstream's plots."""
        key = (setting.stake_share, setting.noise, setting.cabals, seed)
        with self._lock:
            if key not in self._worlds:
                self._worlds[key] = self._draw(setting, seed)
            return self._worlds[key]

    def _draw(self, setting: Setting, seed: int) -> World:
        """Draw in upstream's order: all stakes, then the weights row by row and group by group."""
        validators, miners = self.validators, self.miners
        validator_group, miner_group = _groups(validators, setting), _groups(miners, setting)
        words = std_rng(seed, 2 * validators * (1 + miners))
        stake = _by_group(words[: 2 * validators], validator_group, 0.3)
        pattern = _by_group(words[2 * validators :].reshape(validators, 2 * miners), miner_group, setting.noise)
        cabal_share = (1 - setting.stake_share) / setting.cabals
        stake *= np.where(validator_group == 0, setting.stake_share, cabal_share)
        honest = int((validator_group == 0).sum())
        split = np.where(miner_group == 0, self.utilities[:, None], (1 - self.utilities[:, None]) / setting.cabals)
        rows = np.stack([_on_miners(part * pattern[:honest], validators) for part in split])
        return World(stake, pattern, validator_group, miner_group, rows)


def _by_group(words: Words, group: NDArray[np.int64], deviation: float) -> Floats:
    """Turn words (..., 2 members) into each member's share of its group: N(1, deviation^2), cut at 0, summing to 1."""
    shares = np.empty((*words.shape[:-1], len(group)))
    start = 0
    for number in range(group.max() + 1):
        members = group == number
        size = 2 * int(members.sum())
        drawn = np.maximum(0.0, 1.0 + deviation * normals(words[..., start : start + size]))
        shares[..., members] = drawn / drawn.sum(axis=-1, keepdims=True)
        start += size
    return shares


def _groups(count: int, setting: Setting) -> NDArray[np.int64]:
    honest = min(max(int(setting.stake_share * count), 1), count - setting.cabals)
    return np.concatenate((np.zeros(honest, np.int64), 1 + np.arange(count - honest) % setting.cabals))


def _chain(world: World, weights: NDArray[np.uint16], setting: Setting) -> tuple[Floats, Floats]:
    cases, validators, neurons = weights.shape
    stake = np.zeros((cases, neurons), np.int64)
    stake[:, :validators] = np.rint(world.stake * STAKE_RAO)
    params = YumaParams(
        version=setting.version,
        liquid_alpha=setting.liquid_alpha,
        kappa=int(setting.kappa * U16_MAX),
        bonds_penalty=round(setting.bonds_penalty * U16_MAX),
        max_allowed_validators=validators,
    )
    subnets = SimulatedSubnets(stake, [params] * cases)
    paid = subnets.pay(weights)
    for _ in range(setting.epochs - 1):
        paid = subnets.pay()
    return paid.dividends.astype(np.float64), paid.incentive.astype(np.float64)


def _whitepaper(world: World, weights: NDArray[np.uint16], setting: Setting) -> tuple[Floats, Floats]:
    cases, validators, neurons = weights.shape
    stake = np.concatenate((world.stake, np.zeros(neurons - validators)))
    dividends, incentive = np.zeros((cases, neurons)), np.zeros((cases, neurons))
    for case, cells in enumerate(weights):
        matrix = np.zeros((neurons, neurons))
        matrix[:validators] = cells / cells.sum(axis=1, keepdims=True)
        bonds = np.zeros((neurons, neurons))
        for _ in range(setting.epochs):
            result = whitepaper_epoch(stake, matrix, bonds, kappa=setting.kappa)
            bonds = result.bonds
        dividends[case], incentive[case] = result.dividends, result.incentive
    return dividends, incentive
