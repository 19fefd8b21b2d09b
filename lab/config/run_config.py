"""Run configs: sparse TOML, read by frozen models that hold the only defaults.

    config = RunConfig.read(Path("configs/ocr.toml"), {"chain.epochs": "2"})

A table of `miners` or `validators` mixes what the run needs (name, count, stake) with the options of
the plug-in that its `kind` names.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_serializer, model_validator
from pydantic.fields import FieldInfo

from cluster import Server
from cluster.hosts.host_link import START_TIMEOUT_S
from cluster.ray.placement import GPU_KIND, PlacementStrategy
from cluster.ray.record_url import without_password
from cluster.requirements import LabelKey, LabelSelector, Requirements, ResourceName
from consensus.chain.hyperparameters import Hyperparameters
from consensus.errors import ConsensusError
from lab.errors import ConfigError
from miners import MINERS, Miner
from miners.adversaries.insider import Insider
from subnets import SUBNETS, PluginError, Plugins, Seed, Subnet
from subnets.plugin import explain
from validators import VALIDATORS, Validator

from .base import Name, Table
from .placeholders import fill_options, servers_in
from .servers import ServerTable

MOST_STAKE = 21_000_000
"""Tokens: as many as will ever exist."""


class PluginTable(Table):
    """A table that holds a plug-in's options beside its own keys."""

    plugins: ClassVar[Plugins[Any]]

    name: Name
    count: int = Field(1, ge=1, le=4096)
    """How many of them, each with keys and a seed of its own."""
    coldkey: Name
    """Who owns it: neurons of one coldkey are one party."""
    stake: float = Field(0.0, ge=0.0, le=MOST_STAKE)
    """In tokens, staked by the coldkey on each of its hotkeys."""
    options: dict[str, Any]
    """The plug-in's own keys, `kind` among them."""

    @model_validator(mode="before")
    @classmethod
    def _split(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        keys = cls.model_fields.keys() - {"options"}
        own = {key: value for key, value in table.items() if key in keys}
        options = {key: value for key, value in table.items() if key not in keys}
        kind = options.setdefault("kind", cls.plugins.default)
        if kind is None:
            raise ValueError(f".kind: missing; known: {', '.join(cls.plugins.sources())}")
        return {"name": kind, **own, "options": options}

    @classmethod
    def keys(cls) -> dict[str, FieldInfo]:
        """Return the table's own keys; those of the plug-in depend on its kind."""
        known = ", ".join(cls.plugins.sources())
        kind = Field(cls.plugins.default or ..., description=f"Plug-in; its options stand beside it. Known: {known}.")
        name = Field("the kind", description=cls.model_fields["name"].description)
        texts = {"kind": kind, "name": name}
        fields = {key: FieldInfo.from_annotated_attribute(str, field) for key, field in texts.items()}
        fields = fields | {key: field for key, field in cls.model_fields.items() if key != "name"}
        return {key: field for key, field in fields.items() if key != "options"}

    def names(self) -> list[str]:
        """Return one name for each of the `count`."""
        return [self.name] if self.count == 1 else [f"{self.name}-{place}" for place in range(self.count)]


class MinerTable(PluginTable):
    """A `[[miners]]` table."""

    plugins: ClassVar[Plugins[Any]] = MINERS

    coldkey: Name = "miners"
    labels: dict[LabelKey, LabelSelector] = {}
    """Of the machines of a Ray cluster that it may live on: "a", "!a", "in(a, b)" or "!in(a, b)" by label."""
    resources: dict[ResourceName, Annotated[float, Field(gt=0.0)]] = {}
    """Custom resources of a Ray cluster that each of its hosts takes."""

    @property
    def wants(self) -> Requirements:
        """What it asks of its machine."""
        return Requirements(self.labels, self.resources)

    def build(self, seed: int, others: Mapping[str, Miner], addresses: Mapping[str, str] | None = None) -> Miner:
        """Build the miner; an option that should hold a miner may name one of `others`.

        `addresses`: of the servers that run, by name; None where none does.
        """
        options = {
            key: MINERS.spec(others[value])
            if key in MINER_OPTIONS and isinstance(value, str) and value in others
            else value
            for key, value in fill_options(self.options, addresses).items()
        }
        return MINERS.load({"seed": seed, **options})


MINER_OPTIONS = ("victim",)
"""Options that hold another miner, which may be given by its name in the same config."""


class ValidatorTable(PluginTable):
    """A `[[validators]]` table."""

    plugins: ClassVar[Plugins[Any]] = VALIDATORS

    coldkey: Name = "validators"
    stake: float = Field(1000.0, gt=0.0, le=MOST_STAKE)

    def build(self, seed: int) -> Validator:
        """Build the validator."""
        return VALIDATORS.load({"seed": seed, **self.options})


class ChainTable(Table):
    """How often weights are set, and what an epoch pays."""

    epochs: int = Field(5, ge=1)
    rounds_per_epoch: int = Field(2, ge=1)
    """Rounds of each validator between two epochs."""
    keep: bool = False
    """Keep the chain in the run's folder, for `subnetlab metagraph 1 --chain RUN/chain.sqlite`."""
    hyperparameters: dict[str, Any] = {}
    """Rules of the subnet under the chain's own names; where none is given, those of a development chain with a
    tempo of 360 and a permit for every validator."""


class PoolTable(Table):
    """Where it runs."""

    kind: Literal["ray", "local"] = "ray"
    address: str | None = Field(None, min_length=1)
    """Of a running Ray cluster to join, host:port or "auto"; None: a Ray of this run's own."""
    hosts: int | None = Field(None, ge=1)
    """Hosts of an engine that can be replicated; None: one for each core."""
    gpu_gb: float = Field(0.0, ge=0.0)
    """Least memory of each GPU; a cluster whose GPUs are known to have less is refused."""
    placement: PlacementStrategy = "pack"
    """"pack" leaves it to Ray, which fills machines that are in use first; "spread" takes turns."""
    wait_for_nodes_s: float = Field(0.0, ge=0.0)
    """How long hosts wait for machines that a cluster has not got yet, which its autoscaler is asked for; 0 refuses at
    once what does not fit."""
    start_timeout_s: float = Field(START_TIMEOUT_S, gt=0.0)
    """What a host may take to be placed, and again to open its engines: large models from cold disks take long."""
    rounds_in_flight: int = Field(2, ge=1)
    """Of each validator, so that its next task is made while miners work."""
    dashboard: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.address is not None and self.kind != "ray":
            raise ValueError(
                f".address: {self.address!r} is that of a Ray cluster, and kind is {self.kind!r}; leave the address "
                'out, or take kind = "ray" (--pool.kind ray)'
            )
        return self


class PriceTable(Table):
    """What resources cost, to put dollars on metered seconds."""

    cpu_hour_usd: float = Field(0.04, ge=0.0)
    """One core for one hour."""
    gpu_hour_usd: float = Field(2.0, ge=0.0)
    token_usd: float = Field(1.0, ge=0.0)
    """What a token of pay is worth to a miner that learns from its profit."""
    date: str = "2026-11"
    """When these prices were seen."""


class BareTable(Table):
    """The price of doing the same work once, measured in the same run with no subnet around it."""

    miner: str | None = None
    """Whose work: a name of a miner; None takes the first honest one whose work is done here. What servers use
    meanwhile is part of it."""
    every: int = Field(1, ge=0)
    """Do it for each `every`-th round of each validator; 0 never does."""


class RunConfig(Table):
    """A whole run."""

    seed: int = Field(0, ge=0, lt=2**128)
    """Everything random follows from it. A small one can be found by counting up, and with it every task: where miners
    are not your own, take 128 random bits."""
    subnet: Annotated[Subnet, *SUBNETS.field()]
    miners: tuple[MinerTable, ...] = Field(min_length=1)
    validators: tuple[ValidatorTable, ...] = Field(min_length=1)
    servers: tuple[ServerTable, ...] = ()
    chain: ChainTable = ChainTable()
    pool: PoolTable = PoolTable()
    prices: PriceTable = PriceTable()
    bare: BareTable = BareTable()
    record: Annotated[str, AfterValidator(without_password)] | None = None
    """SQLAlchemy URL of the record; None: a SQLite file in the run's folder."""

    @classmethod
    def read(cls, path: Path, overrides: Mapping[str, str] | None = None) -> Self:
        """Read a TOML file; `overrides` maps dotted keys to values as TOML writes them.

        Raises:
            ConfigError: the file can't be read or a key is wrong.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConfigError(f"{path}: no such file; the shipped ones are in configs/") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: can't be read: {error}") from None
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: not TOML: {error}") from None
        for key, value in (overrides or {}).items():
            override(table, key, value)
        return cls.parse(table, source=str(path))

    @classmethod
    def parse(cls, table: Mapping[str, Any], *, source: str = "config") -> Self:
        """Check a table; `source` names it in messages.

        Raises:
            ConfigError: a key is unknown, missing or out of range, or a plug-in can't be built.
        """
        try:
            config = cls.model_validate(table)
            config.build_miners()
            config.build_validators()
            config._check_rules()
        except ConsensusError as error:
            raise ConfigError(f"{source}: chain.hyperparameters: {error}") from None
        except ValidationError as error:
            raise ConfigError(f"{source}: {explain(error, cls).removeprefix('.')}") from None
        except PluginError as error:
            raise ConfigError(f"{source}: {error}") from None
        return config

    @model_validator(mode="after")
    def _check(self) -> Self:
        for sort, tables in (("miners", self.miners), ("validators", self.validators)):
            names = Counter(name for table in tables for name in table.names())
            twice = [name for name, times in names.items() if times > 1]
            if twice:
                raise ValueError(f".{sort}: the name {twice[0]!r} is used twice; give each table a name of its own")
        self._check_servers()
        self._check_machines()
        known = [name for table in self.miners for name in table.names()]
        if self.bare.miner is not None and self.bare.miner not in known:
            raise ValueError(f".bare.miner: no miner is called {self.bare.miner!r}; known: {', '.join(known)}")
        return self

    def _check_servers(self) -> None:
        known = Counter(server.name for server in self.servers)
        if twice := [name for name, times in known.items() if times > 1]:
            raise ValueError(f".servers: the name {twice[0]!r} is used twice; give each table a name of its own")
        for place, table in enumerate(self.miners):
            if lacking := [name for name in servers_in(table.options) if name not in known]:
                there = f"known: {', '.join(known)}" if known else "add a [[servers]] table of that name"
                raise ValueError(f".miners[{place}]: no server is called {lacking[0]!r}; {there}")

    def _check_machines(self) -> None:
        for place, table in enumerate(self.miners):
            if self.pool.kind != "ray" and (table.labels or table.resources):
                key = "labels" if table.labels else "resources"
                raise ValueError(
                    f".miners[{place}].{key}: only the machines of a Ray cluster have these, and pool.kind is "
                    f"{self.pool.kind!r}; leave them out, or take --pool.kind ray"
                )
            if reserved := table.resources.keys() & {"CPU", "GPU", "memory", "object_store_memory"}:
                raise ValueError(
                    f".miners[{place}].resources: {min(reserved)} is no custom resource; an engine's own options say "
                    "how many CPUs and GPUs it needs"
                )
            if self.pool.gpu_gb and GPU_KIND in table.labels:
                raise ValueError(
                    f".miners[{place}].labels: {GPU_KIND} and pool.gpu_gb both choose among GPUs; leave one of them out"
                )

    def _check_rules(self) -> None:
        """Refuse rules of the chain that a run can't keep to."""
        rules = Hyperparameters.development(**self.hyperparameters())
        rules.validate(development=True)
        neurons = len(self.validator_names) + len(self.miner_names)
        if rules.max_allowed_uids < neurons:
            raise ConsensusError(f"max_allowed_uids: {rules.max_allowed_uids}; the config has {neurons} neurons")
        if rules.commit_reveal:
            raise ConsensusError("commit_reveal: true; a run sets its weights openly: leave it false")

    @field_serializer("miners", "validators")
    def _flatten(self, tables: tuple[PluginTable, ...]) -> list[dict[str, Any]]:
        return [table.model_dump(mode="json", exclude={"options"}) | table.options for table in tables]

    @property
    def validator_names(self) -> list[str]:
        """One name for each validator, in the order of their uids."""
        return [name for table in self.validators for name in table.names()]

    @property
    def miner_names(self) -> list[str]:
        """One name for each miner, in the order of their uids, which follow the validators'."""
        return [name for table in self.miners for name in table.names()]

    def wants(self) -> dict[int, Requirements]:
        """Return what each miner asks of its machine, by uid."""
        wanted = [table.wants for table in self.miners for _ in range(table.count)]
        return dict(enumerate(wanted, start=len(self.validator_names)))

    def hyperparameters(self) -> dict[str, Any]:
        """Return the subnet's rules where they differ from a development chain's."""
        ours = {"tempo": 360, "max_allowed_validators": len(self.validator_names)}
        return ours | self.chain.hyperparameters

    def build_validators(self) -> list[Validator]:
        """Build all validators, each with a seed of its own.

        Raises:
            PluginError: with the key of the table in front.
        """
        built: list[Validator] = []
        for place, table in enumerate(self.validators):
            for _ in range(table.count):
                seed = Seed(self.seed).child("validator", len(built)).integer()
                with _naming(f"validators[{place}]", table.options["kind"]):
                    built.append(table.build(seed))
        return built

    def build_servers(self, folder: Path) -> list[Server]:
        """Build all servers, their logs in a folder; raises ModelError where one needs a model that is not here."""
        return [table.build(folder) for table in self.servers]

    def build_miners(self, addresses: Mapping[str, str] | None = None) -> list[Miner]:
        """Build all miners, each with a seed of its own; those that name another come after it.

        Insiders are told the subnet and the seeds of the validators that ask. `addresses`: of the servers that run,
        by name; None where none does, as in an audit.

        Raises:
            PluginError: with the key of the table in front.
            ModelError: servers run, and a `{model:NAME}` is not on this machine.
        """
        seeds = tuple(validator.seed for validator in self.build_validators() if validator.asks)
        built: dict[str, Miner] = {}
        for place, table in enumerate(self.miners):
            for name in table.names():
                seed = Seed(self.seed).child("miner", len(built)).integer()
                with _naming(f"miners[{place}]", table.options["kind"]):
                    miner = table.build(seed, built, addresses)
                built[name] = miner.informed(self.subnet, seeds) if isinstance(miner, Insider) else miner
        return list(built.values())


@contextmanager
def _naming(where: str, kind: str) -> Iterator[None]:
    """Put the key of a table in front of what is wrong with its plug-in."""
    try:
        yield
    except PluginError as error:
        said = str(error)
        key = said.removeprefix(kind) if said.startswith(f"{kind}.") else f".kind: {said}"
        raise PluginError(where + key) from error


def override(table: dict[str, Any], key: str, value: str) -> None:
    """Set a dotted key ("miners.0.scale") in a nested table; a value that is not TOML is taken as text.

    Raises:
        ConfigError: the key leads through something that is no table.
    """
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    *path, last = key.split(".")
    inner: Any = table
    try:
        for step in path:
            inner = inner[int(step)] if isinstance(inner, list) else inner.setdefault(step, {})
        if isinstance(inner, list):
            inner[int(last)] = parsed
        else:
            inner[last] = parsed
    except (AttributeError, IndexError, TypeError, ValueError):
        raise ConfigError(f"{key}={value}: there is no such key; a place in a list is a number from 0") from None
