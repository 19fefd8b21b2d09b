"""Pay: what each miner earned over the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.results.neurons import NeuronResult, by_quality
from lab.results.run_figures import RunFigures
from lab.results.words import counted, over_miners, percent

from ..palette import INK, SERIES
from ..plotting import figure_of, name_rows, new_axes, rows_px, styled
from ..section import Caption, Column, Picture, Section
from .names import MOST_DRAWN, all_named, label, named, tied, undrawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = (
    Column("miner", "miner"),
    Column("pay_share", "pay", 1, " %", 100),
    Column("earned", "tokens earned", 2),
    Column("quality", "true quality", 2),
)


def pay(run: RunFigures) -> Section:
    """Return each miner's share of the miners' pay, the miner of the best quality first."""
    miners = by_quality(run.results.miners)
    drawn = miners[:MOST_DRAWN]
    height = rows_px(len(drawn)) - 26
    return Section(
        "pay",
        "What the miners were paid",
        _caption(run),
        COLUMNS,
        tuple((label(miner), miner.pay_share, miner.earned, miner.quality) for miner in miners),
        Picture(lambda ax: draw_pay(drawn, ax=ax), height, height) if run.results.epochs else None,
    )


def draw_pay(miners: Sequence[NeuronResult], *, ax: Axes | None = None) -> Figure:
    """Draw each miner's share of the miners' pay over the run, in the order given."""
    ax = ax or new_axes(height_px=rows_px(len(miners)) - 26)
    shares = [miner.pay_share or 0.0 for miner in miners]
    with styled():
        colours = [SERIES[2] if miner.honest else SERIES[1] for miner in miners]
        ax.barh(range(len(miners)), [100 * share for share in shares], height=0.62, color=colours, linewidth=0)
        top = max([*shares, 0.01])
        for row, (miner, share) in enumerate(zip(miners, shares, strict=True)):
            text = "nothing paid" if miner.pay_share is None else percent(share)
            ax.text(100 * (share + 0.012 * top), row, text, va="center", color=INK, fontsize=12)
        ax.set_xlim(0, 100 * top * 1.14)
        ax.set_xlabel("% of the miners' pay")
        name_rows([str(label(miner)) for miner in miners], ax)
    return figure_of(ax)


def _caption(run: RunFigures) -> Caption:
    miners, quality = run.results.miners, run.pay_quality
    paid = [miner for miner in miners if miner.earned > 0]
    if not paid:
        return Caption("No miner was paid.", "The weights and the chain's refusals, in other sections, show why.")
    first = max(paid, key=lambda miner: (miner.earned, -miner.uid))
    best = tied(paid, lambda miner: miner.earned, first)
    most = f"{named(first)} earned most" if len(best) == 1 else f"{all_named(best)} tie for the most pay"
    share = f"{percent(first.pay_share or 0.0)}{'' if len(best) == 1 else ' each'}"
    ranking = "Whether it follows quality can't be said."
    if quality.emission.value is not None:
        figure = over_miners(quality.emission, quality.miners)
        ranking = f"Pay over the run has a Spearman correlation of {figure} with the quality of the same answers"
        last = quality.incentive
        ranking += "." if last.value is None else f", pay in the last epoch one of {over_miners(last, quality.miners)}."
    return Caption(
        f"{most}, {share} of {sum(miner.earned for miner in paid):,.0f} tokens. {ranking}",
        f"Pay is what the chain paid in {counted(len(run.results.epochs), 'epoch')}, not a sample, so it has no "
        "interval. The first epochs, in which validators know little, are included; what a miner spends is not."
        f"{undrawn(len(miners))}",
    )
