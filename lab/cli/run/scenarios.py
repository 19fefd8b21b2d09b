"""`subnetlab study scenarios`: play scenarios, list them, and publish a page for each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.console.command import examples
from lab.cli.console.options import AsJson, Wide, out_option
from lab.cli.console.output import print_json

if TYPE_CHECKING:
    from lab.studies.study import SimulatedStudy

MAX_WORKERS = 8
"""Processes that play at once; a scenario has hardly more points."""
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="SCENARIO", help="Names or TOML files of the scenarios to play (default: all)."),
]
Listed = Annotated[bool, typer.Option("--list", help="List the scenarios with their claims, and play none.")]
Seeds = Annotated[
    int | None, typer.Option("--seeds", min=2, help="Runs of each point (default: what the scenario says).")
]
Out = Annotated[Path | None, out_option("Folder for pages, tables and pictures (default: runs/study-scenarios).")]


def add_scenarios(app: typer.Typer, study: SimulatedStudy[Any, Any]) -> None:
    """Add the command."""
    from lab.studies.register import question_of

    @app.command("scenarios", help=question_of("scenarios"), epilog=examples("study scenarios"))
    def command(
        names: Names = None,
        listed: Listed = False,
        seeds: Seeds = None,
        out: Out = None,
        wide: Wide = False,
        as_json: AsJson = False,
    ) -> None:
        from lab.cli.console.progress import Bar
        from lab.report.publish import publish
        from lab.report.terminal import show
        from lab.studies.scenarios.page import scenario_page
        from lab.studies.scenarios.selection import Selection
        from lab.studies.study import simulate

        selection = Selection.named(names or [], seeds, min(os.cpu_count() or 1, MAX_WORKERS))
        if listed:
            _list(selection.claims(), as_json=as_json)
            return
        folder = out or Path("runs/study-scenarios")
        with Bar("scenarios", quiet=as_json) as bar:
            data = simulate(study, folder, config=selection, progress=bar.advance)
        for scenario in data.scenarios:
            publish(scenario_page(scenario), folder / scenario.name)
        if as_json:
            print_json(study.summary(data) | json.loads((folder / "result.json").read_text(encoding="utf-8")))
            return
        publication = study.page(data)
        show(publication.sections, publication.findings, wide=wide)
        typer.echo(f"page: {folder / 'index.html'}")


def _list(claims: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json({"scenarios": claims})
        return
    width = max(map(len, claims), default=0)
    for name, claim in claims.items():
        typer.echo(f"{name:<{width}}  {claim}")
