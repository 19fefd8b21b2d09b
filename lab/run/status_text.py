"""A run's status in one line.

A status may come from a cluster, so its texts are reduced to printable characters.
"""

from __future__ import annotations

from lab.duration import duration
from subnets.text import printable

from .events import Stage
from .status import SILENT_S, RunStatus


def progress(status: RunStatus) -> str:
    """Describe a run's progress."""
    parts = [
        f"round {status.rounds} of {status.total_rounds}",
        f"epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}",
    ]
    if status.stage is Stage.STARTING:
        parts.insert(0, "starting")
    if status.per_s:
        parts.append(f"{status.per_s:.2f}/s")
    if status.left_s is not None:
        parts.append(f"about {duration(status.left_s)} left")
    return ", ".join(parts)


def headline(status: RunStatus) -> str:
    """Name a run and describe its state, or the end of its driver."""
    run = shown(f"job {status.job}" if status.job else status.folder)
    driver = f"process {status.pid} on {shown(status.host)}"
    if status.stage is Stage.DONE:
        return f"{run}: done, {status.rounds} rounds"
    if status.stage in (Stage.STOPPED, Stage.FAILED):
        why = f" ({shown(status.reason)})" if status.reason else ""
        return f"{run}: {status.stage}{why} at {progress(status)}; continue with --resume"
    if status.gone:
        return f"{run}: its driver ({driver}) is gone, at {progress(status)}; continue with --resume"
    silent = f"; silent for {duration(status.silent_s)}" if status.silent_s > SILENT_S else ""
    return f"{run}: {progress(status)} ({driver}{silent})"


def shown(text: str) -> str:
    """Return a text of a status on one line, in printable characters."""
    return printable(text.replace("\n", " "), None)
