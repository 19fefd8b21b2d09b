"""Effort: how fast each miner answers and what an answer costs it."""

from __future__ import annotations

from lab.results.neurons import NeuronResult, by_quality
from lab.results.run_figures import RunFigures

from ..section import Caption, Cell, Column, Section
from .names import label, named

COLUMNS = (
    Column("miner", "miner"),
    Column("latency_p50_s", "median s", 2),
    Column("latency_p95_s", "95th percentile s", 2),
    Column("cpu_s", "CPU s", 3),
    Column("usd", "$ for 1,000 answers", 4, scale=1000),
)
WRITERS = (
    Column("usd_token", "$ for 1M tokens", 2, scale=1_000_000),
    Column("usd_character", "$ for 1M characters", 2, scale=1_000_000),
)
"""Columns of miners that write tokens."""


def effort(run: RunFigures) -> Section:
    """Return latency and cost of each miner, the miner of the best quality first."""
    miners = by_quality(run.results.miners)
    writes = any(miner.usd_token.n for miner in miners)
    return Section(
        "effort",
        "Speed and cost of an answer",
        _caption(miners),
        (*COLUMNS, *(WRITERS if writes else ())),
        tuple(_row(miner, writes=writes) for miner in miners),
    )


def _row(miner: NeuronResult, *, writes: bool) -> tuple[Cell, ...]:
    row = (label(miner), miner.latency_p50_s, miner.latency_p95_s, miner.cpu_s, miner.usd)
    return (*row, miner.usd_token, miner.usd_character) if writes else row


def _caption(miners: list[NeuronResult]) -> Caption:
    timed = [miner for miner in miners if miner.latency_p50_s.value is not None]
    if not timed:
        return Caption("No answer arrived.", "Nothing can be said about speed or cost.")
    fastest = min(timed, key=lambda miner: (miner.latency_p50_s.value or 0.0, miner.uid))
    dearest = max(timed, key=lambda miner: (miner.cpu_s.value or 0.0, -miner.uid))
    median, cpu = fastest.latency_p50_s.text(2, " s"), dearest.cpu_s.text(2, " s")
    if len(timed) == 1:
        shows = f"{named(fastest)} answers in a median of {median}, for which it uses {cpu} of CPU."
    else:
        other = "it also" if dearest is fastest else named(dearest)
        shows = f"{named(fastest)} is fastest, with a median of {median}; {other} uses the most CPU, {cpu} per answer."
    return Caption(
        shows,
        "Time starts when the miner is given the query: waiting for a free core and network time are not "
        "in it. Failed attempts are charged to the answers that arrived.",
    )
