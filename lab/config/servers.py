"""Servers in a config: providers that the run starts itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from cluster import Server, free_port
from subnets.option import Wording

from .base import Name, Table
from .placeholders import fill_command, unknown_in


class ServerTable(Table):
    """Servers on the loopback address that run as long as the run does.

    A server is the far end of an API: what its processes use is a provider's cost, with a line of its own in the bill.
    Miners name its address `{server:NAME}`. Its log is server-NAME.log in the run's folder.
    """

    name: Name
    """Name for `{server:NAME}` in the options of miners."""
    command: tuple[str, ...] = Field(min_length=1)
    """Program and arguments, with `{python}`, `{port}` and `{model:NAME}` filled in; no shell reads them."""
    ready: Annotated[str, Wording("a path that begins with '/'")] = Field("/health", pattern=r"^/")
    """Path that answers 200 once the server is ready."""
    start_timeout_s: float = Field(180.0, gt=0.0)
    """Seconds that the server may take to be ready."""
    environment: dict[str, str] = {}
    """Environment variables in addition to the run's own. They are recorded: keep secrets in the run's environment."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if unknown := unknown_in(self.command):
            raise ValueError(f".command: {unknown} has no meaning; known: {{python}}, {{port}}, {{model:NAME}}")
        if "{port}" not in "".join(self.command):
            raise ValueError(".command: it must contain {port}, the port on which the server listens")
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
