"""`subnetlab export`: a run's figures as tables for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import RunArgument, Trust, out_option, reading
from lab.cli.console.output import print_json

app = commands()


@app.command(
    short_help="Write a run's figures as tables for other tools.",
    epilog=examples("export runs/ocr", "export runs/ocr --parquet", "export runs/ocr --json"),
)
def export(
    folder: RunArgument,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write Parquet files; needs pyarrow.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV files, as without any of these options.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document with every table, and write nothing.")
    ] = False,
    out: Annotated[Path | None, out_option("Folder for the files (default: export in the run's folder).")] = None,
    trust: Trust = False,
) -> None:
    """Write a run's tasks, answers, scores, weights, epochs, pay and bill, a file each.

    columns.json, next to them, says what every column means, with its unit.
    """
    from lab.record.run_folder import open_run
    from lab.results.data_table import described
    from lab.results.tables import tables_of

    if parquet + csv + as_json > 1:
        raise typer.BadParameter("--parquet, --csv and --json exclude each other")
    if as_json and out is not None:
        raise typer.BadParameter("--json prints, so it takes no --out")
    with reading(trust), open_run(folder) as record:
        tables = tables_of(record)
    if as_json:
        print_json({key: {**described(table), "rows": table.records()} for key, table in tables.items()}, escape=True)
        return
    from lab.report.data_files import write_tables

    for path in write_tables(tables, out or folder / "export", "parquet" if parquet else "csv"):
        typer.echo(str(path))
