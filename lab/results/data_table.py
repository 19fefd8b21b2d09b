"""Data tables: the figures of a run as columns of equal length, for other tools.

tables["answers"].pandas()
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from lab.errors import LabError

if TYPE_CHECKING:
    from pandas import DataFrame
    from polars import DataFrame as PolarsFrame
    from pyarrow import Table as ArrowTable

Value = str | int | float | bool | None
ColumnType = Literal["text", "integer", "number", "flag"]


@dataclass(frozen=True, slots=True)
class DataColumn:
    """One column."""

    name: str
    """Unit included: "cpu_s"."""
    type: ColumnType
    meaning: str
    """What it holds, with its unit, and when it is missing."""


@dataclass(frozen=True, slots=True)
class DataTable:
    """One table; `meaning` says what a row stands for."""

    key: str
    """Names its file: "answers"."""
    meaning: str
    columns: tuple[DataColumn, ...]
    rows: tuple[tuple[Value, ...], ...]
    """Each aligned with `columns`; None where a value is missing."""

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(f"table {self.key}: a row of {len(wrong[0])} values under {len(self.columns)} columns")

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    def records(self) -> list[dict[str, Value]]:
        """Return each row by the names of its columns."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]

    def pandas(self) -> DataFrame:
        """Return a pandas frame; a column with missing values keeps its type.

        Raises:
            LabError: pandas is not installed.
        """
        frame = _library("pandas").DataFrame(list(self.rows), columns=self.names, dtype=object)
        dtypes = {"text": "string", "integer": "Int64", "number": "Float64", "flag": "boolean"}
        typed: DataFrame = frame.astype({column.name: dtypes[column.type] for column in self.columns})
        return typed

    def polars(self) -> PolarsFrame:
        """Return a polars frame.

        Raises:
            LabError: polars or pyarrow is not installed.
        """
        frame: PolarsFrame = _library("polars").from_arrow(self.arrow())
        return frame

    def arrow(self) -> ArrowTable:
        """Return an Arrow table, whose fields carry their meanings.

        Raises:
            LabError: pyarrow is not installed.
        """
        arrow = _library("pyarrow")
        types = {"text": arrow.string(), "integer": arrow.int64(), "number": arrow.float64(), "flag": arrow.bool_()}
        fields = [
            arrow.field(column.name, types[column.type], metadata={"meaning": column.meaning})
            for column in self.columns
        ]
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.columns)
        arrays = [arrow.array(values, field.type) for values, field in zip(columns, fields, strict=True)]
        table: ArrowTable = arrow.table(arrays, schema=arrow.schema(fields, metadata={"meaning": self.meaning}))
        return table


def described(table: DataTable) -> Mapping[str, object]:
    """Return what a table's columns mean, as JSON holds it."""
    return {
        "meaning": table.meaning,
        "columns": [{"name": column.name, "type": column.type, "meaning": column.meaning} for column in table.columns],
    }


def columns(*lines: str) -> tuple[DataColumn, ...]:
    """Make columns of lines such as "uid integer: the miner's uid"."""
    made: list[DataColumn] = []
    for line in lines:
        head, _, meaning = line.partition(": ")
        name, _, kind = head.partition(" ")
        made.append(DataColumn(name, _TYPES[kind], meaning))
    return tuple(made)


_TYPES: dict[str, ColumnType] = {"text": "text", "integer": "integer", "number": "number", "flag": "flag"}


def _library(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        raise LabError(f"{name} is not installed; pip install 'subnetlab[frames]', or export as CSV or JSON") from None
