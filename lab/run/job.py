"""What `subnetlab submit` starts on a cluster: the run in a process of its own, then its folder packed to be fetched.

    python -m lab.job CONFIG [keys as `subnetlab run` takes them]

However the run ends, stopped and killed ones too, what it has recorded is packed.
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

from .status import JOB, RunStatus
from .status_text import progress

TELL_S = 10.0
"""Between two lines on how far the run is."""
RUN, ARCHIVE, ENDED = "run", "run.zip", "ended.json"
"""What is in the folder that the job may leave files in: the run under way, then the run packed, and how it ended."""
ENDED_BYTES = 64_000
"""More than the last of these ever has."""


class Ended(BaseModel):
    """How a submitted run ended; written last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exit_code: int
    packed: Packed | None = None
    """None where the run did not come to making its folder."""


def main(arguments: list[str]) -> int:
    """Run, pack, and return the run's exit code."""
    left = left_folder()
    left.mkdir(mode=0o700, parents=True)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: None)  # the run gets them too; this process stays for what is left
    folder = left / RUN
    command = [sys.executable, "-m", "lab", "run", *arguments, "--address", "auto", "--out", str(folder)]
    code = _follow(subprocess.Popen(command, env=os.environ | {JOB: left.name}), folder)
    _say_that_it_ended(folder, code)
    packed = pack(folder, left / ARCHIVE) if (folder / "config.json").is_file() else None
    ended = Ended(exit_code=code if code >= 0 else 128 - code, packed=packed)
    write_atomically(left / ENDED, ended.model_dump_json())
    shutil.rmtree(folder, ignore_errors=True)
    return ended.exit_code


def _follow(run: subprocess.Popen[bytes], folder: Path) -> int:
    """Wait for the run; say now and then how far it is."""
    said = ""
    while True:
        try:
            return run.wait(TELL_S)
        except subprocess.TimeoutExpired:
            status = RunStatus.read(folder)
            if status is not None and not status.ended and (line := progress(status)) != said:
                said = line
                print(line, flush=True)


def _say_that_it_ended(folder: Path, code: int) -> None:
    """Write the last word of a run that was killed: where it is fetched to, nobody can see that it is gone."""
    status = RunStatus.read(folder)
    if status is not None and not status.ended:
        by = f"signal {-code}" if code < 0 else f"exit code {code}"
        with suppress(OSError):
            status.model_copy(update={"stage": "failed", "reason": f"its driver ended by {by}"}).write(folder)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SubnetlabError as error:
        print(f"subnetlab: {error}", file=sys.stderr)
        sys.exit(1)
