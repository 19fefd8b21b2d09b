"""`subnetlab chain emission` and `chain takeover`: what the public chain's rules pay, and what stake costs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from lab.cli.console.options import AsJson
from lab.cli.console.output import show

if TYPE_CHECKING:
    from consensus.emission.rules import Rules
    from consensus.lifecycle.takeover import Takeover
    from lab.local_chain.emission_rows import EmissionRow
    from lab.local_chain.emission_snapshot import EmissionSnapshot

TaoPrice = Annotated[float | None, typer.Option("--tao-usd", min=0.0, help="Dollars for one τ.")]
MOST_EPOCHS = 100_000


def emission(
    snapshot: Annotated[Path, typer.Argument(help="JSON file with the block's raw values.", metavar="SNAPSHOT")],
    rules: Annotated[
        str, typer.Option(help="Rules that divide the block: 2026-08, 2026-06, 2025-11, 2025-02 or 2023.")
    ] = "2026-08",
    incentive: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Part of its subnet's miners' pay that a miner gets.")
    ] = 0.01,
    tao_usd: TaoPrice = None,
    as_json: AsJson = False,
) -> None:
    """Show what one block pays each subnet, and what a miner of it earns a day.

    The share of each subnet follows from its moving price, what its owner withholds from miners, and the gate. A
    miner's alpha is sold through the subnet's pool if the snapshot has its reserves, else at the moving price.
    """
    from lab.local_chain.emission_rows import emission_rows
    from lab.local_chain.emission_snapshot import EmissionSnapshot

    known = _rules(rules)
    block = EmissionSnapshot.read(snapshot)
    rows = emission_rows(block, known, incentive=incentive, tao_usd=tao_usd)
    table = {str(netuid): asdict(row) for netuid, row in rows.items()}
    value = {"block": block.block, "rules": known, "incentive": incentive, "tao_usd": tao_usd, "subnets": table}
    show(as_json, value, "" if as_json else _emission_text(block, known, incentive, rows))


def takeover(
    alpha: Annotated[float, typer.Option(help="Alpha in the subnet's pool.")],
    tao: Annotated[float, typer.Option(help="τ in the subnet's pool.")],
    staked: Annotated[float, typer.Option(help="Alpha that everybody else has staked.")],
    share: Annotated[float, typer.Option(help="Part of the stake to hold, above 0 and below 1.")] = 0.51,
    weight: Annotated[float, typer.Option(help="Weight of alpha in the pool.", min=0.01, max=0.99)] = 0.5,
    epochs: Annotated[int, typer.Option(min=1, max=MOST_EPOCHS, help="Number of epochs.")] = 10,
    tempo: Annotated[int, typer.Option(min=1, max=50_400, help="Blocks in an epoch.")] = 360,
    price_falls: Annotated[
        float, typer.Option(help="Part of the price that others' sales take away before the buyer sells.")
    ] = 0.0,
    tao_usd: TaoPrice = None,
    as_json: AsJson = False,
) -> None:
    """Show what it costs to hold a share of a subnet's stake, and the profit by epoch.

    The buyer takes the alpha from the pool and votes for a miner of its own; each epoch is run by Yuma consensus.
    """
    from consensus.amounts import TAO
    from consensus.errors import ParamsError
    from consensus.lifecycle.conviction import Ownership, blocks_to_conviction
    from consensus.lifecycle.takeover import takeover as plan_takeover
    from consensus.pool.pool import Pool
    from consensus.pool.power import UNIT

    for name, amount in (("alpha", alpha), ("tao", tao), ("staked", staked)):
        if not 0.0 < amount <= 21_000_000:
            raise ParamsError(f"--{name}: {amount:g}; allowed: above 0, at most 21,000,000")
    pool = Pool(round(alpha * TAO), round(tao * TAO), round(weight * UNIT))
    others = round(staked * TAO)
    plan = plan_takeover(pool, others, share, epochs=epochs, tempo=tempo, price_fall=price_falls)
    needed = Ownership(age_blocks=0, outstanding_rao=others + plan.alpha_rao).needed_rao()
    blocks = blocks_to_conviction(plan.alpha_rao, needed)
    value = asdict(plan) | {
        "break_even_epoch": plan.break_even_epoch,
        "cost_usd": None if tao_usd is None else plan.cost_rao / TAO * tao_usd,
        "ownership": {"needed_rao": needed, "blocks": blocks},
    }
    show(as_json, value, "" if as_json else _takeover_text(plan, needed, blocks, tao_usd))


def _rules(text: str) -> Rules:
    from consensus.emission.rules import Rules

    for rules in get_args(Rules):
        if rules == text:
            return rules  # type: ignore[no-any-return]
    raise typer.BadParameter(f"--rules: {text!r}; allowed: {', '.join(get_args(Rules))}")


def _emission_text(block: EmissionSnapshot, rules: Rules, incentive: float, rows: dict[int, EmissionRow]) -> str:
    from consensus.amounts import TAO
    from lab.results.words import counted

    total = sum(row.tao_rao for row in rows.values())
    known = [abs(row.tao_rao - row.recorded_tao_rao) for row in rows.values() if row.recorded_tao_rao is not None]
    lines = [
        f"block {block.block} under the rules of {rules}: {total / TAO:.9f} τ for {len(rows)} subnets",
        f"a day's earnings are those of a miner with {incentive:.2%} of its subnet's miners' pay",
        "",
        f"{'subnet':>6}  {'price':>9}  {'share':>8}  {'gate':>6}  {'τ a block':>11}  {'α a day':>9}  {'τ a day':>9}  "
        f"{'impact':>7}  {'$ a day':>9}",
    ]
    for netuid, row in rows.items():
        impact = "-" if row.miner_impact is None else f"{row.miner_impact:.2%}"
        tao = "-" if row.miner_tao_per_day is None else f"{row.miner_tao_per_day:.4f}"
        usd = "-" if row.miner_usd_per_day is None else f"{row.miner_usd_per_day:,.2f}"
        lines.append(
            f"{netuid:>6}  {row.price:>9.6f}  {row.share:>8.3%}  {row.gate:>6.1%}  {row.tao_rao / TAO:>11.9f}  "
            f"{row.miner_alpha_per_day:>9.3f}  {tao:>9}  {impact:>7}  {usd:>9}"
        )
    if known:
        lines += ["", f"known payments of {counted(len(known), 'subnet')}: at most {max(known):,} rao away"]
    return "\n".join(lines)


def _takeover_text(plan: Takeover, needed_rao: int, blocks: int | None, tao_usd: float | None) -> str:
    from consensus.amounts import TAO

    dollars = "" if tao_usd is None else f" (${plan.cost_rao / TAO * tao_usd:,.0f})"
    voice = (
        f"locked for good, it takes over the subnet after {blocks:,} blocks ({blocks / 7200:,.0f} days)"
        if blocks is not None
        else f"it never takes over the subnet, which needs more than {needed_rao / TAO:,.0f} α locked"
    )
    lines = [
        f"{plan.share:.1%} of the stake is {plan.alpha_rao / TAO:,.3f} α, for {plan.cost_rao / TAO:,.3f} τ{dollars}",
        f"price {plan.price:.6f} τ before, {plan.price_after:.6f} τ after; impact {plan.impact:.1%}",
        f"its own miner gets {plan.own_incentive:.1%} of the miners' pay; {voice}",
        f"break-even: {_after(plan.break_even_epoch)}",
        "",
        f"{'epoch':>6}  {'earned α':>12}  {'honest α':>12}  {'worth τ':>14}  {'profit τ':>14}",
    ]
    for epoch in plan.epochs:
        lines.append(
            f"{epoch.number:>6}  {epoch.earned_rao / TAO:>12,.3f}  {epoch.honest_rao / TAO:>12,.3f}  "
            f"{epoch.tao_rao / TAO:>14,.3f}  {epoch.profit_rao / TAO:>14,.3f}"
        )
    return "\n".join(lines)


def _after(epoch: int | None) -> str:
    return "not within these epochs" if epoch is None else f"after epoch {epoch}"
