"""Settings for which the retention study draws a line, and the lines that upstream published."""

from dataclasses import dataclass

from consensus.yuma.params import Version

PUBLISHED: dict[str, tuple[float, ...]] = {
    "yuma1": (0.164, 0.275, 0.39, 0.512, 0.6, 0.652, 0.691, 0.722, 0.733, 0.727, 0.722),
    "noise 0": (0.232, 0.323, 0.417, 0.507, 0.6, 0.593, 0.585, 0.578, 0.571, 0.564, 0.557),
    "noise 0.2": (0.203, 0.303, 0.403, 0.508, 0.6, 0.645, 0.665, 0.665, 0.658, 0.651, 0.644),
    "penalty 0": (0.329, 0.38, 0.437, 0.52, 0.597, 0.657, 0.7, 0.738, 0.764, 0.776, 0.788),
    "penalty 0.5": (0.27, 0.342, 0.417, 0.517, 0.597, 0.654, 0.696, 0.733, 0.753, 0.761, 0.768),
    "validators' share 0": (0.325, 0.368, 0.424, 0.518, 0.598, 0.657, 0.706, 0.75, 0.781, 0.803, 0.824),
    "validators' share 0.25": (0.283, 0.343, 0.414, 0.516, 0.598, 0.656, 0.7, 0.739, 0.763, 0.775, 0.785),
    "stake 0.51, kappa 0.4": (0.027, 0.122, 0.22, 0.32, 0.42, 0.52, 0.613, 0.697, 0.764, 0.844, 0.93),
    "stake 0.51": (0.006, 0.109, 0.214, 0.32, 0.42, 0.52, 0.613, 0.7, 0.788, 0.857, 0.886),
}
"""Least honest utility that keeps an honest majority's share, at cabal utilities 0, 0.1, …, 1.

Read off upstream's consensus guarantee plots (subtensor, docs/consensus.md) to three decimals.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """The rules and the world of one line; proportions are plain fractions."""

    name: str
    version: Version = "yuma1"
    liquid_alpha: bool = False
    stake_share: float = 0.6
    """Honest share of stake, and of validators and miners by number."""
    kappa: float = 0.5
    bonds_penalty: float = 1.0
    validators_share: float = 0.5
    """Share of emission that goes to dividends; the rest is incentive."""
    noise: float = 0.4
    """Standard deviation of each weight around 1 before its row is normalised."""
    cabals: int = 1
    """Each cabal weights its own miners and the honest ones, never another cabal's."""
    epochs: int = 1


def settings() -> tuple[Setting, ...]:
    """Return the published settings, then the others."""
    return (
        Setting("yuma1"),
        Setting("noise 0", noise=0.0),
        Setting("noise 0.2", noise=0.2),
        Setting("penalty 0", bonds_penalty=0.0),
        Setting("penalty 0.5", bonds_penalty=0.5),
        Setting("validators' share 0", validators_share=0.0),
        Setting("validators' share 0.25", validators_share=0.25),
        Setting("stake 0.51", stake_share=0.51),
        Setting("stake 0.51, kappa 0.4", stake_share=0.51, kappa=0.4),
        Setting("whitepaper", version="whitepaper"),
        Setting("nakamoto", version="nakamoto"),
        Setting("liquid alpha v1", version="liquid_alpha_v1", liquid_alpha=True),
        Setting("yuma3", version="yuma3"),
        Setting("yuma3, liquid alpha", version="yuma3", liquid_alpha=True),
        Setting("yuma1, 10 epochs", epochs=10),
        Setting("yuma3, 10 epochs", version="yuma3", epochs=10),
        Setting("yuma3, liquid alpha, 10 epochs", version="yuma3", liquid_alpha=True, epochs=10),
        Setting("2 cabals", cabals=2),
        Setting("4 cabals", cabals=4),
        Setting("yuma3, 4 cabals", version="yuma3", cabals=4),
    )
