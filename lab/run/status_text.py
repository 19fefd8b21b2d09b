"""A run's status as lines and tables.

It may come from a cluster, so its texts are shown in printable characters, and as they are: without markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cluster.status import GroupStatus, Member, PoolStatus
from lab.duration import duration
from subnets.text import printable

from .status import SILENT_S, RunStatus


def progress(status: RunStatus) -> str:
    """Say in one line how far a run is."""
    said = [
        f"rounds {status.rounds} of {status.of}",
        f"epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}",
    ]
    if status.stage == "starting":
        said.insert(0, "starting")
    if status.per_s:
        said.append(f"{status.per_s:.2f}/s")
    if status.left_s is not None:
        said.append(f"about {duration(status.left_s)} left")
    return ", ".join(said)


def headline(status: RunStatus) -> str:
    """Say in one line what a run is at; what became of its driver where that is gone."""
    run = _shown(f"job {status.job}" if status.job else status.folder)
    driver = f"process {status.pid} on {_shown(status.host)}"
    if status.stage == "done":
        return f"{run}: done, {status.rounds} rounds"
    if status.stage in ("stopped", "failed"):
        why = f" ({_shown(status.reason)})" if status.reason else ""
        return f"{run}: {status.stage}{why} at {progress(status)}; go on with --resume"
    if status.gone:
        return f"{run}: its driver, {driver}, is gone, at {progress(status)}; go on with --resume"
    silent = f"; nothing heard for {duration(status.silent_s)}" if status.silent_s > SILENT_S else ""
    return f"{run}: {progress(status)} ({driver}{silent})"


def picture(statuses: Sequence[RunStatus]) -> RenderableType:
    """Draw runs: a line for each, and for those under way a table of who is where and how busy."""
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
    """Say whose work is done there: the name of one, the number of more."""
    uids, noun = (group.miners, "miners") if group is not None else (member.validators, "validators")
    said = status.names.get(uids[0], str(uids[0])) if len(uids) == 1 else f"{len(uids)} {noun}" if uids else ""
    return said + (f" by {', '.join(group.engines)}" if group is not None and group.engines else "")


def _shown(said: str) -> str:
    return printable(said.replace("\n", " "), None)
