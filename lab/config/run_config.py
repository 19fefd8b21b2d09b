"""Run configs: sparse TOML, read by frozen models that hold the only defaults.

config = RunConfig.read(Path("configs/ocr.toml"), {"chain.epochs": "2"})
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_serializer,
    model_serializer,
    model_validator,
)

from cluster import Server
from cluster.ray.placement import GPU_KIND
from cluster.record_url import without_password
from cluster.requirements import Requirements
from consensus.chain.handlers.weights import MAX_COMMITS
from consensus.chain.hyperparameters import Hyperparameters
from consensus.errors import ConsensusError, PoolError
from lab.errors import ConfigError
from miners import Miner
from subnets import SUBNETS, PluginError, Subnet
from subnets.errors import TomlError
from subnets.explanation import explain
from subnets.toml_file import read_toml
from validators import VALIDATORS, Scorer, Validator, check_scorer

from .base import Table
from .build import build_miners, build_validators
from .event_checks import Membership, check_events
from .events import GONE, EventTable
from .gateway import GatewayTable
from .market import Market
from .placeholders import servers_in
from .pool import PoolTable, RayTable
from .prices import PriceTable
from .servers import ServerTable
from .tables import BaselineTable, ChainTable, MinerTable, PluginTable, ValidatorTable, replaced


class RunConfig(Table):
    """A whole run."""

    seed: int = Field(0, ge=0, lt=2**128)
    """Seed of all randomness. A small seed can be guessed, and every task with it: use 128 random bits if the miners
    are not your own."""
    subnet: Annotated[Subnet, *SUBNETS.field()]
    """The work: the name of a subnet, or a table with its kind and options."""
    miners: tuple[MinerTable, ...] = Field(min_length=1)
    validators: tuple[ValidatorTable, ...] = Field(min_length=1)
    servers: tuple[ServerTable, ...] = ()
    events: tuple[EventTable, ...] = ()
    """What happens during the run: strategies, stake, miners and rules that change."""
    chain: ChainTable = ChainTable()
    pool: PoolTable = RayTable()
    prices: PriceTable = PriceTable()
    bare: BaselineTable = BaselineTable()
    gateway: GatewayTable | None = None
    """How `subnetlab gateway` answers customers. A run without it serves none."""
    record: Annotated[str, AfterValidator(without_password)] | None = None
    """SQLAlchemy URL of the record. Omit it to keep it in a SQLite file in the run's folder."""

    @classmethod
    def read(cls, path: Path, overrides: Mapping[str, str] | None = None) -> Self:
        """Read a TOML file; `overrides` maps dotted keys to values as TOML writes them.

        Raises:
            ConfigError: the file can't be read or a key is wrong. A key that was overridden is named as a flag.
        """
        overrides = overrides or {}
        try:
            table = read_toml(path)
        except TomlError as error:
            raise ConfigError(str(error)) from None
        for key, value in overrides.items():
            override(table, key, value)
        try:
            config = cls._checked(table)
            if message := config._misplaced_scorer():
                raise ConfigError(message)
        except ConfigError as error:
            raise ConfigError(_with_origin(str(error), path, overrides)) from None
        return config

    @classmethod
    def parse(cls, table: Mapping[str, Any], *, source: str = "config") -> Self:
        """Check a table; `source` names it in messages.

        Raises:
            ConfigError: a key is unknown, missing or out of range, or a plug-in can't be built.
        """
        try:
            return cls._checked(table)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None

    @classmethod
    def _checked(cls, table: Mapping[str, Any]) -> Self:
        """Check a table; a message begins with the key that is wrong."""
        try:
            config = cls.model_validate(table)
            config.build_miners()
            config._check_sources()
            config._check_rules()
            config._check_changes()
        except ConsensusError as error:
            joint = "." if re.match(r"[a-z_]+: ", str(error)) else ": "  # it begins with the rule's name, or with none
            raise ConfigError(f"chain.hyperparameters{joint}{error}") from None
        except ValidationError as error:
            raise ConfigError(explain(error, cls).removeprefix(".")) from None
        except PluginError as error:
            raise ConfigError(str(error)) from None
        return config

    def after(self, event: EventTable) -> Self:
        """Return the config after an event; stake and registrations leave it as it is."""
        if event.hyperparameters is not None:
            rules = {**self.chain.hyperparameters, **event.hyperparameters}
            return self.model_copy(update={"chain": self.chain.model_copy(update={"hyperparameters": rules})})
        if event.becomes is None and not event.leaves:
            return self
        role = "miners" if event.validator is None else "validators"
        options = event.becomes or GONE[role]
        return self.model_copy(update={role: replaced(getattr(self, role), event.neuron, options)})

    def _check_changes(self) -> None:
        """Refuse an event whose strategy or rules are wrong; the message begins with its place in the file."""
        before = dict(zip(self.validator_names, self.build_validators(), strict=True))
        for place, event in enumerate(self.events):
            where = f"events[{place}].{event.action}"
            if event.becomes is not None and "kind" not in event.becomes:
                raise ConfigError(f"{where}.kind: missing; name the strategy that {event.neuron!r} changes to")
            if self.gateway is not None and (event.becomes is not None or event.leaves):
                raise ConfigError(
                    f"{where}: a run with a gateway keeps its miners and validators; leave one of them out"
                )
            if fixed := sorted({"commit_reveal", "commit_reveal_period"} & (event.hyperparameters or {}).keys()):
                raise ConfigError(f"{where}.{fixed[0]}: it holds for a whole run; set it in chain.hyperparameters")
            changed = self.after(event)
            try:
                validators = changed.build_validators()
                changed.build_miners()
                Hyperparameters.development(**changed.hyperparameters()).validate(development=True)
            except ConsensusError as error:
                raise ConfigError(f"{where}: {error}") from None
            except PluginError as error:
                message = re.sub(r"^(miners|validators)\[\d+\]", "", str(error))
                raise ConfigError(where + (message if message.startswith(".") else f": {message}")) from None
            for name, validator in zip(changed.validator_names, validators, strict=True):
                if (validator.window, validator.asks) != (before[name].window, before[name].asks) and (
                    validator.window or before[name].window
                ):
                    raise ConfigError(
                        f"{where}: a validator that grades windows asks and grades alike for a whole run, and "
                        f"{name!r} would not; give it a scorer that grades each round"
                    )

    def check_scorers(self, *, source: str = "config") -> None:
        """Refuse scorers of another subnet; `parse` accepts them, for records that hold such a config.

        Raises:
            ConfigError: names the key, what is allowed and the fix.
        """
        if message := self._misplaced_scorer():
            raise ConfigError(f"{source}: {message}")

    def _misplaced_scorer(self) -> str:
        """Name the first scorer that can't grade this subnet, and its key; empty if there is none."""
        for key, scorer in self.scorers():
            if scorer is not None:
                try:
                    check_scorer(scorer, self.subnet)
                except PluginError as error:
                    return f"{key}: {error}"
        return ""

    def scorers(self) -> Iterator[tuple[str, Scorer | None]]:
        """Yield every scorer of the config with its key; None takes the subnet's own."""
        for place, table in enumerate(self.validators):
            yield f"validators[{place}].scorer", VALIDATORS.load(table.options).scorer

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
        check_events(self.events, Membership(self.validators, self.miners, self.chain.epochs, self.chain.compound))
        return self

    def _check_servers(self) -> None:
        known = Counter(server.name for server in self.servers)
        if twice := [name for name, times in known.items() if times > 1]:
            raise ValueError(f".servers: the name {twice[0]!r} is used twice; give each table a name of its own")
        for place, table in enumerate(self.miners):
            if unknown := [name for name in servers_in(table.options) if name not in known]:
                hint = f"known: {', '.join(known)}" if known else "add a [[servers]] table of that name"
                raise ValueError(f".miners[{place}]: no server is called {unknown[0]!r}; {hint}")

    def _check_machines(self) -> None:
        for place, table in enumerate(self.miners):
            if not isinstance(self.pool, RayTable) and (table.labels or table.resources):
                key = "labels" if table.labels else "resources"
                raise ValueError(
                    f".miners[{place}].{key}: only the machines of a Ray cluster have these, and pool.kind is "
                    f"{self.pool.kind!r}; leave them out, or use --pool.kind ray"
                )
            if reserved := table.resources.keys() & {"CPU", "GPU", "memory", "object_store_memory"}:
                raise ValueError(
                    f".miners[{place}].resources: {min(reserved)} is not a custom resource; an engine's own options "
                    "say how many CPUs and GPUs it needs"
                )
            if isinstance(self.pool, RayTable) and self.pool.gpu_gb and GPU_KIND in table.labels:
                raise ValueError(
                    f".miners[{place}].labels: {GPU_KIND} and pool.gpu_gb both choose among GPUs; leave one of them out"
                )

    def _check_sources(self) -> None:
        """Refuse validators that weigh the scores of one that has none."""
        validators = self.build_validators()
        asking = [uid for uid, validator in enumerate(validators) if validator.asks]
        for uid, validator in enumerate(validators):
            source = validator.scores_from()
            if source is not None and source not in asking:
                raise ConfigError(
                    f"validators: {self.validator_names[uid]} takes the scores of uid {source}, which is no validator "
                    f"that asks miners; uids of these: {', '.join(map(str, asking)) or 'none'}"
                )

    def _check_rules(self) -> None:
        """Refuse rules of the chain that a run can't follow."""
        rules = Hyperparameters.development(**self.hyperparameters())
        rules.validate(development=True)
        self._check_market(rules)
        neurons = len(self.validator_names) + len(self.miner_names)
        if rules.max_allowed_uids < neurons:
            raise ConsensusError(f"max_allowed_uids: {rules.max_allowed_uids}; the config has {neurons} neurons")
        if rules.commit_reveal and rules.commit_reveal_period > MAX_COMMITS:
            raise ConsensusError(
                f"commit_reveal_period: {rules.commit_reveal_period}; a validator that commits in every epoch has at "
                f"most {MAX_COMMITS} commits to reveal"
            )

    def _check_market(self, rules: Hyperparameters) -> None:
        """Refuse a pool that can't take all the alpha of one epoch."""
        try:
            market = self.pay_market()
            if market is not None:
                market.check(market.emission_rao * rules.tempo)
        except PoolError as error:
            raise ConfigError(f"chain.pool: {error}; give it more alpha and TAO, or choose a shorter tempo") from None

    @model_serializer(mode="wrap")
    def _without_absent_gateway(self, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what a run lacks, so that earlier versions can read the records of runs without it."""
        table: dict[str, Any] = default(self)
        if self.gateway is None:
            table.pop("gateway", None)
        if not self.events:
            table.pop("events", None)
        if not self.chain.compound and isinstance(chain := table.get("chain"), dict):
            chain.pop("compound", None)
        return table

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

    def requirements(self) -> dict[int, Requirements]:
        """Return what each miner requires of its machine, by uid."""
        rows = [table.requirements for table in self.miners for _ in range(table.count)]
        return dict(enumerate(rows, start=len(self.validator_names)))

    def hyperparameters(self) -> dict[str, Any]:
        """Return the subnet's rules where they differ from a development chain's."""
        defaults: dict[str, Any] = {"tempo": 360, "max_allowed_validators": len(self.validator_names)}
        if self.chain.rules == "2023":
            defaults["owner_cut"] = 0
        return defaults | self.chain.hyperparameters

    def pay_market(self) -> Market | None:
        """Return what pay is worth; None if the config names no rules for money."""
        return self.chain.market(self.prices.token_usd)

    def build_validators(self) -> list[Validator]:
        """Build all validators, each with a seed of its own.

        Raises:
            PluginError: with the key of the table in front.
        """
        return build_validators(self.validators, self.seed)

    def build_miners(self, addresses: Mapping[str, str] | None = None) -> list[Miner]:
        """Build all miners, each with a seed of its own; `addresses` are the URLs of the servers that run, by name.

        Raises:
            PluginError: with the key of the table in front.
            ModelError: servers run, and a `{model:NAME}` is not on this machine.
        """
        task_seeds = tuple(validator.seed for validator in self.build_validators() if validator.asks)
        return build_miners(self.miners, self.seed, self.subnet, task_seeds, addresses)

    def build_servers(self, folder: Path) -> list[Server]:
        """Build all servers with their logs in a folder; raises ModelError if one needs a model that is missing."""
        return [table.build(folder) for table in self.servers]


def _with_origin(message: str, path: Path, overrides: Mapping[str, str]) -> str:
    """Put the flag in front of a message about a key that a flag has set, and the file in front of any other."""
    for key in sorted(overrides, key=len, reverse=True):
        rest = message.removeprefix(re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", key))
        if rest != message and rest[0] in ":.[":
            return f"--{key}{rest}" if rest[0] == ":" else f"--{key}: {message}"
    return f"{path}: {message}"


def override(table: dict[str, Any], key: str, value: str) -> None:
    """Set a dotted key ("miners.0.scale") in a nested table; a value that is not TOML is taken as text.

    Raises:
        ConfigError: the key passes through a value that is not a table.
    """
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    place_value(table, key, parsed)


def place_value(table: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key ("miners.0.scale") in a nested table to a value.

    Raises:
        ConfigError: the key passes through a value that is not a table.
    """
    *path, last = key.split(".")
    inner: Any = table
    try:
        for step in path:
            inner = inner[int(step)] if isinstance(inner, list) else inner.setdefault(step, {})
        if isinstance(inner, list):
            inner[int(last)] = value
        else:
            inner[last] = value
    except (AttributeError, IndexError, TypeError, ValueError):
        raise ConfigError(f"--{key}: there is no such key; a place in a list is a number from 0") from None
