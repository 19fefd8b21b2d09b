"""The cost model behind docs/scale.md: what a round costs the driver, fitted to measured points.

CPU seconds of one round = a + b * answers + c * calls of a host + d * megabytes of the query * nodes, with
non-negative coefficients. Intervals come from refitting it to resampled blocks; its quality is measured by predicting
each point from all the others.
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
GPUS_PER_NODE = 8
GBIT_S = 10.0
"""Assumed speed of the driver's network."""
NODES = (10, 100, 1000)
QUERY_MB = 0.05
SHAPES = {"cores": "one at a time", "engines": "one miner each", "shared": "all at once"}


@dataclass(frozen=True, slots=True)
class BlockCost:
    """Means over the rounds of a block."""

    wall_s: float
    driver_s: float
    """CPU of the driver."""
    all_s: float
    """CPU of all processes, with the driver and Ray's own."""


@dataclass(frozen=True, slots=True)
class Point:
    """A setting, and what its rounds cost."""

    pool: str
    miners: int
    hosts: int
    nodes: int
    image_kb: int
    rounds: int
    kind: str
    start_s: float
    memory_bytes: int
    """Memory of the driver and all that it started, with Ray; shared memory is divided among its users."""
    blocks: list[BlockCost]

    @property
    def features(self) -> tuple[float, float, float, float]:
        """Terms of a round's cost: the round, answers, calls (one per host that serves many at once), bytes."""
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
    """All measurements."""

    machine: str
    points: list[Point]
    records: list[Entries] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read a file of results."""
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        points = [
            Point(**{**point, "blocks": [BlockCost(**block) for block in point["blocks"]]})
            for point in stored["points"]
        ]
        return cls(stored["machine"], points, [Entries(**entries) for entries in stored["records"]])


@dataclass(frozen=True, slots=True)
class Model:
    """Coefficients (K,) of the terms of a round's cost, and the same for each resample (B, K)."""

    costs: NDArray[np.float64]
    draws: NDArray[np.float64]
    n: int
    """Number of blocks that it is fitted to."""
    largest_error: float
    """Largest relative error at a point that was left out of the fit."""

    @classmethod
    def fit(cls, rows: Sequence[tuple[tuple[float, ...], Sequence[float]]]) -> Model:
        """Fit to (features, seconds block by block), with equal weights for all points."""
        features = np.array([row for row, _ in rows])
        blocks = [np.asarray(seconds) for _, seconds in rows]
        rng = np.random.default_rng(0)
        resampled = [[float(rng.choice(block, len(block)).mean()) for block in blocks] for _ in range(RESAMPLES)]
        means = np.array([block.mean() for block in blocks])
        largest_error = 0.0
        for left_out in range(len(rows)):
            others = np.arange(len(rows)) != left_out
            predicted = features[left_out] @ _fit(features[others], means[others])
            largest_error = max(largest_error, abs(predicted / means[left_out] - 1.0))
        draws = np.array([_fit(features, np.array(seconds)) for seconds in resampled])
        return cls(_fit(features, means), draws, sum(map(len, blocks)), largest_error)

    def coefficient(self, place: int, scale: float = 1.0) -> Estimate:
        """Return one coefficient."""
        return Estimate.of_draws(float(self.costs[place]) * scale, self.draws[:, place] * scale, self.n)

    def seconds(self, *features: float) -> Estimate:
        """Return what a round with these features takes."""
        terms = np.array(features)
        return Estimate.of_draws(float(self.costs @ terms), self.draws @ terms, self.n)


def _fit(features: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(nnls(features / seconds[:, None], np.ones(len(seconds)))[0])


def page(results: Results) -> str:
    """Return the text of docs/scale.md."""
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
    return environment.get_template("page.md.j2").render(
        machine=results.machine,
        measured=_measured(results.points),
        costs=_costs({"driver": driver, "all processes": everything}),
        records=_table(
            ("record", "ms per round", "µs per answer"),
            [
                (name, model.coefficient(0, 1e3).text(2), model.coefficient(1, 1e6).text(0))
                for name, model in records.items()
            ],
        ),
        memory=f"{base:,.0f} MB for the driver and Ray, {miner * 1e3:,.0f} kB per miner, {host:,.0f} MB per host, "
        f"{node:,.0f} MB per node",
        errors=", ".join(f"{model.largest_error:.0%} ({name})" for name, model in models.items()),
        gpus=GPUS_PER_NODE,
        query_kb=round(QUERY_MB * 1000),
        gbit_s=f"{GBIT_S:g}",
        plan=_plan(limits),
        rates="; ".join(
            f"{min(_most(limits, nodes).values()) / _gpus(nodes):.2g} on {nodes:,} nodes" for nodes in NODES
        ),
    )


def _measured(points: Sequence[Point]) -> str:
    head = (
        "pool",
        "hosts serve",
        "miners",
        "hosts",
        "nodes",
        "query kB",
        "rounds/s",
        "CPU µs per answer",
        "of which driver",
        "memory kB per miner",
        "start s",
    )
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
        (name, *(model.coefficient(place, by).text(1) for place, by in enumerate(scales)))
        for name, model in models.items()
    ]
    return _table(("CPU of", "ms per round", "µs per answer", "µs per call", "ms per MB and node"), rows)


def _limits(driver: Model, records: Mapping[str, Model]) -> dict[str, Callable[[int], Estimate]]:
    """Return how many seconds each part is busy with one round, as functions of the number of nodes."""

    def record(model: Model) -> Callable[[int], Estimate]:
        return lambda nodes: model.seconds(1.0, _gpus(nodes))

    return {
        "driver": lambda nodes: driver.seconds(1.0, _gpus(nodes), _gpus(nodes), QUERY_MB * nodes),
        "network": lambda nodes: Estimate(QUERY_MB * 8e6 * nodes / (GBIT_S * 1e9), None, None, 0),
        **{f"record on {name}": record(model) for name, model in records.items()},
    }


def _most(limits: Mapping[str, Callable[[int], Estimate]], nodes: int) -> dict[str, float]:
    """Return the answers per second at which each part is saturated."""
    return {name: _gpus(nodes) / (busy_s(nodes).value or math.inf) for name, busy_s in limits.items()}


def _plan(limits: Mapping[str, Callable[[int], Estimate]]) -> str:
    rows = []
    for nodes in NODES:
        most = _most(limits, nodes)
        figures = (_scaled(_inverse(busy_s(nodes)), _gpus(nodes)) for busy_s in limits.values())
        rows.append((f"{nodes:,}", f"{_gpus(nodes):,.0f}", *map(_thousands, figures), min(most, key=most.__getitem__)))
    return _table(("nodes", "GPUs", *limits, "first"), rows)


def _gpus(nodes: int) -> float:
    return float(nodes * GPUS_PER_NODE)


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
