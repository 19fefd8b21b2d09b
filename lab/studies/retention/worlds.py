"""The worlds of the retention study: who holds what stake, who weighs whom, and what an epoch pays them."""

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from consensus import Batch, YumaParams, whitepaper_epoch
from consensus.yuma.batch import run_batch

from .draws import Floats, Words, normals, std_rng
from .settings import Setting

STAKE_RAO = 10**15
EMISSION_RAO = 10**9


def honest_shares(world: "World", setting: Setting, cabal_utility: float) -> Floats:
    """The honest side's share of emission at each honest utility; NaN where nobody earns."""
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
    """Stake, and each validator's weights within each group of miners, before utilities share them out."""

    stake: Floats
    """(validators,) shares"""
    pattern: Floats
    """(validators, miners), each group of each row sums to 1"""
    validator_group: NDArray[np.int64]
    miner_group: NDArray[np.int64]
    """0 is the honest group; it comes first"""
    honest_rows: NDArray[np.uint16]
    """(utilities, honest validators, neurons): they do not depend on the cabals"""

    @property
    def honest_miners(self) -> NDArray[np.int64]:
        """Their uids."""
        return np.flatnonzero(self.miner_group == 0) + len(self.stake)

    def weights(self, cabal_utility: float) -> NDArray[np.uint16]:
        """(utilities, validators, neurons) u16, each row's largest 65535."""
        utilities, honest, neurons = self.honest_rows.shape
        validators = len(self.stake)
        result = np.empty((utilities, validators, neurons), np.uint16)
        result[:, :honest] = self.honest_rows
        own = self.miner_group[None, :] == self.validator_group[honest:, None]
        split = np.where(own, cabal_utility, np.where(self.miner_group == 0, 1 - cabal_utility, 0.0))
        result[:, honest:] = _stored(split * self.pattern[honest:], validators)
        return result


def _stored(rows: Floats, validators: int) -> NDArray[np.uint16]:
    """Weights on miners as the chain stores them: the largest of each row 65535, none on validators."""
    result = np.zeros((*rows.shape[:-1], rows.shape[-1] + validators), np.uint16)
    result[..., validators:] = np.rint(rows * (65535 / rows.max(axis=-1, keepdims=True)))
    return result


class Worlds:
    """The draws of a study: one for each stake share, noise, number of cabals and seed, made once."""

    def __init__(self, neurons: int, validators: int, utilities: Floats) -> None:
        self.validators = validators
        self.miners = neurons - validators
        self.utilities = utilities
        self._made: dict[tuple[float, float, int, int], World] = {}
        self._lock = Lock()

    def of(self, setting: Setting, seed: int) -> World:
        """The world of a setting in one draw; 0 is the one behind upstream's plots."""
        key = (setting.stake_share, setting.noise, setting.cabals, seed)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._draw(setting, seed)
            return self._made[key]

    def _draw(self, setting: Setting, seed: int) -> World:
        """Draw first all stakes, then row by row the weights, group after group: upstream's order."""
        validators, miners = self.validators, self.miners
        validator_group, miner_group = _groups(validators, setting), _groups(miners, setting)
        words = std_rng(seed, 2 * validators * (1 + miners))
        stake = _by_group(words[: 2 * validators], validator_group, 0.3)
        pattern = _by_group(words[2 * validators :].reshape(validators, 2 * miners), miner_group, setting.noise)
        cabal_share = (1 - setting.stake_share) / setting.cabals
        stake *= np.where(validator_group == 0, setting.stake_share, cabal_share)
        honest = int((validator_group == 0).sum())
        split = np.where(miner_group == 0, self.utilities[:, None], (1 - self.utilities[:, None]) / setting.cabals)
        rows = np.stack([_stored(part * pattern[:honest], validators) for part in split])
        return World(stake, pattern, validator_group, miner_group, rows)


def _by_group(words: Words, group: NDArray[np.int64], deviation: float) -> Floats:
    """(..., 2 members) words as members' shares of their group: N(1, deviation^2), cut off at 0, summing to 1."""
    shares = np.empty((*words.shape[:-1], len(group)))
    at = 0
    for one in range(group.max() + 1):
        members = group == one
        size = 2 * int(members.sum())
        drawn = np.maximum(0.0, 1.0 + deviation * normals(words[..., at : at + size]))
        shares[..., members] = drawn / drawn.sum(axis=-1, keepdims=True)
        at += size
    return shares


def _groups(count: int, setting: Setting) -> NDArray[np.int64]:
    honest = min(max(int(setting.stake_share * count), 1), count - setting.cabals)
    return np.concatenate((np.zeros(honest, np.int64), 1 + np.arange(count - honest) % setting.cabals))


def _chain(world: World, weights: NDArray[np.uint16], setting: Setting) -> tuple[Floats, Floats]:
    cases, validators, neurons = weights.shape
    stake = np.zeros((cases, neurons), np.int64)
    stake[:, :validators] = np.rint(world.stake * STAKE_RAO)
    batch = Batch.from_dense(stake=stake, weights=weights)
    params = YumaParams(
        version=setting.version,
        liquid_alpha=setting.liquid_alpha,
        kappa=int(setting.kappa * 65535),
        bonds_penalty=round(setting.bonds_penalty * 65535),
        max_allowed_validators=validators,
    )
    raw = run_batch(batch, [params] * cases, EMISSION_RAO)
    for _ in range(setting.epochs - 1):
        raw = run_batch(batch := batch.after(raw), [params] * cases, EMISSION_RAO)
    incentive, dividends = raw.bits[4:6].reshape(2, cases, neurons).astype(np.float64)
    return dividends, incentive


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
