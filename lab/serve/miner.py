"""Serve a miner to other people's validators: its engines, its callers and its HTTP side.

async with Serving(miner, key, registry, Limits(), slots=None) as serving: ...
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from pydantic import ValidationError

from cluster import LocalPool
from consensus.amounts import TAO
from consensus.chain.calls import Signer
from consensus.chain.chain import Chain
from consensus.chain.metagraph import Metagraph
from consensus.errors import ConsensusError
from lab.config.build import build_miner
from lab.config.placeholders import servers_in
from lab.config.tables import MinerTable
from lab.errors import ConfigError, LabError
from miners import Miner
from miners.axon import Axon, Limits, wire_of
from miners.axon import Protocol as WireName
from miners.axon.wires import Wire
from miners.template import EXAMPLE, TemplateMiner
from subnets import Caller, PluginError, Query, Response
from subnets.errors import TomlError
from subnets.explanation import explain
from subnets.toml_file import parse_toml, read_toml

from .tls import server_tls

logger = logging.getLogger(__name__)

UID = 0
MAX_SLOTS = 64
"""Concurrent queries if the engine has no limit of its own."""
STALE_REFRESHES, STALE_S = 10, 60.0
"""Failed refreshes, and minimum seconds, after which all callers are refused, as they may no longer be registered."""
OPENING_S = 1800.0
"""Seconds that an engine may take to open; its owner is watching and can stop it sooner."""


class Registry(Protocol):
    """A source of the registered neurons."""

    def read(self) -> Metagraph:
        """Return the subnet's current state; raises ConsensusError if it can't be read."""


@dataclass(frozen=True, slots=True)
class ChainFile:
    """A local chain, open only while it is read."""

    location: str
    netuid: int

    def read(self) -> Metagraph:
        """Return the metagraph at the chain's latest block."""
        with Chain.open(self.location) as chain:
            return chain.metagraph(self.netuid)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A metagraph file, .csv or .json."""

    path: Path

    def read(self) -> Metagraph:
        """Return the current content of the file."""
        return Metagraph.load(self.path)


def callers_of(graph: Metagraph) -> dict[str, Caller]:
    """Return every neuron as a caller, by hotkey."""
    return {
        hotkey: Caller(hotkey, int(graph.stake_rao[uid]) / TAO, bool(graph.validator_permit[uid]))
        for uid, hotkey in enumerate(graph.hotkeys)
    }


def read_spec(spec: str, name: str | None = None) -> Miner:
    """Build a miner from its kind, an inline table, or a TOML file.

    The file holds a miner's table, or a run's config, in which `name` chooses a miner.

    Raises:
        ConfigError: the spec can't be read, or describes no miner that can be served alone.
    """
    path = Path(spec)
    try:
        if spec.lstrip().startswith("{"):
            source, table = "the table", parse_toml(f"miner = {spec}", "the table")["miner"]
        elif path.suffix == ".toml" or path.is_file():
            table = read_toml(path)
            source, table = spec, _choose(table, spec, name) if "miners" in table else table
        else:
            source, table = spec, {"kind": spec}
    except TomlError as error:
        raise ConfigError(str(error)) from None
    if servers := servers_in(table):
        raise ConfigError(f"{source}: only a run starts server {servers[0]!r}; give an address instead")
    try:
        parsed = MinerTable.model_validate(table)
        return build_miner(parsed, 0, {}, {})
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, MinerTable).removeprefix('.')}") from None
    except PluginError as error:
        raise ConfigError(f"{source}: {error}") from None


def _choose(config: Mapping[str, Any], source: str, name: str | None) -> dict[str, Any]:
    tables = config["miners"]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{source}: miners must be a list of [[miners]] tables")
    by_name = {str(table.get("name", table.get("kind"))): table for table in tables}
    if name is None and len(by_name) == 1:
        return dict(next(iter(by_name.values())))
    if name not in by_name:
        problem = "choose one with --miner" if name is None else f"no miner is called {name!r}"
        raise ConfigError(f"{source}: {problem}; known: {', '.join(by_name)}")
    return dict(by_name[name])


class Serving:
    """One miner behind an axon, its engines in separate processes; registered callers are re-read periodically."""

    def __init__(
        self,
        miner: Miner,
        key: Signer,
        registry: Registry,
        *,
        limits: Limits | None = None,
        slots: int | None = None,
        refresh_s: float = 60.0,
        protocol: WireName = "subnetlab",
    ) -> None:
        """Prepare to serve up to `slots` concurrent queries (default: the engine's limit).

        Raises:
            ConsensusError: the registry can't be read.
            PluginError: the miner's synapse can't be imported.
        """
        self._registry, self._refresh_s = registry, refresh_s
        self._pool = LocalPool(None, {UID: miner}, {}, start_timeout_s=OPENING_S, isolate=True)
        capacity = sum(group.hosts * group.slots for group in self._pool.plan.groups)
        self.slots = min(capacity, slots or MAX_SLOTS)
        self.axon = Axon(
            key,
            miner,
            callers_of(registry.read()),
            work=self._work,
            slots=self.slots,
            limits=limits,
            registry_s=max(STALE_S, STALE_REFRESHES * refresh_s),
            wire=_wire(protocol, miner),
        )
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._pool)
        self._open.push_async_callback(self.axon.close)
        self._open.push_async_callback(_cancel, asyncio.create_task(self._refresh()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.__aexit__(kind, error, trace)

    async def listen(self, host: str, port: int, certificate: Path | None = None, key: Path | None = None) -> None:
        """Start to answer; raises LabError if the address or the certificate can't be used."""
        tls = None if certificate is None else server_tls(certificate, key)
        try:
            await self.axon.start(host, port, tls)
        except OSError as error:
            raise LabError(f"can't serve at {host}:{port}: {error.strerror or error}") from None

    async def _work(self, query: Query) -> Response:
        [response] = await self._pool.query(query, [UID], deadline_s=query.timeout_s)
        return response

    async def _refresh(self) -> None:
        readable = True
        while True:
            await asyncio.sleep(self._refresh_s)
            try:
                self.axon.update_callers(callers_of(await asyncio.to_thread(self._registry.read)))
                readable = True
            except (ConsensusError, OSError, RecursionError, MemoryError) as error:  # such as a chain in use
                if readable:
                    logger.warning("can't read the registered neurons; keeping those known so far: %s", error)
                readable = False


def _wire(protocol: WireName, miner: Miner) -> Wire:
    """Speak a protocol; a miner of the field's template is asked by its own synapse."""
    if protocol == "synapse" and isinstance(miner, TemplateMiner):
        return wire_of(protocol, miner.protocol or f"{EXAMPLE}:Doubling")
    return wire_of(protocol)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
