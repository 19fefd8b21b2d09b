"""The waterfall of a miner's pay, as a section of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consensus.amounts import TAO
from lab.report.palette import INK, MUTED, SERIES
from lab.report.plotting import figure_of, name_rows, new_axes, rows_px, styled
from lab.report.section import NO_CAPTION, Caption, Column, Picture, Section
from lab.results.words import counted, percent, quoted

from .trail import PayTrail

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = (
    Column("step", "step"),
    Column("reason", "why"),
    Column("number", "its figure", 4),
    Column("delta_rao", "rao more or less"),
    Column("after_rao", "rao after it"),
)


def waterfall(trail: PayTrail) -> Section:
    """Return the steps of a miner's pay with their reasons."""
    height = rows_px(len(trail.steps))
    return Section(
        "pay-trail",
        f"Why the pay of {quoted(trail.miner)} is what it is",
        Caption(
            headline(trail),
            "Each step shows what the miner would be paid if the chain stopped there, with validators counted by their "
            "active stake. Up to the weights that is worked out from the record; from then on it is the chain's own "
            "arithmetic.",
        ),
        COLUMNS,
        tuple((step.title, step.reason, step.number, step.delta_rao, step.after_rao) for step in trail.steps),
        Picture(lambda ax: draw_waterfall(trail, ax=ax), height, height),
    )


def steps(trail: PayTrail) -> Section:
    """Return the steps alone, for a terminal, which prints the reasons below them."""
    return Section(
        "pay-steps",
        f"The pay of {quoted(trail.miner)}, step by step",
        NO_CAPTION,
        (COLUMNS[0], *COLUMNS[2:]),
        tuple((step.title, step.number, step.delta_rao, step.after_rao) for step in trail.steps),
    )


def headline(trail: PayTrail) -> str:
    """Say what the miner was paid, and which steps mattered most."""
    epochs = f"epoch {trail.epochs[0] + 1}" if len(trail.epochs) == 1 else counted(len(trail.epochs), "epoch")
    tao = "" if trail.tao is None else f", which bring {trail.tao:,.6f} τ"
    text = (
        f"{quoted(trail.miner)} was paid {trail.paid_rao:,} rao in {epochs}, {trail.paid_rao / TAO:,.9f} tokens{tao}, "
        f"worth ${trail.usd:,.4f}. {trail.usd_reason}"
    )
    start, *changes = trail.steps
    largest = max(changes, key=lambda step: abs(step.delta_rao))
    if start.after_rao and largest.delta_rao:
        verb = "added" if largest.delta_rao > 0 else "took"
        share = percent(abs(largest.delta_rao) / start.after_rao)
        text += f" No step mattered more than {largest.title}: it {verb} {share} of an equal part."
    return text


def draw_waterfall(trail: PayTrail, *, ax: Axes | None = None) -> Figure:
    """Draw a bar from the amount before each step to the one after it, and the payout in full below them."""
    ax = ax or new_axes(height_px=rows_px(len(trail.steps)))
    before = 0.0
    top = max([*(step.after_rao for step in trail.steps), 1]) / TAO
    with styled():
        for row, step in enumerate(trail.steps):
            after = step.after_rao / TAO
            is_whole = row in (0, len(trail.steps) - 1)
            colour = MUTED if is_whole else SERIES[2] if step.delta_rao >= 0 else SERIES[1]
            low, high = (0.0, after) if is_whole else sorted((before, after))
            ax.barh([row], [high - low], left=low, height=0.62, color=colour, linewidth=0)
            text = f"{after:,.4g}" if is_whole else f"{step.delta_rao / TAO:+,.4g}"
            ax.text(high + 0.012 * top, row, text, va="center", color=INK, fontsize=12)
            before = after
        ax.set_xlim(0, 1.2 * top)
        ax.set_xlabel("tokens")
        name_rows([step.title for step in trail.steps], ax)
    return figure_of(ax)
