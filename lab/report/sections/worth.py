"""Worth: what each miner's pay brings in alpha, TAO and dollars."""

from __future__ import annotations

from lab.results.run_figures import RunFigures

from ..section import Caption, Column, Section

COLUMNS = (
    Column("miner", "miner"),
    Column("alpha", "alpha earned", 2),
    Column("tao", "τ after sale", 4),
    Column("impact", "price impact", 3, " %", 100),
    Column("usd", "dollars", 2),
)


def worth(run: RunFigures) -> Section | None:
    """Return what each miner's pay is worth, the best paid first; None if the config names no rules of the chain."""
    pay = run.worth
    if pay is None:
        return None
    ranked = sorted(pay.miners, key=lambda miner: (-miner.tao, miner.uid))
    total = sum(miner.tao for miner in ranked)
    sold = f"alpha at {pay.price:.6g} τ before each sale" if pay.has_alpha else "TAO itself"
    return Section(
        "worth",
        "What the pay is worth",
        Caption(
            f"Under the chain's rules of {pay.rules} miners were paid in {sold}; together their pay brings "
            f"{total:,.4f} τ, {total * pay.tao_usd:,.2f} dollars at {pay.tao_usd:g} dollars for one τ.",
            "Each miner's pay of an epoch is sold at once, alone, in the pool as the config describes it, so the price "
            "recovers between epochs and nobody else trades. The subnet's own share of TAO is not part of a run.",
        ),
        COLUMNS,
        tuple((miner.name, miner.alpha, miner.tao, miner.impact, miner.usd) for miner in ranked),
    )
