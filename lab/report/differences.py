"""Differences between two runs or studies, as a section."""

from __future__ import annotations

from lab.results.compare import MEASURES, Compared, Row

from .section import Caption, Cell, Column, Section

COLUMNS = (
    Column("miner", "miner"),
    Column("measure", "measure"),
    Column("before", "first", 3, significant=True),
    Column("after", "second", 3, significant=True),
    Column("difference", "difference", 3, significant=True),
    Column("p_all", "p", 2, significant=True),
    Column("larger", "larger than chance"),
)


def differences(compared: Compared) -> Section:
    """Return what two results differ in, miner by miner and measure by measure."""
    arms = len({row.arm for row in compared.rows}) > 1
    return Section(
        "differences",
        "Differences, the second less the first",
        Caption(
            "p values are corrected for all tests (Holm).",
            "Only tasks that both have are compared.",
        ),
        ((Column("arm", "arm"), *COLUMNS) if arms else COLUMNS),
        tuple((row.arm, *_row(row)) if arms else _row(row) for row in compared.rows),
    )


def _row(row: Row) -> tuple[Cell, ...]:
    measure = next(measure for measure in MEASURES if measure.key == row.measure)
    return (
        row.miner,
        f"{measure.title}{measure.unit}",
        row.before.value,
        row.after.value,
        row.difference,
        row.p_all,
        row.larger_than_chance,
    )
