"""The index of a run: its answers in a private database in memory, so that a page of a large run is one short query.

    index = RunIndex()
    index.follow(record)           # reads what was written since the last time
    index.rows("select count(*) from answers")

The record itself is only read, and never held open. Rounds of an epoch that has not ended are in the index too.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

from lab.config.prices import price
from lab.config.run_config import RunConfig
from lab.errors import AuditError
from lab.record.entries import Epoch, GradedRound, Neuron, Start
from lab.record.graded_window import GradedWindow
from lab.record.record import Entry, RunRecord
from subnets import Task

logger = logging.getLogger(__name__)

KEPT_TASKS = 8
"""Tasks that are kept; each may hold an image."""
SCHEMA = """
create table rounds (
    validator integer, number integer, task text, kind text, difficulty real, answers integer,
    primary key (number, validator)
) without rowid;
create table answers (
    number integer, validator integer, place integer, uid integer, score real, quality real, fault text,
    latency_s real, usd real, blob text, size integer
);
create table shared (number integer, validator integer, grader integer, uid integer, score real);
"""
INDICES = """
create unique index if not exists answers_by_miner on answers (uid, number, validator);
create index if not exists answers_by_round on answers (number, validator, place);
create index if not exists answers_by_validator on answers (validator, uid, score, quality);
create index if not exists shared_by_grader on shared (grader);
"""
"""They are made once the first rounds are in, which is faster than to keep them up meanwhile."""
BLOB_DIGITS = 32
"""Digits of an answer's hash that are kept, enough to tell any two answers apart."""


class RunIndex:
    """What the pages of one run show, kept up to date by `follow`. Safe to use from several threads."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.executescript(SCHEMA)
        self._lock = threading.RLock()
        self._seen = 0
        self._head = ""
        self._start: Start | None = None
        self._config: RunConfig | None = None
        self._making = threading.Lock()
        self._tasks: OrderedDict[str, tuple[Task | None, str]] = OrderedDict()
        self.epochs: list[Epoch] = []
        self.complete = False

    @property
    def start(self) -> Start:
        """The first entry of the record."""
        assert self._start is not None  # `follow` reads it first
        return self._start

    @property
    def config(self) -> RunConfig:
        """The config of the run."""
        assert self._config is not None  # as above
        return self._config

    @property
    def version(self) -> int:
        """Number of entries that were read; the same number means that nothing has changed."""
        return self._seen

    def follow(self, record: RunRecord) -> None:
        """Read the entries that were written since the last call.

        Raises:
            RecordError: the record can't be read, or is another one than before.
        """
        with self._lock:
            if self._seen and self._rewritten(record):
                self._reset()
            try:
                with self._database:
                    for rows in _batches(record.entries(after=self._seen)):
                        self._take(rows, record)
                    for statement in INDICES.split(";"):
                        self._database.execute(statement)
            except (sqlite3.Error, OverflowError):
                raise AuditError(f"{record.folder}: the record is damaged: its rounds contradict each other") from None

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def value(self, query: str, values: Sequence[Any] = ()) -> Any:
        """Return the only value of a query."""
        return self.rows(query, values)[0][0]

    def neurons(self, role: str) -> tuple[Neuron, ...]:
        """Return the neurons of a role, in the order of uids."""
        return tuple(neuron for neuron in self.start.neurons if neuron.role == role)

    def task(self, graded: GradedRound) -> tuple[Task | None, str]:
        """Make a task again from its seed; None and the reason where that fails. The last few are kept."""
        with self._making:
            if graded.key not in self._tasks:
                self._tasks[graded.key] = self._made(graded)
                while len(self._tasks) > KEPT_TASKS:
                    self._tasks.popitem(last=False)
            return self._tasks[graded.key]

    def _made(self, graded: GradedRound) -> tuple[Task | None, str]:
        try:
            made = self.config.build_validators()[graded.validator].task(self.config.subnet, graded.number)
        except Exception as error:  # a plug-in, or a file of texts that is gone
            logger.info("task %s can't be made again", graded.task_id, exc_info=True)
            return None, f"The task can't be made again: {type(error).__name__}."
        if (made.id, made.seed) != (graded.task_id, graded.task_seed):
            return None, "The task can't be made again with the subnet that is installed."
        return made, ""

    def close(self) -> None:
        """Free the memory."""
        with self._lock:
            self._database.close()

    def _rewritten(self, record: RunRecord) -> bool:
        """Return whether a run was started over in the same folder since."""
        last = next(iter(record.entries(after=self._seen - 1)), None)
        return last is None or last.hash != self._head

    def _reset(self) -> None:
        with self._database:
            for table in ("rounds", "answers", "shared"):
                self._database.execute(f"delete from {table}")
        self._seen, self._start, self._config, self.complete = 0, None, None, False
        self.epochs = []
        self._tasks.clear()

    def _take(self, entries: Sequence[Entry], record: RunRecord) -> None:
        played = [GradedRound.of(entry) for entry in entries if entry.kind == "round"]
        for entry in entries:
            if entry.kind == "start":
                self._start = Start.of(entry)
                if [neuron.uid for neuron in self._start.neurons] != list(range(len(self._start.neurons))):
                    raise AuditError(f"{record.folder}: the record is damaged: its uids do not count from 0")
                self._config = RunConfig.parse(self._start.config, source=str(record.folder))
            elif entry.kind == "epoch":
                self.epochs.append(self._checked(Epoch.of(entry)))
            elif entry.kind == "end":
                self.complete = True
        self._add(played)
        for entry in entries:
            if entry.kind == "window":
                self._grade(GradedWindow.of(entry))
        self._seen, self._head = entries[-1].seq, entries[-1].hash

    def _checked(self, epoch: Epoch) -> Epoch:
        """Refuse an epoch that lacks figures of some neuron."""
        pay = epoch.pay
        columns = (pay.paid, pay.stake, pay.incentive, pay.trust, pay.consensus, pay.dividends, pay.validator_trust)
        if {len(column) for column in columns} != {len(self.start.neurons)}:
            raise AuditError(f"epoch {epoch.number + 1} is damaged: it lacks figures of some neurons")
        return epoch

    def _add(self, rounds: Sequence[GradedRound]) -> None:
        if not rounds:
            return
        prices = self.config.prices
        self._database.executemany(
            "insert into rounds values (?, ?, ?, ?, ?, ?)",
            [
                (each.validator, each.number, each.task_id, each.kind, each.difficulty, len(each.answers))
                for each in rounds
            ],
        )
        self._database.executemany(
            "insert into answers values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    each.number,
                    each.validator,
                    place,
                    answer.uid,
                    answer.score,
                    answer.quality,
                    None if answer.fault is None else str(answer.fault),
                    answer.latency_s,
                    price(answer.cost, prices),
                    None if answer.blob is None else answer.blob[:BLOB_DIGITS],
                    answer.size,
                )
                for each in rounds
                for place, answer in enumerate(each.answers)
            ],
        )
        self._database.executemany(
            "insert into shared values (?, ?, ?, ?, ?)",
            [
                (each.number, each.validator, other.validator, answer.uid, grade.score)
                for each in rounds
                for other in each.shared
                for answer, grade in zip(each.answers, other.grades, strict=False)
            ],
        )

    def _grade(self, window: GradedWindow) -> None:
        """Put the scores of a window into its rounds."""
        self._database.executemany(
            "update answers set score = ? where number = ? and validator = ? and place = ?",
            [
                (grade.score, each.number, window.validator, place)
                for each in window.rounds
                for place, grade in enumerate(each.grades)
            ],
        )


def _batches(entries: Iterator[Entry], size: int = 20) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
