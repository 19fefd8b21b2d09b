"""Model against passthrough: honest miners on the same tasks under the same validators, and what each has of it.

    config = MinersConfig.read(Path("configs/studies/miners_ocr.toml"))
    publication = measure(config, Path("runs/miners_ocr"))

One run, the contest, is graded and paid as any other. Where it is wanted each honest miner also answers some of the
same tasks alone on the machine, for latencies that no neighbour has a part in.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from lab.config.base import Name, Table
from lab.config.placeholders import servers_in
from lab.config.run_config import RunConfig
from lab.config.tables import ChainTable
from lab.report.section import Publication
from lab.studies.arm import Arm, singly, subset
from lab.studies.study import StudyConfig
from lab.studies.study_folder import Study, Watch
from miners.adversaries import Insider

CONTEST = "contest"
"""The arm in which all miners answer."""


class Size(Table):
    """How much is asked."""

    epochs: int = Field(1, ge=1)
    """Of the contest; `chain.rounds_per_epoch` rounds of each validator in each."""
    alone_rounds: int = Field(0, ge=0)
    """Tasks that each honest miner answers alone; 0 leaves that out."""


class ContestTable(Size):
    """The `[contest]` table."""

    full: Size = Size(epochs=4, alone_rounds=8)
    """What `--full` asks."""
    probe_rounds: int = Field(1, ge=1)
    """Of the run that the forecast is made from."""


class Offer(Table):
    """A `[[market.apis]]` table: what somebody else takes for the same work."""

    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    """The table of prices that says so, and its date."""
    usd_per_million_input: float = Field(0.0, ge=0.0)
    usd_per_million_output: float = Field(0.0, ge=0.0)
    usd_per_answer: float = Field(0.0, ge=0.0)
    """For work that is not sold by the token: a page."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.usd_per_million_input + self.usd_per_million_output + self.usd_per_answer <= 0.0:
            raise ValueError(f".{self.name}: it has no price; give usd_per_million_output or usd_per_answer")
        return self


class Rented(Table):
    """A `[[market.rented]]` table: a machine that could be rented, by what is said of it."""

    name: str = Field(min_length=1)
    hour_usd: float = Field(gt=0.0)
    per_s: float = Field(gt=0.0)
    """Output tokens a second at full load; answers, where work is not counted in tokens."""


class MarketTable(Table):
    """The `[market]` table: what is not measured but assumed. Prices of hours and of pay are in `[prices]`."""

    pay_per_day: float = Field(100.0, ge=0.0)
    """Tokens that all miners of the contest are paid a day, at `prices.token_usd` each."""
    questions_per_day: float = Field(10_000.0, gt=0.0)
    """That each miner is asked."""
    utilisation: float = Field(0.5, gt=0.0, le=1.0)
    """Share of the rented hours in which hardware works; the rest is paid for as well."""
    kwh_usd: float = Field(0.0, ge=0.0)
    """Price of power beside the hours' prices; 0 where these include it, as rents do."""
    core_w: float = Field(10.0, ge=0.0)
    """Power of a core at work, for which there is no meter; joules of GPUs are metered."""
    apis: tuple[Offer, ...] = ()
    rented: tuple[Rented, ...] = ()


class Detection(Table):
    """A `[[detection]]` table: two miners that a validator is to tell apart."""

    name: str = Field(min_length=1)
    local: Name
    """Runs the model itself."""
    relay: Name
    """Passes the question on."""
    own_copy: Name | None = None
    """A third miner, whose answers stand for those of the validator's own copy of the model; None: it has none."""


class MinersConfig(StudyConfig):
    """A run's config, and what is asked of its record."""

    study: ClassVar[str] = "miners"

    contest: ContestTable = ContestTable()
    market: MarketTable = MarketTable()
    detection: tuple[Detection, ...] = ()

    @model_validator(mode="after")
    def _check_detection(self) -> Self:
        for place, table in enumerate(self.detection):
            for key in ("local", "relay", "own_copy"):
                name = getattr(table, key)
                if name is not None and name not in self.miner_names:
                    known = ", ".join(self.miner_names)
                    raise ValueError(f".detection[{place}].{key}: no miner is called {name!r}; known: {known}")
        return self

    def arms(self, *, full: bool) -> list[Arm]:
        """Return the contest, and a run of each honest miner alone where these are wanted."""
        size = self.contest.full if full else self.contest
        chain = self.chain.model_dump(mode="json") | {"epochs": size.epochs}
        arms = [Arm(CONTEST, subset(self, chain=chain))]
        if size.alone_rounds:
            arms += [self._alone(name, size.alone_rounds) for name in self.honest_names]
        return arms

    def probe(self) -> Arm:
        """Return the short run that the forecast is made from: all miners and validators, as crowded as the contest."""
        chain = ChainTable(epochs=1, rounds_per_epoch=self.contest.probe_rounds)
        return Arm("probe", subset(self, chain=chain.model_dump(mode="json")))

    @property
    def honest_names(self) -> list[str]:
        """Names of the miners that are compared: honest ones that know no secrets."""
        built = zip(self.miner_names, self.build_miners(), strict=True)
        return [name for name, miner in built if miner.honest and not isinstance(miner, Insider)]

    @property
    def machine_names(self) -> list[str]:
        """Names of the miners that answer with a machine of their own alone: each engine keeps a core or a GPU busy."""
        built = zip(self.miner_names, (miner.engines() for miner in self.build_miners()), strict=True)
        return [name for name, engines in built if engines and all(one.cpus or one.gpus for one in engines)]

    def _alone(self, name: str, rounds: int) -> Arm:
        """One miner by itself, at the first tasks of the first validator."""
        table = next(one for one in singly(self.model_dump(mode="json")["miners"]) if one["name"] == name)
        needed = set(servers_in(table))
        one_by_one = subset(
            self,
            validators=1,
            chain=ChainTable(epochs=1, rounds_per_epoch=rounds).model_dump(mode="json"),
            pool=self.pool.model_dump(mode="json") | {"rounds_in_flight": 1},
            bare={"every": 0},
        ).model_dump(mode="json")
        servers = [server for server in one_by_one["servers"] if server["name"] in needed]
        alone = one_by_one | {"miners": [table], "servers": servers}
        return Arm(f"alone-{name}", RunConfig.parse(alone, source=f"{name} alone"))

    def publication(self, study: Study, *, full: bool, watch: Watch) -> Publication:
        """Work out who wins, what it costs, and what can be told of them."""
        from lab.studies.miners.page.overview import publication

        from .contest import MinersData

        return publication(MinersData.of(study, self.arms(full=full), self), self)
