"""The job that `subnetlab submit` starts on a cluster: it runs a config in a child process and packs its folder.

    python -m lab.run.job CONFIG [keys as for `subnetlab run`]

However the run ends, even if it is stopped or killed, its record is packed for `subnetlab submit` to fetch.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from cluster.ray.jobs import left_folder
from lab.files import write_atomically
from lab.record.archive import Packed, pack
from subnets import SubnetlabError

from .events import Stage
from .status import JOB, RunStatus
from .status_text import progress

LINE_S = 10.0
"""Seconds between two lines of progress."""
RUN, ARCHIVE, ENDED = "run", "run.zip", "ended.json"
"""Names in the job's folder: the run in progress, the packed run, and how it ended."""
ENDED_BYTES = 64_000
"""Maximum size of `ended.json`, which is far shorter."""


class Ended(BaseModel):
    """The end of a submitted run; written last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exit_code: int
    packed: Packed | None = None
    """None if the run ended before it made its folder."""


def main(arguments: list[str]) -> int:
    """Run, pack, and return the run's exit code."""
    out = left_folder()
    out.mkdir(mode=0o700, parents=True)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: None)  # the run gets them too; this process stays to pack the record
    folder = out / RUN
    command = [sys.executable, "-m", "lab", "run", *arguments, "--address", "auto", "--out", str(folder)]
    code = _follow(subprocess.Popen(command, env=os.environ | {JOB: out.name}), folder)
    _report_end(folder, code)
    packed = pack(folder, out / ARCHIVE) if (folder / "config.json").is_file() else None
    ended = Ended(exit_code=code if code >= 0 else 128 - code, packed=packed)
    write_atomically(out / ENDED, ended.model_dump_json())
    shutil.rmtree(folder, ignore_errors=True)
    return ended.exit_code


def _follow(run: subprocess.Popen[bytes], folder: Path) -> int:
    """Wait for the run, printing its progress now and then."""
    last = ""
    while True:
        try:
            return run.wait(LINE_S)
        except subprocess.TimeoutExpired:
            status = RunStatus.read(folder)
            if status is not None and not status.ended and (line := progress(status)) != last:
                last = line
                print(line, flush=True)


def _report_end(folder: Path, code: int) -> None:
    """Write the end of a run that was killed: a reader elsewhere can't see that its process is gone."""
    status = RunStatus.read(folder)
    if status is not None and not status.ended:
        by = f"signal {-code}" if code < 0 else f"exit code {code}"
        with suppress(OSError):
            status.model_copy(update={"stage": Stage.FAILED, "reason": f"its driver ended by {by}"}).write(folder)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SubnetlabError as error:
        print(f"subnetlab: {error}", file=sys.stderr)
        sys.exit(1)
