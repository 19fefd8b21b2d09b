"""A run's figures as tables: what they hold, in every format, and their documentation."""

import csv
import json
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.errors import LabError
from lab.record.record import RunRecord
from lab.results import data_table
from lab.results.bill import Bill
from lab.results.data_table import DataTable, columns
from lab.results.tables import tables_of
from tests.lab.records import make_record

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunRecord]:
    with make_record(tmp_path_factory.mktemp("export") / "run") as record:
        yield record


@pytest.fixture(scope="module")
def tables(record: RunRecord) -> dict[str, DataTable]:
    return tables_of(record)


def export(record: RunRecord, *arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["export", str(record.folder), "--trust", *map(str, arguments)])


def test_there_is_a_row_for_each_thing_that_a_table_is_about(tables: dict[str, DataTable]) -> None:
    rows = {key: len(table.rows) for key, table in tables.items()}
    assert rows["neurons"] == 9
    assert rows["tasks"] == 2 * 12
    assert rows["answers"] == rows["scores"] == 2 * 12 * 6
    assert rows["epochs"] == 4
    assert rows["pay"] == 4 * 9
    assert {row["epoch"] for row in tables["weights"].records()} == {0, 1, 2, 3}


def test_the_tables_agree_with_the_bill_of_the_report(record: RunRecord, tables: dict[str, DataTable]) -> None:
    bill = Bill.of(record)
    exported = {row["part"]: row for row in tables["bill"].records()}
    assert exported["grading"]["cpu_s"] == pytest.approx(sum(row["grading_cpu_s"] for row in tables["tasks"].records()))
    own = [row["cpu_s"] for row in tables["answers"].records() if row["miner"] == "good"]
    assert exported["good"]["cpu_s"] == pytest.approx(sum(own))
    assert sum(row["usd"] for row in exported.values() if row["subnet"]) == pytest.approx(bill.subnet_usd)


def test_a_missing_value_is_missing_and_not_zero(tables: dict[str, DataTable]) -> None:
    mute = [row for row in tables["answers"].records() if row["miner"] == "mute"]
    assert {row["body"] for row in mute} == {None} and {row["fault"] for row in mute} == {"timeout"}
    frame = tables["answers"].pandas()
    assert frame[frame.miner == "mute"].body.isna().all()
    assert str(frame.dtypes["input_tokens"]) == "Int64" and str(frame.dtypes["cpu_s"]) == "Float64"
    polars = tables["answers"].polars()
    assert polars.filter(polars["miner"] == "mute")["body"].null_count() == len(mute)
    assert str(polars.schema["input_tokens"]) == "Int64" and polars.columns == tables["answers"].names


def test_every_body_that_an_answer_names_is_there_as_it_arrived(tables: dict[str, DataTable]) -> None:
    bodies = {row["body"]: row["text"] for row in tables["bodies"].records()}
    assert {row["body"] for row in tables["answers"].records()} - {None} == set(bodies)
    assert "<script>alert(1)</script>" in bodies.values()


def test_csv_json_and_parquet_hold_the_same(record: RunRecord, tables: dict[str, DataTable], tmp_path: Path) -> None:
    from pyarrow import parquet

    assert export(record, "--csv", "--out", tmp_path / "csv").exit_code == 0
    assert export(record, "--parquet", "--out", tmp_path / "parquet").exit_code == 0
    printed = json.loads(export(record, "--json").stdout)
    for key, table in tables.items():
        stored = parquet.read_table(tmp_path / "parquet" / f"{key}.parquet")
        assert stored.to_pylist() == table.records() == printed[key]["rows"]
        assert [field.metadata[b"meaning"].decode() for field in stored.schema] == [
            column.meaning for column in table.columns
        ]
        rows = list(csv.reader(StringIO((tmp_path / "csv" / f"{key}.csv").read_text())))
        assert rows[0] == table.names and len(rows) == 1 + len(table.rows)


def test_an_export_explains_its_columns_and_lies_in_the_runs_folder(record: RunRecord) -> None:
    result = export(record)
    assert result.exit_code == 0, result.output
    explained = json.loads((record.folder / "export" / "columns.json").read_text())
    assert explained["answers"]["columns"][0]["name"] == "validator"
    assert str(record.folder / "export" / "answers.csv") in result.stdout.splitlines()


def test_a_name_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path) -> None:
    from lab.report.data_files import write_tables

    table = DataTable("names", "", columns("name text: a name", "value number: a value"), (("=1+1", -2.0),))
    write_tables({"names": table}, tmp_path, "csv")
    assert (tmp_path / "names.csv").read_text().splitlines()[1] == "'=1+1,-2.0"


def test_a_library_that_is_missing_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(data_table, "import_module", missing)
    with pytest.raises(LabError, match=r"pandas is not installed; pip install 'subnetlab\[frames\]'"):
        DataTable("none", "", (), ()).pandas()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["--csv", "--json"], "exclude each other"), (["--json", "--out", "x"], "--json prints, so it takes no --out")],
)
def test_formats_that_exclude_each_other_are_refused(record: RunRecord, arguments: list[str], reason: str) -> None:
    result = export(record, *arguments)
    assert result.exit_code == 2 and reason in result.output


def documentation(tables: dict[str, DataTable]) -> str:
    """Write the part of docs/export.md that lists every column."""
    parts = []
    for key, table in tables.items():
        parts.append(f"### `{key}`\n\n{table.meaning}\n\n| column | type | meaning |\n|---|---|---|")
        parts[-1] += "".join(f"\n| `{each.name}` | {each.type} | {each.meaning} |" for each in table.columns)
    return "\n\n".join(parts)


def test_every_column_is_documented(tables: dict[str, DataTable]) -> None:
    assert documentation(tables) in (ROOT / "docs" / "export.md").read_text()


@pytest.mark.slow
def test_the_notebook_runs_from_its_first_cell_to_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = json.loads((ROOT / "docs" / "figures.ipynb").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, Any] = {}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, "a notebook is kept without its outputs"
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    assert os.listdir(tmp_path) == ["runs"]
    assert names["earned"].loc["right"] > names["earned"].loc["half"]


if __name__ == "__main__":  # prints the part of docs/export.md that lists the columns
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder, make_record(Path(folder)) as made:
        print(documentation(tables_of(made)))
