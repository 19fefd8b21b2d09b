"""A run's status as lines and tables.

A status may come from a cluster, so its texts are shown in printable characters and without markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cluster.status import GroupStatus, Member, PoolStatus
from lab.duration import duration
from subnets.text import printable

from .events import Stage
from .status import SILENT_S, RunStatus


def progress(status: RunStatus) -> str:
    """Write in one line how far a run is."""
    parts = [
        f"rounds {status.rounds} of {status.of}",
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
    """Write in one line where a run stands, or what became of its driver."""
    run = _shown(f"job {status.job}" if status.job else status.folder)
    driver = f"process {status.pid} on {_shown(status.host)}"
    if status.stage is Stage.DONE:
        return f"{run}: done, {status.rounds} rounds"
    if status.stage in (Stage.STOPPED, Stage.FAILED):
        why = f" ({_shown(status.reason)})" if status.reason else ""
        return f"{run}: {status.stage}{why} at {progress(status)}; continue with --resume"
    if status.gone:
        return f"{run}: its driver, {driver}, is gone, at {progress(status)}; continue with --resume"
    silent = f"; nothing heard for {duration(status.silent_s)}" if status.silent_s > SILENT_S else ""
    return f"{run}: {progress(status)} ({driver}{silent})"


def picture(statuses: Sequence[RunStatus]) -> RenderableType:
    """Draw runs: a line for each, and a table of hosts for those in progress."""
    parts: list[RenderableType] = []
    for status in statuses:
        parts.append(Text(headline(status), overflow="fold"))
        if status.pool is not None and not status.ended and not status.gone:
            parts.append(_table(status, status.pool))
    return Group(*parts)


def _table(status: RunStatus, pool: PoolStatus) -> Table:
    groups = {group.name: group for group in pool.groups}
    first = {member.group: member.name for member in reversed(pool.members)}
    rows = [
        {
            "": member.name,
            "state": member.state,
            "node": member.node or "",
            "pid": "" if member.pid is None else str(member.pid),
            "serves": _serves(status, member, groups.get(member.group)),
            "at work": f"{member.in_flight}/{member.slots}" if member.group else "",
            "waiting": str(groups[member.group].waiting)
            if member.group in groups and first[member.group] == member.name
            else "",
            "restarts": str(member.restarts or ""),
            "cores": "" if member.cores is None else f"{member.cores:.2f}",
            "memory": "" if member.memory_mb is None else f"{member.memory_mb:,.0f} MB",
            "GPUs": ", ".join(f"{gpu.memory_gb:.1f} of {gpu.of_gb:.0f} GB, {gpu.busy:.0%}" for gpu in member.gpus),
        }
        for member in pool.members
    ]
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0))
    shown = [column for column in next(iter(rows), {}) if any(row[column] for row in rows)]
    for column in shown:
        long, text = column in ("serves", "GPUs"), column in ("", "state", "node")
        table.add_column(column, justify="left" if long or text else "right", no_wrap=not long)
    for row in rows:
        table.add_row(*(Text(_shown(row[column])) for column in shown))
    return table


def _serves(status: RunStatus, member: Member, group: GroupStatus | None) -> str:
    """Name the miner or validator that a host serves, or count several."""
    uids, noun = (group.miners, "miners") if group is not None else (member.validators, "validators")
    served = status.names.get(uids[0], str(uids[0])) if len(uids) == 1 else f"{len(uids)} {noun}" if uids else ""
    return served + (f" by {', '.join(group.engines)}" if group is not None and group.engines else "")


def _shown(text: str) -> str:
    return printable(text.replace("\n", " "), None)
