"""Parameters of an epoch, in the chain's own names and integer units.

    YumaParams(version="yuma1", bonds_penalty=0).kappa  # 32767, of 65535

Every default is that of a newly created subnet. A u16 proportion is a numerator over 65535.
"""

from dataclasses import dataclass, fields
from typing import Literal, get_args

from consensus.errors import ParamsError

Version = Literal["whitepaper", "nakamoto", "yuma1", "liquid_alpha_v1", "yuma3", "null"]
Semantics = Literal["chain", "dense"]
LiquidAlphaConsensus = Literal["current", "previous", "auto"]

U16_MAX = 65535
ALPHA_FLOOR = 1638
"""The chain refuses a lower alpha: 1/40 of 65535."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YumaParams:
    """One subnet's parameters; `ParamsError` names the first one out of range."""

    version: Version = "yuma3"
    """The era whose rules apply; the eras and their differences are in docs/yuma.md."""
    semantics: Semantics = "chain"
    """"chain" is the sparse epoch that runs in production; "dense" the one that upstream keeps for its tests.
    They differ in two places: a bond without a weight under liquid alpha, and the owner's weight on itself."""
    kappa: int = 32767
    """u16 proportion of active stake that must support a weight."""
    bonds_penalty: int = U16_MAX
    """u16 proportion: how far weights above consensus are cut before they buy bonds. Fixed at 1 before yuma1's
    present form: no effect in "nakamoto" (0), "liquid_alpha_v1" (1)."""
    bonds_moving_average: int = 900_000
    """Parts in a million of the old bond that an epoch keeps; "nakamoto" has a fixed 0.9."""
    liquid_alpha: bool = False
    """Effective in "liquid_alpha_v1" and "yuma3" only."""
    alpha_low: int = 45875
    alpha_high: int = 58982
    """u16 proportions of the new bond that an epoch takes under liquid alpha."""
    alpha_sigmoid_steepness: int = 1000
    """Hundredths: 1000 is a slope of 10. The chain allows negative values, too."""
    liquid_alpha_consensus: LiquidAlphaConsensus = "current"
    """Which consensus a "yuma3" alpha is measured against: this epoch's, the stored u16 of the epoch before, or
    "auto": the stored one where bonds_penalty is 65535. Known from upstream's description, not from its tests."""
    activity_cutoff: int = 5000
    """Blocks since last_update after which a validator's stake stops counting."""
    max_allowed_validators: int = 64
    stake_threshold: int = 0
    """Rao below which stake counts as none, the owner's excepted. No effect before yuma1's present form."""
    rho: int = 10
    """Steepness of the trust sigmoid; "whitepaper" and "nakamoto" alone use it."""

    def __post_init__(self) -> None:
        for name, allowed in (
            ("version", get_args(Version)),
            ("semantics", get_args(Semantics)),
            ("liquid_alpha_consensus", get_args(LiquidAlphaConsensus)),
        ):
            if getattr(self, name) not in allowed:
                raise ParamsError(f"{name}: unknown value {getattr(self, name)!r}; known: {', '.join(allowed)}")
        if not isinstance(self.liquid_alpha, bool):
            raise ParamsError(f"liquid_alpha: {self.liquid_alpha!r} is not True or False")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ParamsError(f"{name}: {value!r} is not a whole number; give the chain's integer, {low} to {high}")
            if not low <= value <= high:
                raise ParamsError(f"{name}: {value} is outside {low} to {high}{_UNITS.get(name, '')}")
        if self.alpha_low > self.alpha_high:
            raise ParamsError(
                f"alpha_low: {self.alpha_low} is above alpha_high {self.alpha_high}; lower one or raise the other"
            )


_RANGES = {
    "kappa": (0, U16_MAX),
    "bonds_penalty": (0, U16_MAX),
    "bonds_moving_average": (0, 1_000_000),
    "alpha_low": (ALPHA_FLOOR, U16_MAX),
    "alpha_high": (ALPHA_FLOOR, U16_MAX),
    "alpha_sigmoid_steepness": (-32768, 32767),
    "activity_cutoff": (0, 2**40),
    "max_allowed_validators": (0, U16_MAX),
    "stake_threshold": (0, 2**63 - 1),
    "rho": (0, 1000),
}
_UNITS = {
    "kappa": "; it is a u16 proportion, one half is 32767",
    "bonds_penalty": "; it is a u16 proportion, 1 is 65535",
    "bonds_moving_average": "; it is in millionths, 0.9 is 900000",
    "alpha_low": "; it is a u16 proportion, 0.7 is 45875",
    "alpha_high": "; it is a u16 proportion, 0.9 is 58982",
    "alpha_sigmoid_steepness": "; it is in hundredths, a slope of 10 is 1000",
}
assert set(_RANGES) | {"version", "semantics", "liquid_alpha", "liquid_alpha_consensus"} == {
    field.name for field in fields(YumaParams)
}
