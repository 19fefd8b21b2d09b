"""The rules of a subnet, under the chain's own names and in its integer units.

The defaults are those of a new subnet on the real chain in 2026. `Hyperparameters.development()` removes the
friction: no rate limits, no commit-reveal, free and unlimited registration.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from consensus.amounts import TAO
from consensus.errors import CallRefused
from consensus.yuma.params import LiquidAlphaConsensus, Version

U16 = 65535
LONGEST_TEMPO = 50_400


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """The rules that a subnet's owner can set. Times are in blocks, amounts in rao, shares in 1/65535."""

    tempo: int = 360
    kappa: int = 32767
    bonds_penalty: int = 65535
    bonds_moving_average: int = 900_000
    """Part of an old bond that an epoch keeps, in millionths."""
    yuma_version: Version = "yuma3"
    liquid_alpha: bool = False
    alpha_low: int = 45875
    alpha_high: int = 58982
    alpha_sigmoid_steepness: int = 1000
    liquid_alpha_consensus: LiquidAlphaConsensus = "current"
    max_allowed_uids: int = 256
    max_allowed_validators: int = 64
    min_allowed_weights: int = 1
    max_weight_limit: int = 65535
    weights_version: int = 0
    weights_set_rate_limit: int = 100
    commit_reveal: bool = True
    commit_reveal_period: int = 1
    """Epochs between a commit and its reveal."""
    stake_threshold_rao: int = 0
    """Minimum stake to set weights and to count in the epoch, where the owner is exempt."""
    immunity_period: int = 5000
    min_non_immune_uids: int = 10
    activity_cutoff: int | None = None
    """Blocks; None uses `activity_cutoff_factor` instead."""
    activity_cutoff_factor: int = 13_889
    """Thousandths of the tempo: 5,000 blocks at a tempo of 360."""
    registration_rule: Literal["decay", "interval"] = "decay"
    """decay: burn only, the price falls every block (since 2026). interval: burn or proof of work, both adjusted
    every `adjustment_interval` (2023 to 2026)."""
    min_burn_rao: int = 500_000
    max_burn_rao: int = 100 * TAO
    burn_increase_milli: int = 1260
    burn_half_life: int = 360
    max_registrations_per_block: int = 1
    """0 means no limit."""
    adjustment_interval: int = 360
    adjustment_alpha: int = 0
    """Part of the old price that an adjustment keeps, in 1/2^64."""
    registrations_per_interval: int = 2
    """The target; up to three times as many are accepted."""
    min_difficulty: int = 10_000_000
    max_difficulty: int = 2**62
    pow_byte_order: Literal["little", "big"] = "little"
    """Byte order of a seal: "little" as in the chain's later code, "big" as the miner in `bittensor` up to 10
    solves it."""
    serving_rate_limit: int = 50
    owner_cut: int = 11796
    """Share taken before miners and validators share equally: 18 %. 0 gives the older 50/50."""
    recycle_owner_incentive: bool = True
    """Recycle what the owner's own miners earn."""

    @classmethod
    def development(cls, **changes: Any) -> "Hyperparameters":
        """Return rules for a laboratory: nothing to wait for, nothing to pay. Unknown names are refused."""
        defaults: dict[str, Any] = {
            "tempo": 10,
            "max_allowed_uids": 4096,
            "weights_set_rate_limit": 0,
            "commit_reveal": False,
            "min_burn_rao": 0,
            "max_burn_rao": 0,
            "max_registrations_per_block": 0,
            "serving_rate_limit": 0,
            "registrations_per_interval": 2**31,
            "min_difficulty": 1,
        }
        return cls().change(defaults | changes)

    @property
    def cutoff(self) -> int:
        """Blocks after which a silent validator stops counting."""
        if self.activity_cutoff is not None:
            return self.activity_cutoff
        return self.tempo * self.activity_cutoff_factor // 1000

    def change(self, changes: Mapping[str, Any]) -> "Hyperparameters":
        """Return a copy with some values replaced; an unknown name or a wrong type is refused."""
        if not isinstance(changes, Mapping):
            raise CallRefused("hyperparameter", f"hyperparameters {changes!r}; allowed: names with their values")
        known = {f.name for f in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise CallRefused(
                    "hyperparameter", f"unknown hyperparameter {name!r}; known: {', '.join(sorted(known))}"
                )
            kind = type(getattr(self, name))
            if name == "activity_cutoff":
                fits = value is None or type(value) is int
            else:
                fits = type(value) is kind
            if not fits:
                raise CallRefused("hyperparameter", f"{name}: {value!r} is not of type {kind.__name__}")
        return replace(self, **changes)

    def validate(self, *, development: bool) -> None:
        """Refuse values out of range; only a development chain allows a tempo below 360."""
        for name, (low, high) in self._ranges(development).items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                hint = "; shorter tempos need a development chain" if name == "tempo" and value < low else ""
                raise CallRefused("hyperparameter", f"{name}: {value}; allowed: {low} to {high}{hint}")
        for name, allowed in {
            "yuma_version": get_args(Version),
            "liquid_alpha_consensus": get_args(LiquidAlphaConsensus),
            "registration_rule": ("decay", "interval"),
            "pow_byte_order": ("little", "big"),
        }.items():
            if getattr(self, name) not in allowed:
                raise CallRefused("hyperparameter", f"{name}: {getattr(self, name)!r}; allowed: {', '.join(allowed)}")

    def _ranges(self, development: bool) -> dict[str, tuple[int, int]]:
        return {
            "tempo": (1 if development else 360, LONGEST_TEMPO),
            "kappa": (0, U16),
            "bonds_penalty": (0, U16),
            "bonds_moving_average": (0, 1_000_000),
            "alpha_low": (1638, self.alpha_high),
            "alpha_high": (1638, U16),
            "alpha_sigmoid_steepness": (-32768, 32767),
            "max_allowed_uids": (1, 4096),
            "max_allowed_validators": (1, 4096),
            "min_allowed_weights": (0, 4096),
            "max_weight_limit": (0, U16),
            "weights_version": (0, 2**63 - 1),
            "weights_set_rate_limit": (0, 2**31),
            "commit_reveal_period": (1, 100),
            "stake_threshold_rao": (0, 2**63 - 1),
            "immunity_period": (0, 2**31),
            "min_non_immune_uids": (0, 4096),
            "activity_cutoff": (1, 2**31),
            "activity_cutoff_factor": (1000, 50_000),
            "min_burn_rao": (0, self.max_burn_rao),
            "max_burn_rao": (0, 2**53),
            "burn_increase_milli": (1000, 10_000),
            "burn_half_life": (1, 1_000_000),
            "max_registrations_per_block": (0, 4096),
            "adjustment_interval": (1, 1_000_000),
            "adjustment_alpha": (0, 2**64 - 1),
            "registrations_per_interval": (1, 2**31),
            "min_difficulty": (1, self.max_difficulty),
            "max_difficulty": (1, 2**62),
            "serving_rate_limit": (0, 2**31),
            "owner_cut": (0, U16),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return names and values, in the order of the class."""
        return asdict(self)
