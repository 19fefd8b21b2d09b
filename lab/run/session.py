"""A run: validators ask and grade for some epochs, the chain pays, and every step is recorded.

    record = run(RunConfig.read(Path("configs/ocr.toml")), Path("runs/ocr"))

A run that was stopped goes on from its record: finished rounds are not played again, and the ledgers
and the chain are rebuilt from what was recorded.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster import LocalPool, Pool, RayPool, RoundResult
from lab.config.run_config import RunConfig
from lab.record.entries import Epoch, GradedAnswer, GradedRound, MachineUse, Start
from lab.record.record import FORMAT, Draft, RunRecord, blob_hash
from lab.record.run_folder import RunFolder, RunMode, open_run
from miners import Pay
from subnets import Cost, Meter, Query, Response, Score
from subnets.cost import process_cpu_s

from .earnings import earnings
from .economy import Economy
from .status import Reporter, RunStatus


@dataclass(frozen=True, slots=True)
class Event:
    """How far a run is."""

    stage: str
    """"starting", "waiting", "round", "epoch" or "done"."""
    rounds: int
    """Finished, those of earlier sessions included."""
    of: int
    """Rounds of the whole run."""
    note: str = ""
    """What it waits for, where it waits for machines."""


Watch = Callable[[Event], None]


def run(config: RunConfig, folder: Path, *, mode: RunMode = "new", watch: Watch = lambda event: None) -> RunRecord:
    """Play a run to its end and return its record.

    Args:
        config: what to run.
        folder: where its files go; made if missing.
        mode: "new" refuses a folder that holds a run, "resume" goes on with it, "clean" starts it over.
        watch: called after every step, for a progress display.

    Raises:
        RecordError: the folder or the record can't be used.
        PoolError: a host, miner or validator can't be started.
    """
    with RunFolder(folder, config).claim(mode) as record:
        session = _Session(config, record, watch)
        try:
            with session.reporter.until_the_end():
                asyncio.run(session.play())
        finally:
            session.economy.close()
    return open_run(folder)


class _Session:
    """One process's part of a run."""

    def __init__(self, config: RunConfig, record: RunRecord, watch: Watch) -> None:
        self.config = config
        self.record = record
        self.watch = watch
        self.economy = Economy(config, _fresh_chain(record.folder) if config.chain.keep else None)
        self.asking = [uid for uid, validator in self.economy.validators.items() if validator.asks]
        self.of = config.chain.epochs * config.chain.rounds_per_epoch * len(self.asking)
        self.rounds: dict[str, GradedRound] = {}
        """Of the epoch under way, by their places in the record."""
        self.finished = 0
        """Rounds of the whole run so far."""
        self.told: list[dict[int, Pay]] = []
        """What miners were told by sessions before this one, epoch by epoch."""
        self.queries: dict[str, Query] = {}
        """Of what this session played in the epoch under way and will do again, by place of the round."""
        self.consensus = self.bookkeeping = Cost()
        self.writing = asyncio.Lock()
        self.number = 0
        """Of this session, from 0."""
        self.epochs = 0
        """Complete."""
        self.under_way: tuple[float, int] | None = None
        """When this session began to play, by the monotonic clock, and how many rounds were finished then."""
        self.reporter = Reporter(record.folder, self.status)

    async def play(self) -> None:
        """Go on from where the record ends."""
        self._rebuild()
        if self.record.find("end", "run") is None:
            self._tell("starting")
            pool = await self._pool()
            async with self.reporter.watching(pool), pool:
                use = await _Use.begin(pool, self.number)
                self.under_way = (time.monotonic(), self.finished)
                for number in range(self.epochs, self.config.chain.epochs):
                    await self._play_rounds(pool, number)
                    await pool.paid(await self._close_epoch(number, use, await self._do_once(pool)))
                self.reporter.rest()
            await self._append(Draft("end", "run", {"rounds": self.finished}))
        self._tell("done")

    def status(self) -> RunStatus:
        """Tell how far the run is, for those who look on."""
        per_s = None
        if self.under_way is not None and (played := self.finished - self.under_way[1]):
            per_s = played / (time.monotonic() - self.under_way[0])
        return RunStatus(
            run=self.record.run,
            folder=str(self.record.folder.absolute()),
            stage="starting" if self.under_way is None else "running",
            session=self.number,
            epoch=self.epochs,
            epochs=self.config.chain.epochs,
            rounds=self.finished,
            of=self.of,
            per_s=per_s,
            left_s=(self.of - self.finished) / per_s if per_s else None,
            names={neuron.uid: neuron.name for neuron in self.economy.neurons()},
        )

    def _rebuild(self) -> None:
        """Take in what is recorded."""
        if self.record.find("start", "run") is None:
            made = json.loads((self.record.folder / "run.json").read_text(encoding="utf-8"))
            config = self.config.model_dump(mode="json")
            start = Start(format=FORMAT, config=config, machine=made, neurons=self.economy.neurons())
            self.bookkeeping += self._write(Draft("start", "run", start.model_dump(mode="json")), [])
        for entry in self.record.entries():
            if entry.kind == "round":
                graded = GradedRound.of(entry)
                self.rounds[graded.key] = graded
                self.finished += 1
                self.number = max(self.number, graded.session + 1)
            elif entry.kind == "epoch":
                epoch = Epoch.of(entry)
                self.economy.observe(self._in_order())
                self.economy.pay(epoch.weights)
                self.told.append(self._earnings(epoch))
                self.rounds.clear()
                self.number = max(self.number, epoch.use.session + 1)
                self.epochs += 1

    def _in_order(self) -> list[GradedRound]:
        """Return the epoch's rounds in the order in which ledgers take them in."""
        return sorted(self.rounds.values(), key=lambda graded: (graded.number, graded.validator))

    def _earnings(self, epoch: Epoch) -> dict[int, Pay]:
        return earnings(epoch, self._in_order(), self.economy.miners, self.config.prices)

    async def _pool(self) -> Pool:
        """Make the pool, whose miners know where servers are and what they have earned so far."""
        table, servers = self.config.pool, self.config.build_servers(self.record.folder)
        built = self.config.build_miners({server.name: server.address for server in servers})
        members = (self.config.subnet, dict(zip(self.economy.miners, built, strict=True)), self.economy.validators)
        pool = (
            LocalPool(*members, max_replicas=table.hosts, servers=servers, start_timeout_s=table.start_timeout_s)
            if table.kind == "local"
            else RayPool(
                *members,
                max_replicas=table.hosts,
                address=table.address,
                dashboard=table.dashboard,
                gpu_gb=table.gpu_gb,
                placement=table.placement,
                wait_for_nodes_s=table.wait_for_nodes_s,
                requirements=self.config.requirements(),
                tell=lambda line: self._tell("waiting", line),
                servers=servers,
                start_timeout_s=table.start_timeout_s,
            )
        )
        for pays in self.told:
            await pool.paid(pays)
        return pool

    async def _play_rounds(self, pool: Pool, epoch: int) -> None:
        per_epoch = self.config.chain.rounds_per_epoch
        try:
            async with asyncio.TaskGroup() as group:
                for uid in self.asking:
                    gate = asyncio.Semaphore(self.config.pool.rounds_in_flight)
                    for number in range(epoch * per_epoch, (epoch + 1) * per_epoch):
                        if f"{uid}/{number}" not in self.rounds:
                            group.create_task(self._play_round(pool, gate, uid, number))
        except BaseExceptionGroup as failed:  # the first one stopped the others
            raise failed.exceptions[0] from None

    async def _play_round(self, pool: Pool, gate: asyncio.Semaphore, uid: int, number: int) -> None:
        async with gate:
            played = await pool.play(uid, number, self.economy.stakes(), self.economy.caller(uid))
        graded = _graded(played, self.number, self.config.subnet.max_answer_bytes)
        self.rounds[graded.key] = graded
        if self._is_done_again(number):
            self.queries[graded.key] = played.task.query()
        kept = {answer.blob for answer in graded.answers}
        blobs = [response.body for response in played.responses if blob_hash(response.body) in kept]
        await self._append(graded.draft("round", graded.key), blobs=blobs)
        self.finished += 1
        self._tell("round")

    async def _do_once(self, pool: Pool) -> _Once:
        """Do an epoch's work again, each task once, while no validator asks."""
        rounds = [graded for graded in self._in_order() if self._is_done_again(graded.number)]
        queries = [self.queries.get(graded.key) or self._query(graded) for graded in rounds]
        self.queries.clear()
        before = await self._servers_cpu_s(pool)
        if self.economy.bare_miner is None:
            return _Once({}, 0.0)
        costs = await pool.bare(self.economy.bare_miner, queries)
        servers_cpu_s = await self._servers_cpu_s(pool) - before
        done = {graded.key: cost for graded, cost in zip(rounds, costs, strict=True) if cost is not None}
        return _Once(done, servers_cpu_s)

    def _is_done_again(self, number: int) -> bool:
        every = self.config.bare.every
        return every > 0 and number % every == 0

    async def _servers_cpu_s(self, pool: Pool) -> float:
        return (await _by_role(pool)).get("server", 0.0) if self.config.servers else 0.0

    def _query(self, graded: GradedRound) -> Query:
        """Make the query of an earlier session's round again."""
        return self.economy.validators[graded.validator].task(self.config.subnet, graded.number).query()

    async def _close_epoch(self, number: int, use: _Use, once: _Once) -> dict[int, Pay]:
        """Have the epoch paid and recorded; return what miners are told."""
        with Meter() as meter:
            self.economy.observe(self._in_order())
            weights = self.economy.weights()
            pay = self.economy.pay(weights)
        self.consensus += meter.cost
        used = await use.since(self.consensus, self.bookkeeping)
        epoch = Epoch(
            number=number,
            weights=weights,
            pay=pay,
            use=used,
            baseline=once.costs,
            baseline_servers_cpu_s=once.servers_cpu_s,
        )
        self.consensus = self.bookkeeping = Cost()
        await self._append(epoch.draft("epoch", epoch.key))
        told = self._earnings(epoch)
        self.rounds.clear()
        self.epochs += 1
        self._tell("epoch")
        return told

    async def _append(self, draft: Draft, blobs: list[bytes] | None = None) -> None:
        """Write in a thread: a database that is waited for must not hold up anybody's answer."""
        async with self.writing:
            self.bookkeeping += await asyncio.to_thread(self._write, draft, blobs or [])

    def _write(self, draft: Draft, blobs: list[bytes]) -> Cost:
        with Meter() as meter:
            self.record.append([draft], blobs)
        return meter.cost

    def _tell(self, stage: str, note: str = "") -> None:
        self.watch(Event(stage, self.finished, self.of, note))


