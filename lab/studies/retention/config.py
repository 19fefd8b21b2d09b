"""Config of the retention study; the defaults are the published grid and every setting."""

from dataclasses import dataclass, field

from .settings import Setting, settings


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """The size of the subnet, the grid, and the settings for which a line is drawn."""

    neurons: int = 512
    validators: int = 64
    utility_steps: int = 51
    """Utilities 0, 0.02, …, 1 on both axes."""
    grid_stake_shares: tuple[float, ...] = (0.51, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
    grid: Setting = field(default_factory=lambda: Setting("yuma1"))
    lines: tuple[Setting, ...] = field(default_factory=settings)
    line_points: int = 11
    """Cabal utilities of a line: 0, 0.1, …, 1."""
    seeds: int = 5
    """Draws of stake and weights behind each point of a line, enough for an interval. The first is upstream's own; the
    grid uses it too."""
    workers: int = 2
    """Threads; an epoch holds no lock."""
