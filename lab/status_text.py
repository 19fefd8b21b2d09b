"""A run's status as lines and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cluster.status import GroupStatus, Member

from .duration import duration
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
    driver = f"process {status.pid} on {status.host}" + (f", job {status.job}" if status.job else "")
    if status.stage == "done":
        return f"{status.folder}: done, {status.rounds} rounds"
    if status.stage in ("stopped", "failed"):
        why = f" ({status.reason})" if status.reason else ""
        return f"{status.folder}: {status.stage}{why} at {progress(status)}; go on with --resume"
    if status.gone:
        return f"{status.folder}: its driver, {driver}, is gone, at {progress(status)}; go on with --resume"
    silent = f"; nothing heard for {duration(status.silent_s)}" if status.silent_s > SILENT_S else ""
    return f"{status.folder}: {progress(status)} ({driver}{silent})"


def picture(statuses: Sequence[RunStatus]) -> RenderableType:
    """Draw runs: a line for each, and for those under way a table of who is where and how busy."""
    parts: list[RenderableType] = []
    for status in statuses:
        parts.append(Text(headline(status), overflow="fold"))
        if status.pool is not None and not status.ended and not status.gone:
            parts.append(_table(status, status.pool.members, {group.name: group for group in status.pool.groups}))
    return Group(*parts)


COLUMNS = ("", "state", "node", "pid", "serves", "at work", "waiting", "restarts", "cores", "memory")


def _table(status: RunStatus, members: Sequence[Member], groups: dict[str, GroupStatus]) -> Table:
    with_gpus = any(member.gpus for member in members)
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in (*COLUMNS, *(["GPU memory"] if with_gpus else [])):
        table.add_column(column, justify="left" if column in ("", "state", "node", "serves") else "right")
    told: set[str] = set()
    for member in members:
        row = list(_row(status, member, groups.get(member.group), first=member.group not in told))
        table.add_row(*row, *([_gpus(member)] if with_gpus else []))
        told.add(member.group)
    return table


def _row(status: RunStatus, member: Member, group: GroupStatus | None, *, first: bool) -> Iterator[str]:
    yield member.name
    yield member.state
    yield member.node or ""
    yield "" if member.pid is None else str(member.pid)
    if group is not None:
        yield _names(status, "miner", group.miners) + (f" by {', '.join(group.engines)}" if group.engines else "")
        yield f"{member.in_flight} of {member.slots}"
        yield str(group.waiting) if first else ""
    else:
        yield _names(status, "validator", member.validators) if member.validators else ""
        yield from ("", "")
    yield str(member.restarts) if member.restarts else ""
    yield "" if member.cores is None else f"{member.cores:.2f}"
    yield "" if member.memory_mb is None else f"{member.memory_mb:,.0f} MB"


def _names(status: RunStatus, noun: str, uids: Sequence[int]) -> str:
    """Name one, count more."""
    return status.names.get(uids[0], str(uids[0])) if len(uids) == 1 else f"{len(uids)} {noun}s"


def _gpus(member: Member) -> str:
    return ", ".join(f"{gpu.memory_gb:.1f} of {gpu.of_gb:.0f} GB, {gpu.busy:.0%} busy" for gpu in member.gpus)
