"""Config of the miners study: honest miners on the same tasks under the same validators, and what each gains.

    config = MinersConfig.read(Path("configs/studies/miners_ocr.toml"))
    measure(STUDY, config, Path("runs/miners_ocr"))

One run, the contest, is graded and paid like any other. If `contest.alone_rounds` is set, each honest miner also
answers some of the same tasks alone on the machine, so that no neighbour affects its latency.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from lab.config.base import Name, Table
from lab.config.placeholders import servers_in
from lab.config.run_config import RunConfig
from lab.config.tables import ChainTable
from lab.studies.arm import Arm, singly, subset
from lab.studies.study import StudyConfig
from miners.adversaries import Insider

CONTEST = "contest"
"""The arm in which all miners answer."""


class Size(Table):
    """How large the contest is."""

    epochs: int = Field(1, ge=1)
    """Epochs of the contest, each with `chain.rounds_per_epoch` rounds of each validator."""
    alone_rounds: int = Field(0, ge=0)
    """Tasks that each honest miner answers alone; 0 omits these runs."""


class ContestTable(Size):
    """The `[contest]` table: the run in which all miners answer the same tasks."""

    full: Size = Size(epochs=4, alone_rounds=8)
    """Size with `--full`."""
    probe_rounds: int = Field(1, ge=1)
    """Rounds of the probe, which the forecast is based on."""


class Offer(Table):
    """A `[[market.apis]]` table: the price that an API asks for the same work."""

    name: str = Field(min_length=1)
    """Name of the API."""
    source: str = Field(min_length=1)
    """The price list and its date."""
    usd_per_million_input: float = Field(0.0, ge=0.0)
    """Dollars for a million input tokens."""
    usd_per_million_output: float = Field(0.0, ge=0.0)
    """Dollars for a million output tokens."""
    usd_per_answer: float = Field(0.0, ge=0.0)
    """Dollars for an answer, where work is not sold by the token, such as a page."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.usd_per_million_input + self.usd_per_million_output + self.usd_per_answer <= 0.0:
            raise ValueError(f".{self.name}: it has no price; give usd_per_million_output or usd_per_answer")
        return self


class Rented(Table):
    """A `[[market.rented]]` table: a machine that could be rented, with its advertised speed."""

    name: str = Field(min_length=1)
    """Name of the machine."""
    hour_usd: float = Field(gt=0.0)
    """Rent of an hour in dollars."""
    per_s: float = Field(gt=0.0)
    """Output tokens a second at full load; answers, where work is not counted in tokens."""


class MarketTable(Table):
    """The `[market]` table: assumptions that are not measured. Prices of hours and of pay are in `[prices]`."""

    pay_per_day: float = Field(100.0, ge=0.0)
    """Tokens a day that all miners of the contest are paid together, at `prices.token_usd` each."""
    questions_per_day: float = Field(10_000.0, gt=0.0)
    """Questions a day for each miner."""
    utilisation: float = Field(0.5, gt=0.0, le=1.0)
    """Share of the paid hours in which hardware works."""
    kwh_usd: float = Field(0.0, ge=0.0)
    """Price of power in addition to the hours' prices; 0 if these include it, as rents do."""
    core_w: float = Field(10.0, ge=0.0)
    """Assumed power of a busy core in watts; the energy of GPUs is metered."""
    apis: tuple[Offer, ...] = ()
    """APIs that machines are compared with."""
    rented: tuple[Rented, ...] = ()
    """Machines that could be rented."""


class Detection(Table):
    """A `[[detection]]` table: two miners that a validator tries to tell apart."""

    name: str = Field(min_length=1)
    """Name of the pair."""
    local: Name
    """Miner that runs the model itself."""
    relay: Name
    """Miner that passes the question on."""
    own_copy: Name | None = None
    """Third miner, whose answers stand for those of the validator's own copy of the model; omit it
    if the validator has no copy."""


class MinersConfig(StudyConfig):
    """A run's config with the contest, the market and the pairs to tell apart."""

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
        """Return the contest, and a run of each honest miner alone if `alone_rounds` is set."""
        size = self.contest.full if full else self.contest
        chain = self.chain.model_dump(mode="json") | {"epochs": size.epochs}
        arms = [Arm(CONTEST, subset(self, chain=chain))]
        if size.alone_rounds:
            arms += [self._alone(name, size.alone_rounds) for name in self.honest_names]
        return arms

    def probe(self) -> Arm:
        """Return the probe: all miners and validators, as crowded as the contest."""
        chain = ChainTable(epochs=1, rounds_per_epoch=self.contest.probe_rounds)
        return Arm("probe", subset(self, chain=chain.model_dump(mode="json")))

    @property
    def honest_names(self) -> list[str]:
        """Names of the miners that are compared: honest ones without secret knowledge."""
        built = zip(self.miner_names, self.build_miners(), strict=True)
        return [name for name, miner in built if miner.honest and not isinstance(miner, Insider)]

    @property
    def machine_names(self) -> list[str]:
        """Names of the miners that answer only with a machine of their own: each engine keeps a core or a GPU busy."""
        built = zip(self.miner_names, (miner.engines() for miner in self.build_miners()), strict=True)
        return [name for name, engines in built if engines and all(engine.cpus or engine.gpus for engine in engines)]

    def _alone(self, name: str, rounds: int) -> Arm:
        """Return a run of one miner by itself on the first tasks of the first validator."""
        table = next(table for table in singly(self.model_dump(mode="json")["miners"]) if table["name"] == name)
        needed = set(servers_in(table))
        every = subset(
            self,
            validators=1,
            chain=ChainTable(epochs=1, rounds_per_epoch=rounds).model_dump(mode="json"),
            pool=self.pool.model_dump(mode="json") | {"rounds_in_flight": 1},
            bare={"every": 0},
        ).model_dump(mode="json")
        servers = [server for server in every["servers"] if server["name"] in needed]
        alone = every | {"miners": [table], "servers": servers}
        return Arm(f"alone-{name}", RunConfig.parse(alone, source=f"{name} alone"))
