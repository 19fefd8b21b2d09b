"""What a run looks like while it is under way: written by its driver about once a second, read by anybody.

    found = RunStatus.read(Path("runs/ocr"))     # None where no driver has written one
    found.gone                                   # whether its driver ended without a word

The file is `status.json` in the run's folder; on a cluster that a run has joined, the same is also on its board.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster import Pool
from cluster.status import PoolStatus, machine_name
from lab.files import write_atomically
from subnets import Cost, Meter, SubnetlabError

logger = logging.getLogger(__name__)

FILE = "status.json"
FILE_BYTES = 16_000_000
"""More than it takes for any run that one driver can drive."""
EVERY_S = 1.0
JOB = "SUBNETLAB_JOB"
"""The variable that a submitted run finds its job's id in."""
MOST_OF_A_CORE = 0.01
"""What status may cost: where a snapshot takes more than 10 ms of CPU, they are made less often."""
SILENT_S = 30.0
"""Silence after which a driver that can't be seen from here is told to be silent."""

Stage = Literal["starting", "running", "done", "stopped", "failed"]


class RunStatus(BaseModel):
    """A run at one moment."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    run: str
    """The id in its run.json."""
    folder: str
    host: str = Field(default_factory=machine_name)
    """The machine of its driver."""
    pid: int = Field(default_factory=os.getpid, ge=0, lt=2**31)
    began: float = Field(default_factory=lambda: psutil.Process().create_time())
    """When the driver's process started, in seconds since 1970: with the pid, it names a process."""
    written: float = Field(default_factory=time.time)
    """When this was so, by the driver's clock."""
    stage: Stage
    reason: str = ""
    """Why it failed."""
    session: int
    epoch: int
    """Complete."""
    epochs: int
    rounds: int
    """Finished, those of earlier sessions included."""
    of: int
    per_s: float | None = None
    """Rounds a second in this session; None before the first."""
    left_s: float | None = None
    names: dict[int, str] = {}
    """Of miners and validators, by uid."""
    pool: PoolStatus | None = None
    job: str = Field(default_factory=lambda: os.environ.get(JOB, ""))
    """Its id, where it was submitted."""
    lost: bool = False
    """Whether the cluster, where it is seen on one's board, has lost its driver."""
    status_cpu_s: float = 0.0
    """What making these cost the driver so far; the bill has it under transport and scheduling."""

    @classmethod
    def read(cls, folder: Path) -> RunStatus | None:
        """Read what a run's driver last wrote; None where there is nothing that can be read."""
        try:
            return cls.parsed((folder / FILE).read_bytes())
        except OSError:
            return None

    @classmethod
    def parsed(cls, said: str | bytes) -> RunStatus | None:
        """Read a snapshot from wherever it came; None where it is of another version."""
        try:
            return cls.model_validate_json(said)
        except ValidationError:
            return None

    def write(self, folder: Path) -> None:
        """Put it where `read` finds it, whole."""
        write_atomically(folder / FILE, self.model_dump_json())

    @property
    def ended(self) -> bool:
        """Whether its driver said that it ends."""
        return self.stage in ("done", "stopped", "failed")

    @property
    def gone(self) -> bool:
        """Whether its driver is gone without having said so; False where that can't be seen from this machine."""
        if self.ended or self.lost or self.host != machine_name():
            return self.lost and not self.ended
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.began) > 1.0)
        except psutil.NoSuchProcess:
            return True

    @property
    def silent_s(self) -> float:
        """Since when nothing was heard of a driver that should be there, as far as the two clocks agree."""
        return 0.0 if self.ended else max(0.0, time.time() - self.written)


class Reporter:
    """Writes a run's status for as long as it is under way. Whatever fails at that, the run goes on."""

    def __init__(self, folder: Path, snapshot: Callable[[], RunStatus]) -> None:
        """`snapshot`: the run as its driver sees it, without its pool."""
        self._folder = folder
        self._snapshot = snapshot
        self._cost = Cost()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Write first and last words."""
        self._last_words("starting")
        try:
            yield
        except KeyboardInterrupt:
            self._last_words("stopped")
            raise
        except BaseException as error:
            self._last_words("failed", str(error) if isinstance(error, SubnetlabError) else type(error).__name__)
            raise
        else:
            self._last_words("done")

    @asynccontextmanager
    async def watching(self, pool: Pool) -> AsyncIterator[None]:
        """Write what there is to see of a pool, from before its start until it is told to rest."""
        self._task = asyncio.create_task(self._keep_writing(pool))
        try:
            yield
        finally:
            self.rest()
            await asyncio.wait({self._task})

    def rest(self) -> None:
        """Write no more until the last words: a pool that closes is no sight."""
        if self._task is not None:
            self._task.cancel()

    async def _keep_writing(self, pool: Pool) -> None:
        while True:
            meter, writing = Meter(), Cost()
            try:
                writing = await asyncio.to_thread(self._write, pool, await meter.run(self._look(pool)))
            except Exception:
                logger.info("the status could not be written", exc_info=True)
            spent = meter.cost + writing
            self._cost += spent
            await asyncio.sleep(max(EVERY_S, spent.cpu_s / MOST_OF_A_CORE))

    async def _look(self, pool: Pool) -> RunStatus:
        return self._snapshot().model_copy(update={"pool": await pool.status()})

    def _write(self, pool: Pool | None, status: RunStatus) -> Cost:
        with Meter() as meter:
            status = status.model_copy(update={"status_cpu_s": self._cost.cpu_s})
            status.write(self._folder)
            if pool is not None:
                pool.publish(status.run, status.model_dump_json())
        return meter.cost

    def _last_words(self, stage: Stage, reason: str = "") -> None:
        try:
            self._cost += self._write(None, self._snapshot().model_copy(update={"stage": stage, "reason": reason}))
        except Exception:
            logger.info("the status could not be written", exc_info=True)
