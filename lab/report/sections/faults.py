"""Faults: which queries got no valid answer, and why."""

from __future__ import annotations

from lab.results.neurons import by_quality
from lab.results.run_figures import RunFigures
from lab.results.words import counted, percent
from subnets import Fault

from ..cells import cut
from ..section import Caption, Column, Section
from .names import label

MOST_REASON = 120
"""Characters of a reason, which may be as long as a miner likes."""


def faults(run: RunFigures) -> Section:
    """Return each miner's faults by kind, the miner of the best quality first."""
    miners = by_quality(run.results.miners)
    kinds = [fault for fault in Fault if any(fault in miner.faults for miner in miners)]
    return Section(
        "faults",
        "Faults",
        _caption(run),
        (
            Column("miner", "miner"),
            Column("asked", "asked"),
            Column("answered", "answered"),
            *(Column(str(kind), str(kind)) for kind in kinds),
            Column("unscored", "unscored"),
            *([Column("reason", "most common reason")] if kinds else []),
        ),
        tuple(
            (
                label(miner),
                miner.asked,
                miner.answered,
                *(miner.faults.get(kind, 0) for kind in kinds),
                miner.unscored,
                *([cut(miner.fault_reason, MOST_REASON)] if kinds else []),
            )
            for miner in miners
        ),
    )


def _caption(run: RunFigures) -> Caption:
    miners = run.results.miners
    queries = sum(miner.asked for miner in miners)
    failed = sum(sum(miner.faults.values()) for miner in miners)
    lost = sum(miner.faults.get("lost", 0) for miner in miners)
    if not failed:
        shows = "The only query was answered." if queries == 1 else f"All {queries:,} queries were answered."
        return Caption(shows, "Whether the answers are any good is not shown here.")
    shows = f"{failed:,} of {counted(queries, 'query')} ({percent(failed / queries)}) got no valid answer."
    if lost:
        shows += f" {lost:,} of them were lost on the way, which is not the miners' fault; they are unscored."
    return Caption(shows, "A reason in the last column may be the miner's own words; none of it was verified.")
