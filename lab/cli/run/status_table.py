"""Runs under way as lines and tables.

A status may come from a cluster, so its texts are shown in printable characters and without markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cluster.status import GroupStatus, Member, PoolStatus
from lab.run.status import RunStatus
from lab.run.status_text import headline, shown


def draw(statuses: Sequence[RunStatus]) -> RenderableType:
    """Draw a line for each run, and below one that is under way a table of its hosts and validators."""
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
            "serves": _work_of(status, member, groups.get(member.group)),
            "at work": f"{member.in_flight}/{member.slots}" if member.group else "",
            "waiting": str(groups[member.group].waiting)
            if member.group in groups and first[member.group] == member.name
            else "",
            "restarts": str(member.restarts or ""),
            "cores": "" if member.cores is None else f"{member.cores:.2f}",
            "memory": "" if member.memory_mb is None else f"{member.memory_mb:,.0f} MB",
            "GPUs": ", ".join(f"{gpu.memory_gb:.1f} of {gpu.total_gb:.0f} GB, {gpu.busy:.0%}" for gpu in member.gpus),
        }
        for member in pool.members
    ]
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0))
    columns = [column for column in next(iter(rows), {}) if any(row[column] for row in rows)]
    for column in columns:
        long, text = column in ("serves", "GPUs"), column in ("", "state", "node")
        table.add_column(column, justify="left" if long or text else "right", no_wrap=not long)
    for row in rows:
        table.add_row(*(Text(shown(row[column])) for column in columns))
    return table


def _work_of(status: RunStatus, member: Member, group: GroupStatus | None) -> str:
    """Name the one miner or validator that a member works for, or count several."""
    uids, noun = (group.miners, "miners") if group is not None else (member.validators, "validators")
    names = status.names.get(uids[0], str(uids[0])) if len(uids) == 1 else f"{len(uids)} {noun}" if uids else ""
    return names + (f" by {', '.join(group.engines)}" if group is not None and group.engines else "")
