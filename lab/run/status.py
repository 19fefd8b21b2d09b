"""Status of a run in progress: written by its driver about once a second, readable by anyone.

    status = RunStatus.read(Path("runs/ocr"))    # None if no driver has written one
    status.gone                                  # True if its driver died without reporting an end

The file is `status.json` in the run's folder. A run that has joined a cluster also publishes its status there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster import Pool
from cluster.status import PoolStatus, machine_name
from lab.files import write_atomically
from subnets import Cost, Meter, SubnetlabError

from .events import Stage

logger = logging.getLogger(__name__)

FILE = "status.json"
FILE_BYTES = 16_000_000
"""Maximum size of a status to read; a run with one driver needs far less."""
EVERY_S = 1.0
JOB = "SUBNETLAB_JOB"
"""Environment variable that holds the job's id in a submitted run."""
MAX_CORE_SHARE = 0.01
"""Share of a core that status may cost: if a snapshot takes more than 10 ms of CPU, snapshots become less frequent."""
SILENT_S = 30.0
"""Silence in seconds after which a driver on another machine is reported as silent."""


class RunStatus(BaseModel):
    """Snapshot of a run."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, populate_by_name=True)

    run: str
    """Id of the run, as in its run.json."""
    folder: str
    host: str = Field(default_factory=machine_name)
    """Machine of its driver."""
    pid: int = Field(default_factory=os.getpid, ge=0, lt=2**31)
    began: float = Field(default_factory=lambda: psutil.Process().create_time())
    """Start of the driver's process in seconds since 1970; with the pid, it identifies the process."""
    written: float = Field(default_factory=time.time)
    """Time of the snapshot by the driver's clock, in seconds since 1970."""
    stage: Stage
    reason: str = ""
    """Why it failed."""
    session: int
    epoch: int
    """Completed epochs."""
    epochs: int
    rounds: int
    """Finished rounds, including those of earlier sessions."""
    total_rounds: int = Field(alias="of")
    """Rounds of the whole run."""
    per_s: float | None = None
    """Rounds per second in this session; None before the first."""
    left_s: float | None = None
    names: dict[int, str] = {}
    """Names of miners and validators, by uid."""
    pool: PoolStatus | None = None
    job: str = Field(default_factory=lambda: os.environ.get(JOB, ""))
    """Id of the job, if the run was submitted."""
    lost: bool = False
    """True if the cluster on which the run is published has lost its driver."""
    status_cpu_s: float = 0.0
    """CPU seconds that status has cost the driver so far; the bill counts them under transport and scheduling."""

    @classmethod
    def read(cls, folder: Path) -> RunStatus | None:
        """Read the last status that a run's driver wrote; return None if there is none or it can't be read."""
        try:
            return cls.parse((folder / FILE).read_bytes())
        except OSError:
            return None

    @classmethod
    def parse(cls, snapshot: str | bytes) -> RunStatus | None:
        """Parse a snapshot from any source; return None if another version wrote it."""
        try:
            return cls.model_validate_json(snapshot)
        except ValidationError:
            return None

    def write(self, folder: Path) -> None:
        """Write the snapshot atomically to where `read` finds it."""
        write_atomically(folder / FILE, self.model_dump_json(by_alias=True))

    @property
    def ended(self) -> bool:
        """True if its driver has reported an end."""
        return self.stage in (Stage.DONE, Stage.STOPPED, Stage.FAILED)

    @property
    def gone(self) -> bool:
        """True if its driver died without reporting an end; False if that can't be seen from this machine."""
        if self.ended or self.lost or self.host != machine_name():
            return self.lost and not self.ended
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.began) > 1.0)
        except psutil.NoSuchProcess:
            return True

    @property
    def silent_s(self) -> float:
        """Seconds since the last snapshot of a run that has not ended, as far as the two clocks agree."""
        return 0.0 if self.ended else max(0.0, time.time() - self.written)


class Reporter:
    """Writes a run's status while it is in progress. No error here stops the run."""

    def __init__(self, folder: Path, snapshot: Callable[[], RunStatus]) -> None:
        """`snapshot` returns the run as its driver sees it, without its pool."""
        self._folder = folder
        self._snapshot = snapshot
        self._cost = Cost()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Report the start and the end."""
        self._report(Stage.STARTING)
        try:
            yield
        except KeyboardInterrupt:
            self._report(Stage.STOPPED)
            raise
        except BaseException as error:
            self._report(Stage.FAILED, str(error) if isinstance(error, SubnetlabError) else type(error).__name__)
            raise
        else:
            self._report(Stage.DONE)

    @asynccontextmanager
    async def watching(self, pool: Pool) -> AsyncIterator[None]:
        """Write the status of a pool from before its start until `stop`."""
        self._task = asyncio.create_task(self._keep_writing(pool))
        try:
            yield
        finally:
            self.stop()
            await asyncio.wait({self._task})

    def stop(self) -> None:
        """Write no further status until the end: that of a closing pool is of no use."""
        if self._task is not None:
            self._task.cancel()

    async def _keep_writing(self, pool: Pool) -> None:
        while True:
            meter, writing = Meter(), Cost()
            try:
                writing = await asyncio.to_thread(self._write, pool, await meter.run(self._snapshot_with(pool)))
            except Exception:
                logger.info("the status could not be written", exc_info=True)
            spent = meter.cost + writing
            self._cost += spent
            await asyncio.sleep(max(EVERY_S, spent.cpu_s / MAX_CORE_SHARE))

    async def _snapshot_with(self, pool: Pool) -> RunStatus:
        return self._snapshot().model_copy(update={"pool": await pool.status()})

    def _write(self, pool: Pool | None, status: RunStatus) -> Cost:
        with Meter() as meter:
            status = status.model_copy(update={"status_cpu_s": self._cost.cpu_s})
            status.write(self._folder)
            if pool is not None:
                pool.publish(status.run, status.model_dump_json(by_alias=True))
        return meter.cost

    def _report(self, stage: Stage, reason: str = "") -> None:
        try:
            self._cost += self._write(None, self._snapshot().model_copy(update={"stage": stage, "reason": reason}))
        except Exception:
            logger.info("the status could not be written", exc_info=True)
