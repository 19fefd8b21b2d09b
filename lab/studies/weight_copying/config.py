"""Config of the weight-copying study: the rules compared, and the subnet that they govern."""

from dataclasses import dataclass, field, replace

from consensus import YumaParams


@dataclass(frozen=True, slots=True)
class Variant:
    """One set of rules."""

    name: str
    params: YumaParams


def variants() -> tuple[Variant, ...]:
    """Return the versions and bond speeds that subnets run, and penalties 0 and 1."""
    slow, fast = 975_000, 900_000
    wide = YumaParams(version="yuma3", liquid_alpha=True, alpha_low=6553, alpha_high=58982)
    return (
        Variant("yuma1", YumaParams(version="yuma1", bonds_moving_average=fast)),
        Variant("yuma1, slow bonds", YumaParams(version="yuma1", bonds_moving_average=slow)),
        Variant("liquid alpha v1 .7/.9", YumaParams(version="liquid_alpha_v1", liquid_alpha=True)),
        Variant("yuma3", YumaParams(version="yuma3", bonds_moving_average=fast)),
        Variant("yuma3, slow bonds", YumaParams(version="yuma3", bonds_moving_average=slow)),
        Variant("yuma3, liquid .7/.9", YumaParams(version="yuma3", liquid_alpha=True)),
        Variant("yuma3, liquid .1/.9", wide),
        Variant("yuma3, liquid .1/.9, penalty 0", replace(wide, bonds_penalty=0)),
    )


@dataclass(frozen=True, slots=True)
class CopyingConfig:
    """The subnet and the table; every row of the table has the same miners and the same honest grades."""

    concealments: tuple[int, ...] = (0, 1, 3, 5, 10, 20)
    """Epochs for which weights stay hidden; 0 shows the consensus of the previous epoch."""
    churns: tuple[float, ...] = (0.05, 0.15, 0.4)
    """Standard deviation of a miner's log quality from one epoch to the next."""
    variants: tuple[Variant, ...] = field(default_factory=variants)
    seeds: int = 16
    honest_validators: int = 15
    miners: int = 48
    copier_stake: float = 0.05
    grade_noise: float = 0.2
    """Standard deviation of an honest validator's log error on one miner in one epoch."""
    epochs: int = 80
    """Qualities drift apart without bound, so a longer study describes a more unequal subnet."""
    measured_epochs: int = 40
    """Last epochs, over which dividends are summed."""
