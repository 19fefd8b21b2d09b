"""Data files: the tables of a run as Parquet or CSV, and what their columns mean.

write_tables(tables_of(record), Path("runs/ocr/export"), "csv")
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from io import BytesIO, StringIO
from pathlib import Path
from typing import Literal

from lab.files import write_atomically
from lab.results.data_table import DataTable, described

from .cells import for_csv

DataFormat = Literal["parquet", "csv"]
COLUMNS = "columns.json"
"""Name of the file that says what every column means."""


def write_tables(tables: Mapping[str, DataTable], folder: Path, form: DataFormat) -> list[Path]:
    """Write each table as a file of its own and the meaning of all columns; return the paths.

    Raises:
        LabError: Parquet is wanted and pyarrow is not installed.
    """
    write = _parquet if form == "parquet" else _csv
    contents = {f"{key}.{form}": write(table) for key, table in tables.items()}
    contents[COLUMNS] = json.dumps({key: described(table) for key, table in tables.items()}, indent=2).encode()
    return [write_atomically(folder / name, content) for name, content in contents.items()]


def _parquet(table: DataTable) -> bytes:
    data = table.arrow()  # says what to install if pyarrow is missing
    from pyarrow import parquet

    file = BytesIO()
    parquet.write_table(data, file)
    return file.getvalue()


def _csv(table: DataTable) -> bytes:
    """Write a table for spreadsheets: a missing value is empty, and a text that would be a formula is quoted."""
    file = StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(table.names)
    writer.writerows([for_csv(value) for value in row] for row in table.rows)
    return file.getvalue().encode()
