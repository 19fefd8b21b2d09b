"""Serving a miner to others: which one, in whose name, and to whom.

async with Serving(miner, key, registry, Limits(), places=None) as serving: ...
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import tomllib
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
from miners.axon import Axon, Limits
from subnets import Caller, PluginError, Query, Response
from subnets.plugin import explain

logger = logging.getLogger(__name__)

UID = 0
MOST_PLACES = 64
"""Queries at once where the engine itself knows no bound."""
OPENING_S = 1800.0
"""What an engine may take to open: its owner, who looks on, can end it sooner."""


class Registry(Protocol):
    """Where to look up who is registered."""

    def read(self) -> Metagraph:
        """Return the subnet as it is now; raises ConsensusError where it can't be read."""


@dataclass(frozen=True, slots=True)
class ChainFile:
    """A local chain, open only while it is read."""

    where: str
    netuid: int

    def read(self) -> Metagraph:
        """Return the metagraph of the chain's last block."""
        with Chain.open(self.where) as chain:
            return chain.metagraph(self.netuid)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A metagraph file, .csv or .json."""

    path: Path

    def read(self) -> Metagraph:
        """Return what the file says now."""
        return Metagraph.load(self.path)


def callers_of(graph: Metagraph) -> dict[str, Caller]:
    """Return every neuron as a caller, by hotkey."""
    return {
        hotkey: Caller(hotkey, int(graph.stake_rao[uid]) / TAO, bool(graph.validator_permit[uid]))
        for uid, hotkey in enumerate(graph.hotkeys)
    }


def read_spec(spec: str, name: str | None = None) -> Miner:
    """Build the miner that is to be served: a TOML file (a miner's table, or a config of which `name` is one), an
    inline table, or a kind.

    Raises:
        ConfigError: it can't be read, or names no miner that can be served by itself.
    """
    path = Path(spec)
    if spec.lstrip().startswith("{"):
        source, table = "the table", _toml(f"miner = {spec}", "the table")["miner"]
    elif path.suffix == ".toml" or path.is_file():
        try:
            table = _toml(path.read_text(encoding="utf-8"), spec)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{spec}: can't be read: {error}") from None
        source, table = spec, _chosen(table, spec, name) if "miners" in table else table
    else:
        source, table = spec, {"kind": spec}
    if needed := servers_in(table):
        raise ConfigError(f"{source}: server {needed[0]!r} is started by a run only; write its address")
    try:
        parsed = MinerTable.model_validate(table)
        return build_miner(parsed, 0, {}, {})
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, MinerTable).removeprefix('.')}") from None
    except PluginError as error:
        raise ConfigError(f"{source}: {error}") from None


def _toml(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: not TOML: {error}") from None


def _chosen(config: Mapping[str, Any], source: str, name: str | None) -> dict[str, Any]:
    tables = config["miners"]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{source}: miners is to be [[miners]] tables")
    by_name = {str(table.get("name", table.get("kind"))): table for table in tables}
    if name is None and len(by_name) == 1:
        return dict(next(iter(by_name.values())))
    if name not in by_name:
        said = "choose one with --miner" if name is None else f"no miner is called {name!r}"
        raise ConfigError(f"{source}: {said}; known: {', '.join(by_name)}")
    return dict(by_name[name])


class Serving:
    """One miner behind an axon: its engines on hosts of their own, its callers looked up again every so often."""

    def __init__(
        self,
        miner: Miner,
        key: Signer,
        registry: Registry,
        *,
        limits: Limits | None = None,
        places: int | None = None,
        refresh_s: float = 60.0,
    ) -> None:
        """`places` bounds the queries at once; None takes what the engine serves. Raises ConsensusError where the
        registry can't be read.
        """
        self._registry, self._refresh_s = registry, refresh_s
        self._pool = LocalPool(None, {UID: miner}, {}, start_timeout_s=OPENING_S)
        fits = sum(group.hosts * group.slots for group in self._pool.plan.groups)
        self.places = min(fits, places or MOST_PLACES)
        self.axon = Axon(key, miner, callers_of(registry.read()), work=self._work, places=self.places, limits=limits)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._pool)
        self._open.push_async_callback(self.axon.close)
        self._open.push_async_callback(_ended, asyncio.create_task(self._refresh()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.__aexit__(kind, error, trace)

    async def listen(self, host: str, port: int, certificate: Path | None = None, key: Path | None = None) -> None:
        """Answer from now on; raises LabError where the address or the certificate can't be used."""
        tls = None if certificate is None else _tls(certificate, key)
        try:
            await self.axon.start(host, port, tls)
        except OSError as error:
            raise LabError(f"can't serve at {host}:{port}: {error.strerror or error}") from None

    async def _work(self, query: Query) -> Response:
        [response] = await self._pool.query(query, [UID], deadline_s=query.timeout_s)
        return response

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(self._refresh_s)
            try:
                self.axon.know(callers_of(await asyncio.to_thread(self._registry.read)))
            except ConsensusError as error:  # a chain that is in use; what was known still holds
                logger.warning("who is registered could not be read: %s", error)


def _tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        tls.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        files = f"certificate {certificate}" + (f" with key {key}" if key else "")
        raise LabError(f"{files} can't be used: {error.strerror or error}; give both as PEM files") from None
    return tls


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
