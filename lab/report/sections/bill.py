"""Bill: what the subnet used, part by part, compared with the price of doing the work once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.results.bill import Bill, Part, total
from lab.results.run_figures import RunFigures
from lab.results.words import counted, percent, times
from lab.statistics import Estimate, number
from subnets import Cost

from ..palette import INK, MUTED, PAPER, PARTS, part_colour
from ..plotting import figure_of, narrow, new_axes, styled
from ..section import Caption, Cell, Column, Fact, Label, Picture, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MINERS = 12
"""Number of miners above which the table also shows their sum in a separate row."""

COLUMNS = (
    Column("part", "part"),
    Column("cpu_s", "CPU s", 2),
    Column("share", "share", 1, " %", 100, bar=True),
    Column("cpu_s_per_task", "CPU s per task", 4),
    Column("usd_per_1000_tasks", "$ for 1,000 tasks", 4),
)


def bill(run: RunFigures) -> Section:
    """Return the N+V bill."""
    costs = run.bill
    title = f"The N+V bill of {counted(costs.tasks, 'task')} and {counted(costs.answers, 'answer')}"
    if not costs.tasks:
        return Section("bill", title, Caption("No epoch is complete yet.", "Nothing can be said about costs."))
    parts = costs.subnet_parts
    miners = [part for part in parts if part.group == "miners"]
    sums = [_row(Label("the subnet"), Cost(cpu_s=costs.subnet_cpu_s), costs.subnet_usd, costs)]
    if len(miners) > MOST_MINERS:
        together = total(part.cost for part in miners)
        sums.append(_row(Label(f"its {len(miners)} miners"), together, sum(part.usd for part in miners), costs))
    idle = Part("idle cores", "", Cost(cpu_s=costs.idle_cpu_s), costs.idle_usd)
    apart = [
        _row(Label(f"not billed: {part.name}"), part.cost, part.usd, costs, shared=False)
        for part in (*costs.own_parts, idle)
    ]
    return Section(
        "bill",
        title,
        _caption(costs),
        COLUMNS,
        (
            *(_row(_label(part), part.cost, part.usd, costs) for part in parts),
            *sums,
            *apart,
            (Label("before it began: setting up"), costs.setup_cpu_s, None, None, None),
        ),
        Picture(lambda ax: draw_bill(costs, ax=ax), 140, 140),
        facts=_facts(costs),
        groups=(len(miners),),
        sums=tuple(range(len(parts), len(parts) + len(sums))),
    )


def draw_bill(bill: Bill, *, ax: Axes | None = None) -> Figure:
    """Draw CPU seconds of a task through the subnet, stacked by part, above those of doing it once."""
    ax = ax or new_axes(height_px=150)
    once = bill.once_cpu_s
    with styled():
        left = 0.0
        for part in bill.subnet_parts if bill.tasks else ():
            cpu_s = part.cost.cpu_s / bill.tasks
            colour = part_colour(part.group)
            ax.barh([0], [cpu_s], left=left, height=0.6, color=colour, edgecolor=PAPER, linewidth=0.8)
            left += cpu_s
        if once.value is not None:
            ax.barh([1], [once.value], height=0.6, color=MUTED, linewidth=0)
            if once.low is not None and once.high is not None:
                ax.plot([once.low, once.high], [1, 1], color=INK, linewidth=1.6)
        longest = max(left, once.value or 0.0)
        measured = "not measured" if once.value is None else f"{number(once.value)} s"
        ax.text(left + 0.012 * longest, 0, f"{number(left)} s", va="center")
        ax.text((once.high or once.value or 0.0) + 0.012 * longest, 1, measured, va="center")
        ax.set_xlim(0, max(longest, 1e-9) * (1.24 if narrow(ax) else 1.12))
        ax.set_yticks([0, 1], ["subnet", "once"])
        ax.set_ylim(1.5, -0.5)
        ax.set_xlabel("CPU seconds per task")
        ax.grid(axis="x")
        ax.set_axisbelow(True)
    return figure_of(ax)


def _facts(bill: Bill) -> tuple[Fact, ...]:
    subnet_usd = Estimate(bill.subnet_usd / bill.tasks, None, None, bill.tasks)
    return (
        Fact(Column("miners", "N, miners asked for a task", 1), bill.miners),
        Fact(Column("validators", "V, validators that ask"), bill.validators),
        Fact(Column("once_cpu_s", "CPU seconds to do a task once"), bill.once_cpu_s),
        Fact(
            Column("overhead", "Overhead: CPU of a task through the subnet, divided by doing it once", 2, "×"),
            bill.overhead,
        ),
        Fact(
            Column(
                "overhead_of_one",
                "Overhead if only one validator's tasks are useful",
                2,
                "×",
            ),
            bill.overhead_of_one,
        ),
        Fact(
            Column("useful_work", "Useful work: the share of the subnet's CPU that doing each task once would need"),
            bill.useful_work,
        ),
        Fact(Column("once_usd", "Dollars for 1,000 tasks done once", 4, scale=1000), bill.once_usd),
        Fact(Column("subnet_usd", "Dollars for 1,000 tasks through the subnet", 4, scale=1000), subnet_usd),
    )


def _label(part: Part) -> Label:
    name = f"miner {part.name}" if part.group == "miners" else part.name
    return Label(name, colour=f"c{PARTS.index(part.group)}" if part.group in PARTS else "muted")


def _row(label: Label, cost: Cost, usd: float, bill: Bill, *, shared: bool = True) -> tuple[Cell, ...]:
    """Return CPU seconds, their share of the subnet's, and CPU seconds and dollars of a task."""
    used = bill.subnet_cpu_s
    share = cost.cpu_s / used if shared and used else None
    return label, cost.cpu_s, share, cost.cpu_s / bill.tasks, 1000 * usd / bill.tasks