@dataclass(frozen=True, slots=True)
class _Once:
    """An epoch's work, done once."""

    costs: dict[str, Cost]
    """By place of a round."""
    servers_cpu_s: float
    """What servers used meanwhile."""


def _fresh_chain(folder: Path) -> Path:
    """Make room for a chain: it is built anew from the record each time."""
    for name in ("chain.sqlite", "chain.sqlite-wal", "chain.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    return folder / "chain.sqlite"


class _Use:
    """What this session's processes have used since they were last asked."""

    def __init__(self, pool: Pool, session: int, cpu: dict[str, float]) -> None:
        self._pool = pool
        self._session = session
        self._cpu = cpu
        self._wall = time.perf_counter()
        # Everything up to here was setting up: imports of this process and the start of all others.
        self._setup_cpu_s = process_cpu_s() + sum(used for role, used in cpu.items() if role != "driver")

    @classmethod
    async def begin(cls, pool: Pool, session: int) -> _Use:
        return cls(pool, session, await _by_role(pool))

    async def since(self, consensus: Cost, bookkeeping: Cost) -> MachineUse:
        cpu, wall = await _by_role(self._pool), time.perf_counter()
        use = MachineUse(
            session=self._session,
            wall_s=wall - self._wall,
            cores=self._pool.cores,
            setup_cpu_s=self._setup_cpu_s,
            cpu_s={role: cpu[role] - self._cpu.get(role, 0.0) for role in cpu},
            consensus=consensus,
            bookkeeping=bookkeeping,
        )
        self._cpu, self._wall, self._setup_cpu_s = cpu, wall, 0.0
        return use


async def _by_role(pool: Pool) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for process in await pool.usage():
        total[process.role] += process.cpu_s
    return dict(total)


def _graded(played: RoundResult, session: int, most_bytes: int) -> GradedRound:
    """Turn a played round into what is recorded of it."""
    return GradedRound(
        validator=played.validator,
        number=played.number,
        task_id=played.task.id,
        task_seed=played.task.seed,
        kind=played.task.kind,
        difficulty=played.task.difficulty,
        query_bytes=played.query_bytes,
        answers=tuple(
            _answer(response, score, quality, most_bytes)
            for response, score, quality in zip(played.responses, played.scores, played.qualities, strict=True)
        ),
        task_cost=played.task_cost,
        grading_cost=played.grading_cost,
        measuring_cost=played.measuring_cost,
        session=session,
    )


def _answer(response: Response, score: Score, quality: float | None, most_bytes: int) -> GradedAnswer:
    kept = 0 < len(response.body) <= most_bytes
    return GradedAnswer(
        uid=response.uid,
        blob=blob_hash(response.body) if kept else None,
        size=len(response.body),
        fault=response.fault,
        reason=response.reason,
        latency_s=response.latency_s,
        waited_s=response.waited_s,
        cost=response.cost,
        score=score.value,
        parts=dict(score.parts),
        score_reason=score.reason,
        quality=quality,
    )
