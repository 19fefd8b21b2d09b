"""Tables of a run's config, except for its pool and its servers.

A table of `miners` or `validators` mixes what the run needs (name, count, stake) with the options of the plug-in that
its `kind` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from cluster.requirements import LabelKey, LabelSelector, Requirements, ResourceName
from consensus.emission.rules import ERAS, Rules
from miners import MINERS
from subnets import Plugins
from validators import VALIDATORS

from .base import Name, Table
from .docstrings import field_docstrings
from .market import AlphaPoolTable, Market

AnyTable = TypeVar("AnyTable", bound="PluginTable")

MAX_STAKE = 21_000_000
"""Number of tokens that will ever exist."""


class PluginTable(Table):
    """A plug-in's options in addition to the keys that the run needs."""

    plugins: ClassVar[Plugins[Any]]

    name: Name
    """Name in the record and the report. With a count above 1, numbers from 0 are appended."""
    count: int = Field(1, ge=1, le=4096)
    """Number of neurons of this table, each with its own keys and seed."""
    coldkey: Name
    """Owner of the neurons; those of one coldkey belong to one party."""
    stake: float = Field(0.0, ge=0.0, le=MAX_STAKE)
    """Tokens that the coldkey stakes on each of its hotkeys."""
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
        texts = {
            "kind": Field(
                cls.plugins.default or ..., description=f"Plug-in; its options stand next to it. Known: {known}."
            ),
            "name": Field("the kind", description=field_docstrings(PluginTable)["name"]),
        }
        fields = {key: FieldInfo.from_annotated_attribute(str, field) for key, field in texts.items()}
        return fields | {key: field for key, field in cls.model_fields.items() if key not in ("name", "options")}

    def names(self) -> list[str]:
        """Return one name for each of the `count` neurons."""
        return [self.name] if self.count == 1 else [f"{self.name}-{number}" for number in range(self.count)]


class MinerTable(PluginTable):
    """Miners of one kind."""

    plugins: ClassVar[Plugins[Any]] = MINERS

    coldkey: Name = "miners"
    """Owner of the miners; neurons of one coldkey belong to one party."""
    labels: dict[LabelKey, LabelSelector] = {}
    """Labels that the machine of a Ray cluster must have: "a", "!a" (anything else), "in(a, b)" or "!in(a, b)"."""
    resources: dict[ResourceName, Annotated[float, Field(gt=0.0)]] = {}
    """Custom resources of a Ray cluster that each host takes."""

    @property
    def requirements(self) -> Requirements:
        """What each of its miners requires of its machine."""
        return Requirements(self.labels, self.resources)


class ValidatorTable(PluginTable):
    """Validators of one kind."""

    plugins: ClassVar[Plugins[Any]] = VALIDATORS

    coldkey: Name = "validators"
    """Owner of the validators; neurons of one coldkey belong to one party."""
    stake: float = Field(1000.0, gt=0.0, le=MAX_STAKE)
    """Tokens that the coldkey stakes on each of its hotkeys."""


def replaced(tables: tuple[AnyTable, ...], name: str, options: dict[str, Any]) -> tuple[AnyTable, ...]:
    """Return one table for each neuron, with other options for the one called `name`."""
    return tuple(
        table.model_copy(update={"name": each, "count": 1, "options": options if each == name else table.options})
        for table in tables
        for each in table.names()
    )


class ChainTable(Table):
    """How often weights are set and what an epoch pays."""

    epochs: int = Field(5, ge=1)
    """Number of epochs; the chain pays at the end of each."""
    rounds_per_epoch: int = Field(2, ge=1)
    """Rounds of each validator in an epoch."""
    keep: bool = False
    """Keep the chain in the run's folder, for `subnetlab metagraph 1 --chain RUN/chain.sqlite`."""
    compound: bool = False
    """Whether pay is staked where it was earned, as on the public chain, so that stake grows; otherwise it goes to the
    coldkey's balance, and stake changes by events alone."""
    hyperparameters: dict[str, Any] = {}
    """Rules of the subnet by the chain's own names. Rules not named take a development chain's defaults, with a
    tempo of 360 and a permit for every validator."""
    rules: Rules | None = None
    """Month of the chain's rules for money: pay is alpha that is sold in `chain.pool` (2023: TAO), and reports say what
    it is worth. Without it pay is in tokens, one a block."""
    pool: AlphaPoolTable | None = None

    @model_validator(mode="after")
    def _check_pool(self) -> Self:
        if self.pool is not None and (self.rules is None or not ERAS[self.rules].has_alpha):
            has = [rules for rules, era in ERAS.items() if era.has_alpha]
            raise ValueError(f".pool: there is alpha only under chain.rules {', '.join(has)}; set chain.rules to one")
        return self

    def market(self, tao_usd: float) -> Market | None:
        """Return what pay is worth at a price of TAO; None if the config names no rules for money."""
        return None if self.rules is None else Market.of(self.rules, self.pool or AlphaPoolTable(), tao_usd)


class BaselineTable(Table):
    """The baseline: the cost of the same work done once, in the same run, with no subnet around it."""

    miner: str | None = None
    """Name of the miner that does the work. Omit it to take the first honest one that works on this
    machine or cluster."""
    every: int = Field(1, ge=0)
    """Measure the baseline for every n-th round of each validator; 0 never does."""
