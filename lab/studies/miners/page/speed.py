"""Section on speed: how fast does each miner answer?"""

from __future__ import annotations

from lab.report.section import Caption, Column, Section
from lab.results.words import quoted
from lab.statistics import ranked
from lab.studies.miners import plots
from lab.studies.miners.contest import MinersData

from .table import rows_picture, without_empty_columns


def speed_section(data: MinersData) -> Section:
    """Latencies and token rates of the honest miners."""
    timed = ranked(data.miners, lambda miner: miner.result.latency_p50_s.value)
    alone = any(miner.alone_p50_s.value is not None for miner in data.miners)
    return without_empty_columns(
        key="speed",
        title="How fast?",
        caption=Caption(
            f"{quoted(timed[-1].name)} answers fastest, in {timed[-1].result.latency_p50_s.text(2, ' s')} at the "
            "median."
            if timed
            else "No answer arrived.",
            "All miners share this machine's cores, so each is slowed by the others"
            + (
                ", except in the column where each had the machine to itself. "
                if alone
                else "; --full also times each alone. "
            )
            + "Servers run on this machine too, so a relay's latency includes no network. The first token is timed by "
            "the engine's own clock; answers reach validators whole.",
        ),
        columns=(
            Column("miner", "miner"),
            Column("latency_p50_s", "median", 2, " s"),
            Column("latency_p95_s", "95th percentile", 2, " s"),
            Column("alone_p50_s", "median alone", 2, " s"),
            Column("first_token_s", "first token", 2, " s"),
            Column("later_token_s", "each later token", 0, " ms", 1000),
            Column("tokens_per_s", "tokens a second", 1),
        ),
        rows=tuple(
            (
                miner.name,
                miner.result.latency_p50_s,
                miner.result.latency_p95_s,
                miner.alone_p50_s if alone else None,
                miner.first_token_s if miner.first_token_s.n else None,
                miner.later_token_s if miner.later_token_s.n else None,
                miner.tokens_per_s if miner.tokens_per_s.n else None,
            )
            for miner in data.miners
        ),
        picture=rows_picture(lambda ax: plots.latencies(data.miners, ax), len(data.miners)),
    )
