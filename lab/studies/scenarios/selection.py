"""The scenarios to play: those of `configs/scenarios/`, by name, or files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.errors import ConfigError

from .config import ScenarioConfig

FOLDER = Path(__file__).parents[3] / "configs" / "scenarios"


@dataclass(frozen=True, slots=True)
class Selection:
    """Scenarios by name, each with its config."""

    scenarios: dict[str, ScenarioConfig]
    workers: int = 1
    """Processes that play; with 1, this one does."""

    @classmethod
    def all(cls) -> Self:
        """Select every scenario."""
        return cls.named([])

    @classmethod
    def named(cls, names: Sequence[str], seeds: int | None = None, workers: int = 1) -> Self:
        """Select scenarios by name or by the path of their TOML; without names, all. `seeds` replaces theirs.

        Raises:
            ConfigError: there is no such scenario, or its config is wrong.
        """
        known = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
        paths = {}
        for name in names or known:
            path = known.get(name, Path(name))
            if name not in known and path.suffix != ".toml":
                raise ConfigError(f"unknown scenario {name!r}; known: {', '.join(known)}; or name a TOML file")
            paths[path.stem] = path
        overrides = {} if seeds is None else {"scenario.seeds": str(seeds)}
        return cls({name: read(path, overrides) for name, path in paths.items()}, workers)

    def claims(self) -> dict[str, str]:
        """Return the claim of each scenario, by name."""
        return {name: config.scenario.claim for name, config in self.scenarios.items()}


def read(path: Path, overrides: dict[str, str] | None = None) -> ScenarioConfig:
    """Read a scenario and check every run of it.

    Raises:
        ConfigError: the file can't be read, or a key is wrong.
    """
    config = ScenarioConfig.read(path, overrides)
    config.check(str(path))
    return config
