"""Page of the weight-copying study, its long table, and the summary that `--json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lab.report.palette import INK, MUTED, SERIES
from lab.report.plotting import figure_of, head, legend_above, styled
from lab.report.section import Caption, Column, Picture, Publication, Section
from lab.results.words import counted
from lab.statistics import Estimate, ranked

from .gains import ALPHA, CopyingData, CopyingRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DELEGATE_TAKE = 0.18
"""Share that a validator takes of what it earns for those who delegate to it."""


def page(data: CopyingData) -> Publication:
    """Write the study's findings and sections."""
    config = data.config
    return Publication(
        name="weight-copying",
        title="What copying weights earns",
        findings=tuple(_finding(data, churn) for churn in config.churns),
        sections=tuple(_by_concealment(data, churn) for churn in config.churns),
        facts=(
            (
                "subnet",
                f"{config.honest_validators} honest validators, one copier with {100 * config.copier_stake:g} % of the "
                f"stake, {config.miners} miners",
            ),
            ("simulated", f"{counted(data.epochs, 'epoch')} in {counted(config.seeds, 'world')}"),
            ("measured", f"dividends of the last {config.measured_epochs} of {config.epochs} epochs"),
        ),
    )


def _finding(data: CopyingData, churn: float) -> str:
    """Report under how many of the rules copying pays, with visible and with concealed weights."""
    total, hidden = len(data.config.variants), data.config.concealments
    paying = {
        concealment: sum(row.pays for row in _rows(data, churn) if row.concealment == concealment)
        for concealment in (hidden[0], hidden[-1])
    }
    return (
        f"At a churn of {churn:g}, copying pays better than working under {paying[hidden[0]] or 'none'} of {total} "
        f"rules with weights hidden for {counted(hidden[0], 'epoch')}, and under {paying[hidden[-1]] or 'none'} of "
        f"them with weights hidden for {counted(hidden[-1], 'epoch')} (t-test corrected for skewness, Holm over the "
        f"whole study, at {ALPHA:g})."
    )


def _by_concealment(data: CopyingData, churn: float) -> Section:
    hidden = data.config.concealments
    by_cell = {(row.variant, row.concealment): row.gain for row in _rows(data, churn)}
    best = ranked(_rows(data, churn), lambda row: row.gain.value)[0]
    return Section(
        key=f"weight_copying_churn_{churn:g}",
        title=f"What does copying earn at a churn of {churn:g}?",
        caption=Caption(
            f"A copier's dividends per stake over the honest median, by the epochs for which weights stay hidden. It "
            f"earns most under {best.variant} with weights hidden for {counted(best.concealment, 'epoch')}: "
            f"{best.gain.text()}. Above 1, copying pays better than working; below the dashed line, it pays less than "
            "delegating.",
            f"Churn is the standard deviation of a miner's log quality from one epoch to the next. One copier with "
            f"{100 * data.config.copier_stake:g} % of the stake; the cost of working is not counted.",
        ),
        columns=(
            Column("variant", "rules"),
            *(Column(f"gain_{epochs}", f"hidden {counted(epochs, 'epoch')}", 3) for epochs in hidden),
        ),
        rows=tuple(
            (variant.name, *(by_cell[variant.name, epochs] for epochs in hidden)) for variant in data.config.variants
        ),
        picture=Picture(lambda ax: draw_gains(data, churn, ax), 420, 440),
    )


def draw_gains(data: CopyingData, churn: float, ax: Axes) -> Figure:
    """Draw G by concealment, one line for each variant, with the levels of working and of delegating."""
    from matplotlib.ticker import MaxNLocator

    with styled():
        for place, variant in enumerate(data.config.variants):
            rows = [row for row in _rows(data, churn) if row.variant == variant.name]
            colour, x = SERIES[place % len(SERIES)], [row.concealment for row in rows]
            value, low, high = (np.array(ends) for ends in zip(*(_ends(row.gain) for row in rows), strict=True))
            ax.plot(x, value, color=colour, marker="o", markersize=4, linewidth=1.3, label=variant.name)
            ax.fill_between(x, low, high, alpha=0.15, color=colour, linewidth=0)
        ax.axhline(1, color=INK, linewidth=0.8)
        ax.axhline(1 - DELEGATE_TAKE, color=MUTED, linewidth=1, linestyle="--")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("epochs for which weights stay hidden")
        head(ax, "copier's dividends per stake over the honest median")
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def tables(data: CopyingData) -> tuple[Section, ...]:
    """Return every cell of the study as one long table."""
    table = Section(
        key="weight_copying",
        title="What copying earns",
        caption=Caption("", ""),
        columns=tuple(Column(key, key) for key in ("variant", "churn", "concealment_epochs", "gain")),
        rows=tuple((row.variant, row.churn, row.concealment, row.gain) for row in data.rows),
    )
    return (table,)


def summary(data: CopyingData) -> dict[str, Any]:
    """Return every cell of the study with its interval."""
    return {
        "epochs": data.epochs,
        "rows": [
            {
                "variant": row.variant,
                "churn": row.churn,
                "concealment_epochs": row.concealment,
                "gain": row.gain.value,
                "low": row.gain.low,
                "high": row.gain.high,
                "n": row.gain.n,
            }
            for row in data.rows
        ],
    }


def _rows(data: CopyingData, churn: float) -> list[CopyingRow]:
    return [row for row in data.rows if row.churn == churn]


def _ends(gain: Estimate) -> tuple[float, ...]:
    return tuple(np.nan if end is None else end for end in (gain.value, gain.low, gain.high))
