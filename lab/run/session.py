"""A run: validators ask and grade for some epochs, the chain pays, and every step is recorded.

    record = run(RunConfig.read(Path("configs/ocr.toml")), Path("runs/ocr"))

A run that was stopped continues from its record: finished rounds are not repeated, and the ledgers and the chain are
rebuilt from what was recorded.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import Pool
from lab.config.run_config import RunConfig
from lab.files import read_json
from lab.record.customers import Receipt
from lab.record.entries import End, Epoch, GradedRound, Start
from lab.record.graded_window import GradedWindow, with_windows
from lab.record.record import FORMAT, Draft, RunRecord
from lab.record.run_folder import RunFolder, RunMode, open_run
from miners import Pay
from subnets import Cost, Meter, Query, SubnetlabError

from .customers.choice import Standing
from .earnings import earnings
from .economy import Economy
from .events import Event, Stage, Watch
from .guest import Guest, OpenRun
from .machine_use import UseMeter, cpu_s_by_role
from .pools import build_pool
from .rounds import answered_rounds, graded_round, graded_window, stored_answers
from .status import JOB, Reporter, RunStatus
from .windows import Windows


def run(
    config: RunConfig,
    folder: Path,
    *,
    mode: RunMode = "new",
    watch: Watch = lambda event: None,
    guest: Guest | None = None,
) -> RunRecord:
    """Play a run to its end and return its record.

    Args:
        config: what to run.
        folder: where its files go; created if missing.
        mode: "new" refuses a folder that holds a run, "resume" continues it, "clean" starts it over.
        watch: called after every step, for a progress display.
        guest: what works beside the rounds. It may keep the pool open after the last epoch, and the record stays open
            for its next visit.

    Raises:
        ConfigError: a scorer belongs to another subnet.
        RecordError: the folder or the record can't be used.
        PoolError: a host, miner or validator can't be started. A run that never began leaves no files,
            except as a job.
    """
    config.check_scorers()
    files = RunFolder(folder, config)
    with files.claim(mode) as record:
        session = _Session(config, record, watch, guest)
        try:
            with session.reporter.until_the_end():
                asyncio.run(session.play())
        except SubnetlabError:
            # A job keeps its folder, which is sent back to say why the run failed.
            if mode != "resume" and session.never_began and not os.environ.get(JOB):
                files.abandon()
            raise
        finally:
            session.economy.close()
    return open_run(folder)


class _Session:
    """One process's part of a run."""

    def __init__(self, config: RunConfig, record: RunRecord, watch: Watch, guest: Guest | None) -> None:
        self.config = config
        self.record = record
        self.watch = watch
        self.guest = guest
        self.standing = Standing()
        """What the last completed epoch says of the miners."""
        start = record.find("start", "run")
        chain_file = _fresh_chain(record.folder) if config.chain.keep else None
        self.economy = Economy(config, chain_file, FORMAT if start is None else Start.of(start).format)
        self.rounds: dict[str, GradedRound] = {}
        """Rounds of the current epoch, by their keys in the record."""
        self.history = Windows[GradedRound](self.economy.validators, config.chain.rounds_per_epoch)
        self.windows: dict[int, GradedWindow] = {}
        """Windows of the current epoch that are graded already, by validator."""
        self.finished = 0
        """Rounds of the whole run so far."""
        self.closed_rounds = 0
        """Rounds of completed epochs."""
        self.earlier_pay: list[dict[int, Pay]] = []
        """Pay notices of all completed epochs, in order."""
        self.queries: dict[str, Query] = {}
        """Queries of the current epoch's rounds whose baseline this session will measure, by key of the round."""
        self.consensus = self.bookkeeping = Cost()
        self.writing = asyncio.Lock()
        self.number = 0
        """Number of this session, from 0."""
        self.epochs = 0
        """Completed epochs."""
        self.playing_since: tuple[float, int] | None = None
        """Monotonic time at which this session began to play, and how many rounds were finished then."""
        self.reporter = Reporter(record.folder, self.status)

    @property
    def never_began(self) -> bool:
        """True if neither this session nor an earlier one has started its pool."""
        return self.playing_since is None and self.number == 0

    async def play(self) -> None:
        """Continue from where the record ends."""
        self._rebuild()
        if self.record.find("end", "run") is None:
            self._notify(Stage.STARTING)
            await self._begin_epoch()
            use: UseMeter | None = None
            changed = True
            while changed:  # a pool keeps its miners and validators, so other strategies need another pool
                pool = await self._build_pool()
                async with self.reporter.watching(pool), pool, self._visited(pool):
                    if use is None:
                        use = await UseMeter.begin(pool, self.number)
                        self.playing_since = (time.monotonic(), self.finished)
                    else:
                        await use.follow(pool)
                    changed = await self._play_epochs(pool, use)
                    if not changed and self.guest is not None:
                        await self.guest.stay()
                    self.reporter.stop()
            if self.guest is None:
                await self._append(End(rounds=self.finished).draft("end", "run"))
        self._notify(Stage.DONE)

    async def _play_epochs(self, pool: Pool, use: UseMeter) -> bool:
        """Play epochs with one pool; return whether strategies have changed, False at the end of the run."""
        changed = False
        while self.epochs < self.config.chain.epochs and not changed:
            number = self.epochs
            await self._play_rounds(pool, number)
            baseline = await self._measure_baseline(pool)
            await self._grade_windows(pool, number)
            await pool.paid(await self._close_epoch(number, use, baseline))
            changed = await self._begin_epoch()
        return changed

    async def _begin_epoch(self) -> bool:
        """Let the events before the open epoch happen, and record them; return whether they changed strategies."""
        if self.epochs == self.config.chain.epochs:
            return False
        before = self.economy.config
        events = self.economy.begin()
        if events is not None:
            await self._append(events.draft("events", events.key))
        after = self.economy.config
        return (before.miners, before.validators) != (after.miners, after.validators)

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole run, if the validators that ask now ask to its end."""
        per_epoch = self.config.chain.rounds_per_epoch * len(self.economy.asking)
        return self.closed_rounds + per_epoch * (self.config.chain.epochs - self.epochs)

    @asynccontextmanager
    async def _visited(self, pool: Pool) -> AsyncIterator[None]:
        """Let the guest work, if there is one."""
        if self.guest is None:
            yield
            return
        run = OpenRun(
            self.config, self.record, pool, self.economy, self.number, self._append_all, lambda: self.standing
        )
        async with self.guest.visit(run):
            yield

    def status(self) -> RunStatus:
        """Return a snapshot for the status display."""
        per_s = None
        if self.playing_since is not None and (rounds := self.finished - self.playing_since[1]):
            per_s = rounds / (time.monotonic() - self.playing_since[0])
        return RunStatus(
            run=self.record.run,
            folder=str(self.record.folder.absolute()),
            stage=Stage.STARTING if self.playing_since is None else Stage.RUNNING,
            session=self.number,
            epoch=self.epochs,
            epochs=self.config.chain.epochs,
            rounds=self.finished,
            total_rounds=self.total_rounds,
            per_s=per_s,
            left_s=(self.total_rounds - self.finished) / per_s if per_s else None,
            names={neuron.uid: neuron.name for neuron in self.economy.neurons()},
        )

    def _rebuild(self) -> None:
        """Rebuild the state from the record."""
        if self.record.find("start", "run") is None:
            machine = read_json(self.record.folder / "run.json")
            config = self.config.model_dump(mode="json")
            start = Start(format=FORMAT, config=config, machine=machine, neurons=self.economy.neurons())
            self.bookkeeping += self._write([Draft("start", "run", start.model_dump(mode="json"))], [])
        for entry in self.record.entries():
            if entry.kind in ("events", "round", "window"):
                self.economy.begin()
            if entry.kind == "round":
                graded = GradedRound.of(entry)
                self._keep(graded)
                self.finished += 1
                self.number = max(self.number, graded.session + 1)
            elif entry.kind == "window":
                window = GradedWindow.of(entry)
                self.windows[window.validator] = window
                self.number = max(self.number, window.session + 1)
            elif entry.kind == "epoch":
                epoch = Epoch.of(entry)
                self.economy.observe(self._in_order())
                self.economy.pay(epoch.weights)
                self.earlier_pay.append(self._earnings(epoch))
                self._stand(epoch)
                self._forget_epoch()
                self.number = max(self.number, epoch.use.session + 1)
                self.epochs += 1
            elif entry.kind == "receipt":
                self.number = max(self.number, Receipt.of(entry).session + 1)

    def _keep(self, graded: GradedRound) -> None:
        self.rounds[graded.key] = graded
        self.history.add(graded.validator, graded.number, graded)

    def _forget_epoch(self) -> None:
        self.closed_rounds += len(self.rounds)
        self.rounds.clear()
        self.windows.clear()

    def _in_order(self) -> list[GradedRound]:
        """Return the epoch's rounds, with the scores of its windows, in the order in which ledgers observe them."""
        return with_windows(self.rounds.values(), self.windows.values())

    def _earnings(self, epoch: Epoch) -> dict[int, Pay]:
        return earnings(epoch, self._in_order(), self.economy.miners, self.config.prices, self.config.pay_market())

    def _stand(self, epoch: Epoch) -> None:
        self.standing = Standing.of(epoch, self._in_order(), self.economy.miners, self.config.prices)

    async def _build_pool(self) -> Pool:
        """Build the pool, and notify its miners of their pay so far."""
        pool = build_pool(
            self.economy.config,
            self.record.folder,
            validators=self.economy.validators,
            report=lambda line: self._notify(Stage.WAITING, line),
        )
        for pays in self.earlier_pay:
            await pool.paid(pays)
        return pool

    async def _play_rounds(self, pool: Pool, epoch: int) -> None:
        per_epoch = self.config.chain.rounds_per_epoch
        try:
            async with asyncio.TaskGroup() as group:
                for uid in self.economy.asking:
                    gate = asyncio.Semaphore(self.config.pool.rounds_in_flight)
                    for number in range(epoch * per_epoch, (epoch + 1) * per_epoch):
                        if f"{uid}/{number}" not in self.rounds:
                            group.create_task(self._play_round(pool, gate, uid, number))
        except BaseExceptionGroup as group_error:  # the first error cancelled the other rounds
            raise group_error.exceptions[0] from None

    async def _play_round(self, pool: Pool, gate: asyncio.Semaphore, uid: int, number: int) -> None:
        async with gate:
            result = await pool.play(uid, number, self.economy.candidates(uid, number), self.economy.caller(uid))
            task = result.task.without_image()
            shared = {other: await pool.grade(other, task, result.responses) for other in self.economy.sharers(uid)}
        max_answer_bytes = self.config.subnet.max_answer_bytes
        graded = graded_round(result, shared, session=self.number, max_answer_bytes=max_answer_bytes)
        self._keep(graded)
        if self._has_baseline(number):
            self.queries[graded.key] = result.task.query()
        await self._append(graded.draft("round", graded.key), blobs=stored_answers(result, graded))
        self.finished += 1
        self._notify(Stage.ROUND)

    async def _measure_baseline(self, pool: Pool) -> _Baseline:
        """Do an epoch's work again, each task once, while no validator asks."""
        # A round in which nobody was asked brought no answer that could have been had for less.
        rounds = [graded for graded in self._in_order() if graded.answers and self._has_baseline(graded.number)]
        queries = [self.queries.get(graded.key) or self._query(graded) for graded in rounds]
        self.queries.clear()
        if self.economy.baseline_miner is None or not queries:
            return _Baseline({}, 0.0)
        before = await self._servers_cpu_s(pool)
        costs = await pool.baseline(self.economy.baseline_miner, queries)
        servers_cpu_s = await self._servers_cpu_s(pool) - before
        measured = {graded.key: cost for graded, cost in zip(rounds, costs, strict=True) if cost is not None}
        return _Baseline(measured, servers_cpu_s)

    def _has_baseline(self, number: int) -> bool:
        every = self.config.bare.every
        return every > 0 and number % every == 0

    async def _servers_cpu_s(self, pool: Pool) -> float:
        return (await cpu_s_by_role(pool)).get("server", 0.0) if self.config.servers else 0.0

    def _query(self, graded: GradedRound) -> Query:
        """Regenerate the query of an earlier session's round."""
        return self.economy.validators[graded.validator].task(self.config.subnet, graded.number).query()

    async def _grade_windows(self, pool: Pool, epoch: int) -> None:
        """Grade the epoch's window for each validator that grades windows."""
        for uid in self.history.uids:
            if uid not in self.windows:
                rounds = self.history.at(uid, epoch)
                answered = await asyncio.to_thread(answered_rounds, self.record, rounds)
                grades = await pool.grade_window(uid, answered, self.config.chain.rounds_per_epoch)
                window = graded_window(grades, rounds, validator=uid, epoch=epoch, session=self.number)
                await self._append(window.draft("window", window.key))
                self.windows[uid] = window

    async def _close_epoch(self, number: int, use: UseMeter, baseline: _Baseline) -> dict[int, Pay]:
        """Have the epoch paid and recorded; return the pay that each miner learns of."""
        with Meter() as meter:
            self.economy.observe(self._in_order())
            weights = self.economy.weights()
            pay = self.economy.pay(weights)
        self.consensus += meter.cost
        machine_use = await use.read(self.consensus, self.bookkeeping)
        epoch = Epoch(
            number=number,
            weights=weights,
            pay=pay,
            use=machine_use,
            baseline=baseline.costs,
            baseline_servers_cpu_s=baseline.servers_cpu_s,
        )
        self.consensus = self.bookkeeping = Cost()
        await self._append(epoch.draft("epoch", epoch.key))
        pays = self._earnings(epoch)
        self.earlier_pay.append(pays)
        self._stand(epoch)
        self._forget_epoch()
        self.epochs += 1
        self._notify(Stage.EPOCH)
        return pays

    async def _append(self, draft: Draft, blobs: list[bytes] | None = None) -> None:
        await self._append_all([draft], blobs)

    async def _append_all(self, drafts: Sequence[Draft], blobs: Sequence[bytes] | None = None) -> None:
        """Write in a thread, so that an unreachable database delays no answers."""
        async with self.writing:
            self.bookkeeping += await asyncio.to_thread(self._write, drafts, blobs or [])

    def _write(self, drafts: Sequence[Draft], blobs: Sequence[bytes]) -> Cost:
        with Meter() as meter:
            self.record.append(drafts, blobs)
        return meter.cost

    def _notify(self, stage: Stage, note: str = "") -> None:
        self.watch(Event(stage, self.finished, self.total_rounds, note))


@dataclass(frozen=True, slots=True)
class _Baseline:
    """The baseline of an epoch: its work done once."""

    costs: dict[str, Cost]
    """Cost of each round's work, by key of the round."""
    servers_cpu_s: float
    """CPU seconds that servers used meanwhile."""


def _fresh_chain(folder: Path) -> Path:
    """Remove an earlier chain, which each session rebuilds from the record; return its path."""
    for name in ("chain.sqlite", "chain.sqlite-wal", "chain.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    return folder / "chain.sqlite"
