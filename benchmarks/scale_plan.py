"""The cost model behind docs/scale.md: what a round costs the driver, fitted to measured points.

CPU seconds for one round = a + b * answers + c * calls of a host + d * megabytes of the query * nodes, none of them
below 0. Intervals come from fitting it again to blocks drawn anew; what it is worth is told by leaving each point out
and foretelling it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray
from scipy.optimize import nnls

from cluster.plan import IO_CONCURRENCY
from lab.statistics.estimate import Estimate, mean

RESAMPLES = 500
GPUS_OF_A_NODE = 8
GBIT_S = 10.0
"""Of the driver's network, assumed."""
NODES = (10, 100, 1000)
QUERY_MB = 0.05
STORE_MB = 256
"""Ray's object store, where a run starts Ray."""
SHAPES = {"cores": "one at a time", "engines": "one miner each", "shared": "all at once"}


@dataclass(frozen=True, slots=True)
class BlockCost:
    """Means over the rounds of a block."""

    wall_s: float
    driver_s: float
    """CPU."""
    all_s: float
    """CPU of all processes, the driver's and Ray's own included."""


@dataclass(frozen=True, slots=True)
class Point:
    """A setting and what its rounds took."""

    pool: str
    miners: int
    hosts: int
    nodes: int
    image_kb: int
    rounds: int
    kind: str
    start_s: float
    memory_bytes: int
    """Of the driver and all that it started, Ray included; shared memory shared out."""
    blocks: list[BlockCost]

    @property
    def features(self) -> tuple[float, float, float, float]:
        """What a round's cost is made of: itself, answers, calls (one brings all that a host may begin), bytes."""
        calls = self.miners / IO_CONCURRENCY if self.kind == "shared" else float(self.miners)
        return 1.0, float(self.miners), calls, self.image_kb / 1000 * self.nodes

    @property
    def driver_s(self) -> list[float]:
        """CPU of the driver for a round, block by block."""
        return [block.driver_s for block in self.blocks]

    @property
    def all_s(self) -> list[float]:
        """CPU of all processes for a round, block by block."""
        return [block.all_s for block in self.blocks]


@dataclass(frozen=True, slots=True)
class Entries:
    """Seconds for a round's entry in a record, block by block."""

    record: str
    answers: int
    blocks: list[float]


@dataclass(frozen=True, slots=True)
class Results:
    """All that was measured."""

    machine: str
    points: list[Point]
    records: list[Entries] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read a file of results."""
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        points = [
            Point(**{**point, "blocks": [BlockCost(**block) for block in point["blocks"]]}) for point in told["points"]
        ]
        return cls(told["machine"], points, [Entries(**entries) for entries in told["records"]])


@dataclass(frozen=True, slots=True)
class Model:
    """Coefficients (K,) of what a round's cost is made of, and the same for each resample (B, K)."""

    costs: NDArray[np.float64]
    draws: NDArray[np.float64]
    n: int
    """Blocks behind it."""
    missed: float
    """Largest relative error at a point that was left out of the fit."""

    @classmethod
    def fit(cls, rows: Sequence[tuple[tuple[float, ...], Sequence[float]]]) -> Model:
        """Fit to (features, seconds block by block), each point weighing the same."""
        features = np.array([row for row, _ in rows])
        blocks = [np.asarray(seconds) for _, seconds in rows]
        rng = np.random.default_rng(0)
        drawn = [[float(rng.choice(block, len(block)).mean()) for block in blocks] for _ in range(RESAMPLES)]
        means = np.array([block.mean() for block in blocks])
        missed = 0.0
        for left_out in range(len(rows)):
            others = np.arange(len(rows)) != left_out
            foretold = features[left_out] @ _fit(features[others], means[others])
            missed = max(missed, abs(foretold / means[left_out] - 1.0))
        draws = np.array([_fit(features, np.array(seconds)) for seconds in drawn])
        return cls(_fit(features, means), draws, sum(map(len, blocks)), missed)

    def figure(self, place: int, scale: float = 1.0) -> Estimate:
        """One coefficient."""
        return Estimate.of_draws(float(self.costs[place]) * scale, self.draws[:, place] * scale, self.n)

    def seconds(self, *features: float) -> Estimate:
        """What a round with these features takes."""
        wanted = np.array(features)
        return Estimate.of_draws(float(self.costs @ wanted), self.draws @ wanted, self.n)


