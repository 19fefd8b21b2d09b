"""Charts of the miners study, each `(data, ax) -> Figure`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from math import exp
from typing import TYPE_CHECKING

from lab.report.palette import INK, MUTED, PAPER, SERIES
from lab.report.plotting import (
    LINE_PX,
    NAMES_SHARE,
    draw_estimates,
    figure_of,
    grow,
    head,
    legend_above,
    log_ticks,
    name_rows,
    styled,
    width_px,
    wrapped,
)
from lab.statistics.claims import ALPHA

from .claims import CheckedClaims
from .contest import MinerSummary
from .detection import PROMPTS, DetectionResult
from .market import Rent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[["Axes"], "Figure"]

DASHES = ("solid", (0, (4, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (6, 1.5, 1, 1.5, 1, 1.5)))
MOST_LINES = 8
"""Lines in a chart, one for each colour."""


def strengths(miners: Sequence[MinerSummary], ax: Axes) -> Figure:
    """Draw Bradley-Terry strengths, the strongest on top."""
    with styled():
        draw_estimates([miner.strength for miner in miners], ax, colour=SERIES[0])
        name_rows([miner.name for miner in miners], ax)
        ax.axvline(0, color=MUTED, linewidth=0.8)
        ax.set_xlabel("strength in logits (0: the average honest miner)")
    return figure_of(ax)


def latencies(miners: Sequence[MinerSummary], ax: Axes) -> Figure:
    """Draw the median and the 95th percentile of latency."""
    with styled():
        for label, shift, colour, marker, figures in (
            ("median", -0.14, SERIES[0], "o", [miner.result.latency_p50_s for miner in miners]),
            ("95th percentile", 0.14, SERIES[1], "D", [miner.result.latency_p95_s for miner in miners]),
            ("median alone", 0.0, SERIES[2], "s", [miner.alone_p50_s for miner in miners]),
        ):
            if any(figure.value is not None for figure in figures):
                draw_estimates(figures, ax, colour=colour, marker=marker, shift=shift, label=label)
        name_rows([miner.name for miner in miners], ax)
        ax.set_xscale("log")
        log_ticks(ax.xaxis)
        ax.set_xlabel("seconds")
        legend_above(ax)
    return figure_of(ax)


def costs(miners: Sequence[MinerSummary], ax: Axes) -> Figure:
    """Draw the dollars for 1,000 answers and 1,000 tasks won."""
    with styled():
        for label, shift, colour, marker, figures in (
            ("1,000 answers", -0.14, SERIES[0], "o", [miner.result.usd for miner in miners]),
            ("1,000 tasks won", 0.14, SERIES[1], "D", [miner.usd_per_win for miner in miners]),
        ):
            dollars = [figure.scaled(1000) for figure in figures]
            draw_estimates(dollars, ax, colour=colour, marker=marker, shift=shift, label=label)
        name_rows([miner.name for miner in miners], ax)
        if any(miner.result.usd.value for miner in miners):
            ax.set_xscale("log")
            log_ticks(ax.xaxis, "$")
        legend_above(ax)
    return figure_of(ax)


def sensitivities(
    bases: Mapping[str, float],
    ends: Mapping[str, Mapping[str, tuple[float, ...]]],
    assumptions: Sequence[str],
    ax: Axes,
) -> Figure:
    """Draw the profit of each miner with each assumption halved and doubled."""
    with styled():
        row, rows, names = 0.0, [], []
        for miner, base in bases.items():
            first = row
            for place, name in enumerate(assumptions):
                worse, better = ends[miner][name]
                ax.plot([worse, better], [row] * 2, color=SERIES[place], linewidth=6, solid_capstyle="butt")
                row += 1
            ax.plot([base] * 2, [first - 0.6, row - 0.4], color=INK, linewidth=1.4)
            rows.append((first + row - 1) / 2)
            names.append(wrapped(miner, NAMES_SHARE * width_px(ax)))
            row += 0.9
        for place, name in enumerate(assumptions):
            ax.plot([], [], color=SERIES[place], linewidth=6, label=name)
        ax.axvline(0, color=MUTED, linewidth=0.8)
        lines = max((name.count("\n") + 1 for name in names), default=1)
        grow(ax, len(names) * max(0.0, LINE_PX * lines - 17 * (len(assumptions) + 0.9)))
        ax.set_yticks(rows, names)
        ax.set_ylim(row - 0.5, -1)
        ax.set_xlabel("profit in dollars a day (line: as assumed; bar: halved to doubled)")
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def break_evens(machines: Sequence[Rent], ax: Axes) -> Figure:
    """Draw the dollars for a million units by each machine's utilisation, and the prices of the APIs."""
    reached = [rent.formula.utilisation for rent in machines if rent.formula.reachable]
    least = max(1e-4, min([0.02, *reached]) / 2)
    utilisations = [least ** (1 - step / 40) for step in range(41)]
    with styled():
        names = list(dict.fromkeys(rent.machine for rent in machines))[:MOST_LINES]
        for place, name in enumerate(names):
            rent = next(each for each in machines if each.machine == name)
            costs = [rent.rate.usd_per_mtok(share) for share in utilisations]
            style = "solid" if rent.measured else DASHES[1]
            ax.plot(utilisations, costs, color=SERIES[place], linestyle=style, label=name)
        offers = {
            rent.offer.name: price
            for rent in machines
            if rent.machine == names[0] and (price := rent.api_usd_per_million.value) is not None
        }
        for offer, price in offers.items():
            ax.axhline(price, color=MUTED, linewidth=1.2, linestyle=DASHES[2])
            ax.annotate(
                offer,
                (1.0, price),
                xytext=(0, 4),
                textcoords="offset points",
                ha="right",
                color=MUTED,
                fontsize=11,
                bbox={"facecolor": PAPER, "linewidth": 0, "pad": 1},
            )
        crossed = [rent for rent in machines if rent.formula.reachable and rent.machine in names]
        for rent in crossed:
            at = rent.formula.utilisation
            if at >= least:
                ax.plot([at], [rent.rate.usd_per_mtok(at)], marker="o", color=SERIES[names.index(rent.machine)])
        ax.set_xscale("log")
        ax.set_yscale("log")
        log_ticks(ax.xaxis, suffix=" %", scale=100)
        log_ticks(ax.yaxis, "$")
        ax.set_xlim(least, 1.0)
        ax.set_xlabel("utilisation")
        head(ax, "dollars for a million tokens, or answers")
        ax.grid(axis="both")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def detections(results: Sequence[DetectionResult], ax: Axes) -> Figure:
    """Draw the AUC by number of prompts, with a colour for each group of features and a dash for each pair."""
    with styled():
        groups = list(dict.fromkeys(power.group for result in results for power in result.powers))
        dashed = list(zip(cycle(DASHES), results, strict=False))
        for dash, result in dashed:
            for place, group in enumerate(groups):
                line = [power for power in result.powers if power.group == group]
                known = [(power.prompts, power.auc.value) for power in line if power.auc.value is not None]
                if not known:
                    continue
                xs, ys = [prompts for prompts, _ in known], [value for _, value in known]
                ax.plot(xs, ys, color=SERIES[place], linestyle=dash, marker="o", markersize=4)
                bands = [
                    (power.prompts, power.auc.low, power.auc.high)
                    for power in line
                    if power.auc.low is not None and power.auc.high is not None
                ]
                places, lows, highs = ([band[column] for band in bands] for column in range(3))
                ax.fill_between(places, lows, highs, color=SERIES[place], alpha=0.08, linewidth=0)
        for place, group in enumerate(groups):
            ax.plot([], [], color=SERIES[place], marker="o", markersize=4, label=group)
        for dash, result in dashed:
            ax.plot([], [], color=MUTED, linestyle=dash, label=result.table.name)
        ax.axhline(0.5, color=MUTED, linewidth=0.8)
        ax.set_xscale("log", base=2)
        ax.set_xticks(PROMPTS, [str(prompts) for prompts in PROMPTS])
        ax.minorticks_off()
        below_chance = any((power.auc.value or 0.5) < 0.4 for result in results for power in result.powers)
        ax.set_ylim(0.2 if below_chance else 0.4, 1.02)
        ax.set_xlabel("prompts")
        head(ax, "AUC (0.5: chance)")
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def evidences(claims: Sequence[CheckedClaims], ax: Axes) -> Figure:
    """Draw the evidence against each miner's claims, output by output."""
    with styled():
        for place, checked in enumerate(claims[:MOST_LINES]):
            ys = [exp(min(50.0, max(-7.0, value))) for value in checked.evidence]
            style = "solid" if checked.honest else DASHES[1]
            ax.plot(range(1, len(ys) + 1), ys, color=SERIES[place], linestyle=style, label=checked.name)
        ax.axhline(1 / ALPHA, color=INK, linewidth=1.0)
        ax.annotate("flagged", (1, 1 / ALPHA), xytext=(0, 4), textcoords="offset points", fontsize=11)
        ax.set_yscale("log")
        log_ticks(ax.yaxis, suffix="×")
        ax.set_xlabel("outputs")
        head(ax, "evidence against honest claims")
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        legend_above(ax)
    return figure_of(ax)


def left_out(names: Sequence[str], what: str) -> str:
    """Return a sentence if a picture leaves some of these names out; empty otherwise."""
    return f" The picture shows the first {MOST_LINES} {what}." if len(set(names)) > MOST_LINES else ""
