"""An arm of a study: one run, with some of the neurons of the study's config.

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
        """How many rounds it has."""
        asking = sum(validator.asks for validator in self.config.build_validators())
        return asking * self.config.chain.epochs * self.config.chain.rounds_per_epoch


def subset(config: RunConfig, *, miners: int | None = None, validators: int | None = None, **changes: Any) -> RunConfig:
    """Return a plain run's config with the first so many miners and validators, and other keys replaced.

    The neurons that are left keep their names and their seeds. `changes` are whole keys of the config ("chain").

    Raises:
        ConfigError: there are not so many.
    """
    table = {key: value for key, value in config.model_dump(mode="json").items() if key in RunConfig.model_fields}
    for sort, wanted in (("miners", miners), ("validators", validators)):
        one_by_one = singly(table[sort])
        if wanted is not None and wanted > len(one_by_one):
            raise ConfigError(f"{wanted} {sort} are wanted, the config has {len(one_by_one)}; raise a `count`")
        table[sort] = one_by_one[:wanted]
    return RunConfig.parse(table | changes, source=f"{len(table['miners'])} of the miners")


def singly(tables: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write each table that stands for several neurons as one table each, the first of every table in front.

    So the first few of a long list are of every sort.
    """
    found = []
    for place in range(max(table["count"] for table in tables)):
        for table in tables:
            if place < table["count"]:
                name = table["name"] if table["count"] == 1 else f"{table['name']}-{place}"
                found.append(table | {"name": name, "count": 1})
    return found
