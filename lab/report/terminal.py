"""A run's results in the terminal, 80 columns wide, and the same as plain JSON.

for table in summary(record):
    rich.print(table)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lab.record.record import RunRecord
from lab.results.bill import Bill, Part, total
from lab.results.compare import MEASURES, Compared
from lab.results.neurons import NeuronResult, NeuronResults, by_quality
from lab.results.pay_quality import PayQuality
from lab.results.words import percent
from lab.statistics import Estimate
from subnets import Cost

from .captions import miners_asked, refusals
from .cells import printed
from .section import Cell, Column

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

NAME_WIDTH = 14
"""Longer names wrap."""

MOST_ROWS = 40
"""Of neurons; a terminal is no place to study hundreds."""

MOST_MINERS = 12
"""That have a line each in the bill."""


def summary(record: RunRecord) -> list[RenderableType]:
    """Return the metagraph, how pay follows quality, and the N+V bill."""
    standings = NeuronResults.of(record)
    return [metagraph(standings), pay_and_quality(standings), bill_table(Bill.of(record))]


def as_json(record: RunRecord) -> dict[str, Any]:
    """Return the same figures as `summary` and more, as plain values."""
    standings, bill = NeuronResults.of(record), Bill.of(record)
    agreement = PayQuality.of(standings)
    return {
        "complete": standings.complete,
        "epochs": len(standings.epochs),
        "rounds": len(standings.rounds),
        "neurons": [asdict(neuron) for neuron in standings.neurons],
        "pay_follows_quality": asdict(agreement) | {"sentence": agreement.sentence},
        "bill": asdict(bill) | {"prices": bill.prices.model_dump(), "subnet_usd": bill.subnet_usd},
    }


def metagraph(standings: NeuronResults) -> Table:
    """Who holds which uid, and what the last epoch made of it."""
    epochs = len(standings.epochs)
    at = f"at epoch {standings.epochs[-1].number}, the last of {epochs}" if epochs else "before the first epoch"
    table = _table(f"Metagraph {at}")
    table.add_column("uid", justify="right")
    table.add_column("neuron", max_width=NAME_WIDTH, overflow="fold")
    for name in ("stake", "trust", "consensus", "incentive", "dividends", "emission"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in standings.neurons[:MOST_ROWS]:
        trust = one.validator_trust if one.role == "validator" else one.trust
        shares = [f"{share:.3f}" if share else "0" for share in (trust, one.consensus, one.incentive, one.dividends)]
        table.add_row(str(one.uid), _name(one), f"{one.stake:,.0f}", *shares, f"{one.emission:,.2f}")
    notes = ["Stake and emission of that epoch in tokens. A validator's trust is its validator trust."]
    notes += refusals(standings)
    _caption(table, notes, standings.neurons)
    return table


def pay_and_quality(standings: NeuronResults) -> Table:
    """The miners, best first, with what validators thought of them and what they earned."""
    table = _table("Pay beside true quality")
    table.add_column("miner", max_width=NAME_WIDTH, overflow="fold")
    for name in ("true quality", "score", "n", "faults", "median s", "pay"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in by_quality(standings.miners)[:MOST_ROWS]:
        table.add_row(
            _name(one),
            _interval(one.quality),
            _interval(one.score),
            str(one.score.n),
            str(sum(one.faults.values())),
            "-" if one.latency_p50_s.value is None else f"{one.latency_p50_s.value:.2f}",
            "-" if one.pay_share is None else percent(one.pay_share),
        )
    _caption(table, [PayQuality.of(standings).sentence], standings.miners)
    return table


def bill_table(bill: Bill) -> Table:
    """What the subnet used, beside doing the work once."""
    table = _table(f"The N+V bill of {bill.tasks} tasks and {bill.answers} answers")
    table.add_column("part", max_width=32, overflow="fold")
    for name in ("CPU s", "share", "CPU s a task", "$ for 1000 tasks"):
        table.add_column(name, justify="right", no_wrap=True)
    parts, used = bill.subnet_parts, bill.subnet_cpu_s
    miners = [part for part in parts if part.group == "miners"]
    if len(miners) > MOST_MINERS:
        parts = [Part(f"{len(miners)} miners", "", total(part.cost for part in miners), sum(p.usd for p in miners))] + [
            part for part in parts if part not in miners
        ]
    for part in parts:
        name = f"miner {part.name}" if part.group == "miners" else part.name
        table.add_row(name, *_used(part, used, bill.tasks))
    table.add_section()
    table.add_row("the subnet", *_used(Part("", "", Cost(cpu_s=used), bill.subnet_usd), used, bill.tasks))
    table.add_section()
    idle = Part("idle cores", "", Cost(cpu_s=bill.idle_cpu_s), bill.idle_usd)
    for part in (*bill.own_parts, idle):
        cpu_s, _, task, usd = _used(part, used, bill.tasks)
        table.add_row(f"apart: {part.name}", cpu_s, "", task, usd)
    notes = [
        f"N = {miners_asked(bill)} miners answer a task, V = {bill.validators} validators ask.",
        f"A task done once: {bill.once_cpu_s.text(3, ' CPU s')}.",
        f"Overhead of the subnet: {bill.overhead.text(2, ' times that')}.",
        f"Useful work: {bill.useful_work.text(3)} of the subnet's CPU.",
        f"Setting up took {bill.setup_cpu_s:.1f} CPU s more. A core-hour costs ${bill.prices.cpu_hour_usd:g}.",
    ]
    _caption(table, notes, [])
    return table


def differences(compared: Compared) -> Table:
    """What two results differ in, with those differences in bold that are larger than chance."""
    measures = {measure.key: measure for measure in MEASURES}
    table = _table("Differences, the second less the first")
    arms = len({row.arm for row in compared.rows}) > 1
    for name in (*(["arm"] if arms else []), "miner", "measure"):
        table.add_column(name, max_width=NAME_WIDTH, overflow="fold")
    for name in ("first", "second", "difference", "n", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in compared.rows:
        measure = measures[row.measure]
        values = [f"{figure.value or 0.0:.{measure.digits}f}" for figure in (row.before, row.after)]
        spread = "" if row.difference.low is None else f" {row.difference.low:+.3g} to {row.difference.high:+.3g}"
        table.add_row(
            *([row.arm] if arms else []),
            row.miner,
            f"{measure.title}{measure.unit}",
            *values,
            f"{row.difference.value or 0.0:+.3g}{spread}",
            str(row.difference.n),
            f"{row.p_all:.3f}" if row.p_all >= 0.001 else "<0.001",
            style="bold" if row.larger_than_chance else "dim",
        )
    notes = [
        "p is held against all tests together (Holm). Only tasks that both have count, so nothing is said of others."
    ]
    _caption(table, notes, [])
    return table


def text_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Return the cells as a terminal shows them: value and interval in one line."""
    shown = [[printed(cell, column) for cell, column in zip(row, columns, strict=True)] for row in rows]
    return [[f"{cell.value} {cell.note}".rstrip() for cell in row] for row in shown]


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=f"\n{title}",
        title_style="bold",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )


def _caption(table: Table, notes: list[str], shown: Sequence[NeuronResult]) -> None:
    """Write notes below a table that lists `shown`."""
    from rich.text import Text

    if len(shown) > MOST_ROWS:
        notes = [*notes, f"{len(shown) - MOST_ROWS} more are in the report."]
    if any(not one.honest for one in shown[:MOST_ROWS]):
        notes = [*notes, "* not honest"]
    table.caption = Text("\n".join(notes))


def _name(one: NeuronResult) -> str:
    return one.name if one.honest else f"{one.name}*"


def _interval(figure: Estimate) -> str:
    if figure.value is None:
        return "-"
    return f"{figure.value:.2f}" if figure.low is None else f"{figure.value:.2f} {figure.low:.2f}-{figure.high:.2f}"


def _used(part: Part, whole: float, tasks: int) -> tuple[str, str, str, str]:
    """CPU seconds, their share, and CPU seconds and dollars of a task."""
    cpu_s = part.cost.cpu_s
    share = percent(cpu_s / whole) if whole else "-"
    if not tasks:
        return f"{cpu_s:.2f}", share, "-", "-"
    return f"{cpu_s:.2f}", share, f"{cpu_s / tasks:.4f}", f"{1000 * part.usd / tasks:.4f}"
