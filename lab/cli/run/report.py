"""`subnetlab report`: show a run's results again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import AsJson, RunArgument, Trust, Wide, out_option, reading
from lab.cli.console.output import print_json

if TYPE_CHECKING:
    from lab.record.record import RunRecord

app = commands()


@app.command(epilog=examples("report runs/ocr"))
def report(
    folder: RunArgument,
    out: Annotated[Path | None, out_option("The HTML file (default: report.html in the run's folder).")] = None,
    wide: Wide = False,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Print a run's tables again and write its HTML report."""
    from lab.record.run_folder import open_run

    with reading(trust), open_run(folder) as record:
        show_report(record, out or folder / "report.html", wide=wide, as_json=as_json)


def show_report(record: RunRecord, path: Path, *, wide: bool, as_json: bool) -> None:
    """Write the HTML report of a run, and print its tables or one JSON document."""
    from lab.errors import RecordError
    from lab.report import run_report
    from lab.report.sections.summary import findings
    from lab.report.terminal import show
    from lab.results.run_figures import RunFigures

    figures = RunFigures.of(record)
    publication = run_report.report(figures)
    try:
        written = run_report.write_publication(publication, path)
    except PermissionError as error:
        raise RecordError(f"{path.parent}: {error.strerror}; write the report elsewhere with --out") from None
    if as_json:
        print_json(run_report.as_json(figures) | {"report": str(written)})
        return
    sections = publication.sections if wide else run_report.sections(figures, short=True)
    show(sections, findings(figures), heading=run_report.heading(figures), wide=wide)
    typer.echo(f"report: {written}")
