"""Section on cost: what does an answer cost its miner?"""

from __future__ import annotations

from lab.report.section import Caption, Cell, Column, Section
from lab.results.words import quoted
from lab.statistics import NONNEGATIVE, ranked, ratio
from lab.studies.miners import plots
from lab.studies.miners.config import MinersConfig
from lab.studies.miners.contest import MinersData, MinerSummary
from lab.studies.miners.market import energy_j

from .table import rows_picture, without_empty_columns


def cost_section(data: MinersData, config: MinersConfig) -> Section:
    """Dollars, CPU, GPU and energy of an answer."""
    priced = ranked(data.miners, lambda miner: miner.result.usd.value)
    return without_empty_columns(
        key="cost",
        title="What does an answer cost its miner?",
        caption=Caption(
            f"{quoted(priced[-1].name)} is the cheapest: 1,000 answers cost "
            f"{priced[-1].result.usd.scaled(1000).text(4, ' $')}."
            if priced
            else "No answer arrived.",
            "Hardware is billed by the metered second, as if it were never idle; the section on profit adds the idle "
            "hours. Failed attempts are charged to the answers that arrived. A win is a task won; a shared task counts "
            "in part. The energy of a CPU is estimated from its seconds.",
        ),
        columns=(
            Column("miner", "miner"),
            Column("usd", "1,000 answers", 4, " $", 1000),
            Column("usd_per_1000_tokens", "1,000 tokens", 6, " $"),
            Column("usd_per_win", "1,000 wins", 4, " $", 1000),
            Column("cpu_s", "CPU for one answer", 3, " s"),
            Column("gpu_s", "GPU for one answer", 3, " s"),
            Column("energy_wh_per_1000", "energy for 1,000 answers", 2, " Wh"),
        ),
        rows=tuple(_cost_row(miner, config) for miner in data.miners),
        picture=rows_picture(lambda ax: plots.costs(data.miners, ax), len(data.miners)),
    )


def _cost_row(miner: MinerSummary, config: MinersConfig) -> tuple[Cell, ...]:
    costs = [answer.graded.cost for answer in miner.answers]
    arrived = [float(answer.arrived) for answer in miner.answers]
    gpu_s = ratio([cost.gpu_s for cost in costs], arrived, NONNEGATIVE)
    energy_wh = ratio([energy_j(cost, config.market) / 3600 for cost in costs], arrived, NONNEGATIVE)
    return (
        miner.name,
        miner.result.usd,
        miner.usd_per_1000_tokens if miner.usd_per_1000_tokens.value is not None else None,
        miner.usd_per_win,
        miner.result.cpu_s,
        gpu_s if gpu_s.value else None,
        energy_wh.scaled(1000),
    )
