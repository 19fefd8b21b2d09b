"""Servers in a config: providers that the run starts itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from cluster import Server, free_port

from .base import Name, Table
from .placeholders import fill_command, unknown_in


class ServerTable(Table):
    """A `[[servers]]` table: a server on the loopback address, that runs as long as the run does.

    It is the far end of an API: what its processes use is a provider's cost, and has a line of its own in the bill.
    Miners name its address `{server:NAME}`. Its log is server-NAME.log in the run's folder.
    """

    name: Name
    command: tuple[str, ...] = Field(min_length=1)
    """With `{python}`, `{port}` and `{model:NAME}` where these belong; no shell reads it."""
    ready: str = Field("/health", pattern=r"^/")
    """Path of its URL that answers 200 once it serves."""
    start_timeout_s: float = Field(180.0, gt=0.0)
    environment: dict[str, str] = {}
    """Variables beside those of the run. They are recorded: a secret belongs in the run's own environment."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if unknown := unknown_in(self.command):
            raise ValueError(f".command: {unknown} has no meaning; known: {{python}}, {{port}}, {{model:NAME}}")
        if "{port}" not in "".join(self.command):
            raise ValueError(".command: it must hold {port}, the port that the server is to listen at")
        return self

    def build(self, folder: Path) -> Server:
        """Build the server, not started yet, with a free port.

        Raises:
            ModelError: a model of its command is not on this machine.
        """
        port = free_port()
        return Server(
            self.name,
            fill_command(self.command, sys.executable, port),
            port,
            self.ready,
            log=folder / f"server-{self.name}.log",
            environment=self.environment,
            start_timeout_s=self.start_timeout_s,
        )