def _caption(bill: Bill) -> Caption:
    cost = f"A task costs {number(bill.subnet_cpu_s / bill.tasks)} CPU seconds through the subnet"
    if bill.overhead.value is None:
        parts = [f"{cost}; what it costs to do it once was not measured."]
    else:
        parts = [
            f"{cost} and {bill.once_cpu_s.text(2)} done once by one miner: {bill.overhead.text(2)} times as much.",
            f"{_miners_asked(bill)} it, and {counted(bill.validators, 'validator')} set tasks and grade.",
        ]
    if bill.grading_share:
        parts.append(f"Making tasks and grading are {percent(bill.grading_share)} of the subnet's CPU.")
    parts.append(
        f"Metered in {bill.wall_s:.1f} s on {counted(bill.cores, 'core')}; a core-hour costs "
        f'${bill.prices.cpu_hour_usd:g}. Rows marked "not billed" are the laboratory\'s own: no subnet '
        "would do this work."
    )
    return Caption(" ".join(parts), " ".join(_left_out(bill)))


def _left_out(bill: Bill) -> list[str]:
    whole = bill.idle_cpu_s + bill.total_cpu_s
    idle = bill.idle_cpu_s / whole if whole else 0.0
    sentences = [
        f"Starting everything took {bill.setup_cpu_s:.1f} more CPU seconds, and {percent(idle)} of the machine's time "
        "was idle; neither is in the bars."
    ]
    if any(part.cost.gpu_s for part in bill.parts):
        sentences.append("GPU seconds are in the dollars, not in the bars.")
    if any(part.group == "providers" for part in bill.parts):
        sentences.append("What providers' servers used has no price of its own: miners pay for it by the token.")
    if bill.unexplained_cpu_s > 0.01 * bill.total_cpu_s:
        sentences.append(f"The meters counted {bill.unexplained_cpu_s:.1f} CPU seconds twice.")
    if bill.sessions > 1:
        sentences.append(
            f"The run was interrupted {times(bill.sessions - 1)}; the CPU that was lost by that is not known."
        )
    return [*sentences, "Profit, hardware and network are not counted."]


def _miners_asked(bill: Bill) -> str:
    """Say how many miners answer a task: a plain number if each task had the same."""
    miners = bill.miners
    if miners.value == 1.0 and miners.interval is None:
        return "1 miner answers"
    return f"{miners.text(1) if miners.value is None or miners.interval else number(miners.value, 0)} miners answer"
