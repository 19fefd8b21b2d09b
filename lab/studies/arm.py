"""Arm: one run of a study, with some of the neurons of the study's config.

Arm("n8-v2", subset(config, miners=8, validators=2))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.config.run_config import RunConfig
from lab.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Arm:
    """One run of a study."""

    name: str
    config: RunConfig

    @property
    def rounds(self) -> int:
        """Number of rounds of all validators together."""
        asking = sum(validator.asks for validator in self.config.build_validators())
        return asking * self.config.chain.epochs * self.config.chain.rounds_per_epoch


def subset(config: RunConfig, *, miners: int | None = None, validators: int | None = None, **changes: Any) -> RunConfig:
    """Return a plain run's config with the first miners and validators only, and with other keys replaced.

    The remaining neurons keep their names and seeds. `changes` replace top-level keys of the config ("chain").

    Raises:
        ConfigError: the config has too few of them.
    """
    table = {key: value for key, value in config.model_dump(mode="json").items() if key in RunConfig.model_fields}
    for role, limit in (("miners", miners), ("validators", validators)):
        neurons = singly(table[role])
        if limit is not None and limit > len(neurons):
            raise ConfigError(f"{limit} {role} are needed, the config has {len(neurons)}; raise a `count`")
        table[role] = neurons[:limit]
    return RunConfig.parse(table | changes, source=f"{len(table['miners'])} of the miners")


def singly(tables: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Expand tables with a count into one table a neuron: the first neuron of each table, then the second, and so on.

    The first few of a long list are therefore of every kind.
    """
    neurons = []
    for number in range(max(table["count"] for table in tables)):
        for table in tables:
            if number < table["count"]:
                name = table["name"] if table["count"] == 1 else f"{table['name']}-{number}"
                neurons.append(table | {"name": name, "count": 1})
    return neurons
