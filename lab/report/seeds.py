"""What several runs that differ in their seeds say together, as a section."""

from __future__ import annotations

from lab.results.over_seeds import OverSeeds

from .section import Caption, Column, Fact, Section


def over_seeds(joined: OverSeeds) -> Section:
    """Return each miner's pay, quality and score over the runs."""
    return Section(
        "over_seeds",
        f"Over {len(joined.seeds)} runs",
        Caption("Each run is one observation.", "The runs share a machine, so its load is the same for all of them."),
        (
            Column("miner", "miner"),
            Column("pay_share", "pay", 1, " %", 100),
            Column("quality", "true quality", 2),
            Column("score", "score", 2),
        ),
        tuple((each.name, each.pay_share, each.quality, each.score) for each in joined.miners),
        facts=(Fact(Column("overhead", "CPU for a task over that of doing it once", 2), joined.overhead),),
    )
