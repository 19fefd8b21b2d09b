"""Section on the contest: who wins?"""

from __future__ import annotations

from lab.report.section import Caption, Column, Section
from lab.results.words import listed, quoted
from lab.statistics.claims import ALPHA
from lab.statistics.paired import TEST
from lab.studies.miners import plots
from lab.studies.miners.contest import MinersData

from .table import rows_picture, without_empty_columns


def contest_section(data: MinersData) -> Section:
    """Quality, scores, wins and strength of the honest miners."""
    undecided = f" {data.undecided[0].upper()}{data.undecided[1:]}." if data.undecided else ""
    return without_empty_columns(
        key="contest",
        title="Who wins?",
        caption=Caption(
            strongest(data) if data.miners else "No honest miner was asked.",
            "Strength follows from the validators' scores, and is wrong where these are. Intervals are over tasks; "
            f"other tasks or other opponents may give another order.{undecided}",
        ),
        columns=(
            Column("miner", "miner"),
            Column("quality", "true quality"),
            Column("score", "score"),
            Column("win_rate", "comparisons won", 1, " %", 100),
            Column("strength", "strength", 2),
            Column("tasks_won", "tasks won", 1, " %", 100),
            Column("faults", "faults", 0),
        ),
        rows=tuple(
            (
                miner.name,
                miner.result.quality,
                miner.result.score,
                miner.win_rate,
                miner.strength,
                miner.tasks_won,
                sum(miner.result.faults.values()),
            )
            for miner in data.miners
        ),
        picture=rows_picture(lambda ax: plots.strengths(data.miners, ax), len(data.miners)),
    )


def strongest(data: MinersData) -> str:
    """Name the strongest miner, and those that do not differ from it significantly."""
    best = quoted(data.miners[0].name)
    if len(data.miners) == 1:
        return f"{best} was the only honest miner."
    if data.miners[0].strength.value is None:
        return "No two honest miners were scored on the same task, so the strongest is unknown."
    if not data.level:
        return f"{best} was the strongest."
    return (
        f"{best} was the strongest, though on these tasks the scores of {listed(map(quoted, data.level))} do not "
        f"differ from its scores significantly ({TEST}, Holm over all pairs, at {ALPHA:g})."
    )