def _fit(features: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(nnls(features / seconds[:, None], np.ones(len(seconds)))[0])


def page(results: Results) -> str:
    """Write docs/scale.md."""
    on_ray = [point for point in results.points if point.pool == "RayPool"]
    sizes = [((1.0, point.miners, point.hosts, point.nodes), [float(point.memory_bytes)]) for point in on_ray]
    driver = Model.fit([(point.features, point.driver_s) for point in on_ray])
    everything = Model.fit([(point.features, point.all_s) for point in on_ray])
    memory = Model.fit(sizes)
    records = {
        name: Model.fit([((1.0, float(row.answers)), row.blocks) for row in results.records if row.record == name])
        for name in dict.fromkeys(row.record for row in results.records)
    }
    models = {"driver": driver, "all processes": everything, "memory": memory, **records}
    base, miner, host, node = (float(cost) / 1e6 for cost in memory.costs)
    limits = _limits(driver, records)
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined)
    return environment.get_template("scale.md.j2").render(
        machine=results.machine,
        measured=_measured(results.points),
        costs=_costs({"driver": driver, "all processes": everything}),
        records=_table(
            ("record", "ms a round", "µs an answer"),
            [(name, model.figure(0, 1e3).text(2), model.figure(1, 1e6).text(0)) for name, model in records.items()],
        ),
        memory=f"{base:,.0f} MB for the driver and Ray, {miner * 1e3:,.0f} kB a miner, {host:,.0f} MB a host, "
        f"{node:,.0f} MB a node",
        errors=", ".join(f"{model.missed:.0%} ({name})" for name, model in models.items()),
        gpus=GPUS_OF_A_NODE,
        query_kb=round(QUERY_MB * 1000),
        gbit_s=f"{GBIT_S:g}",
        plan=_plan(limits),
        rates="; ".join(
            f"{min(_most(limits, nodes).values()) / _gpus(nodes):.2g} on {nodes:,} nodes" for nodes in NODES
        ),
        store_mb=STORE_MB,
        in_store=f"{STORE_MB / QUERY_MB:,.0f}",
    )


def _measured(points: Sequence[Point]) -> str:
    head = (
        "pool", "hosts serve", "miners", "hosts", "nodes", "query kB", "rounds/s", "CPU µs an answer",
        "of it the driver", "memory kB a miner", "start s",
    )  # fmt: skip
    rows = []
    for point in points:
        wall = mean([block.wall_s for block in point.blocks])
        shape = (point.pool, SHAPES[point.kind], f"{point.miners:,}", point.hosts, point.nodes, point.image_kb)
        cpu = [_scaled(mean(used), 1e6 / point.miners).text(0) for used in (point.all_s, point.driver_s)]
        memory, start = f"{point.memory_bytes / point.miners / 1e3:,.0f}", f"{point.start_s:.0f}"
        rows.append((*map(str, shape), _inverse(wall).text(1), *cpu, memory, start))
    return _table(head, rows)


def _costs(models: Mapping[str, Model]) -> str:
    scales = (1e3, 1e6, 1e6, 1e3)
    rows = [
        (name, *(model.figure(place, by).text(1) for place, by in enumerate(scales))) for name, model in models.items()
    ]
    return _table(("CPU of", "ms a round", "µs an answer", "µs a call", "ms a MB and node"), rows)


def _limits(driver: Model, records: Mapping[str, Model]) -> dict[str, Callable[[int], Estimate]]:
    """Seconds that each part is busy with one round, by the number of nodes."""

    def kept(model: Model) -> Callable[[int], Estimate]:
        return lambda nodes: model.seconds(1.0, _gpus(nodes))

    return {
        "driver": lambda nodes: driver.seconds(1.0, _gpus(nodes), _gpus(nodes), QUERY_MB * nodes),
        "network": lambda nodes: Estimate(QUERY_MB * 8e6 * nodes / (GBIT_S * 1e9), None, None, 0),
        **{f"record on {name}": kept(model) for name, model in records.items()},
    }


def _most(limits: Mapping[str, Callable[[int], Estimate]], nodes: int) -> dict[str, float]:
    """Answers a second at which each part is always busy."""
    return {name: _gpus(nodes) / (busy_s(nodes).value or math.inf) for name, busy_s in limits.items()}


def _plan(limits: Mapping[str, Callable[[int], Estimate]]) -> str:
    rows = []
    for nodes in NODES:
        most = _most(limits, nodes)
        figures = (_scaled(_inverse(busy_s(nodes)), _gpus(nodes)) for busy_s in limits.values())
        rows.append((f"{nodes:,}", f"{_gpus(nodes):,.0f}", *map(_thousands, figures), min(most, key=most.__getitem__)))
    return _table(("nodes", "GPUs", *limits, "first"), rows)


def _gpus(nodes: int) -> float:
    return float(nodes * GPUS_OF_A_NODE)


def _scaled(figure: Estimate, by: float) -> Estimate:
    value, low, high = (None if x is None else x * by for x in (figure.value, figure.low, figure.high))
    return Estimate(value, low, high, figure.n)


def _inverse(figure: Estimate) -> Estimate:
    value, low, high = (None if not x else 1.0 / x for x in (figure.value, figure.high, figure.low))
    return Estimate(value, low, high, figure.n)


def _thousands(figure: Estimate) -> str:
    if figure.value is None:
        return "no limit found"
    interval = "" if figure.low is None or figure.high is None else f" ({figure.low:,.0f} to {figure.high:,.0f})"
    return f"{figure.value:,.0f}{interval}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
