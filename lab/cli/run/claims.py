"""`subnetlab claims`: what recorded studies say about claims on such networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import AsJson, Wide, out_option
from lab.cli.console.output import print_json

app = commands()

Folders = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FOLDER...", help="Folders of recorded studies, searched with all below (default: runs)."),
]
Out = Annotated[Path | None, out_option("Folder for the HTML page and its table (default: runs/claims).")]
Markdown = Annotated[Path, typer.Option("--markdown", help="The Markdown file.", metavar="FILE")]


@app.command(epilog=examples("claims", "claims runs/study-ecology --json"))
def claims(
    folders: Folders = None,
    out: Out = None,
    markdown: Markdown = Path("docs/claims.md"),
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Judge claims about such networks by recorded studies.

    It writes an HTML page and docs/claims.md. Nothing is simulated here: a claim whose study is not recorded says
    which command records it.
    """
    from lab.claims import page
    from lab.claims.claim import Claims
    from lab.claims.judgement import judge
    from lab.claims.recorded import recorded_studies
    from lab.files import write_atomically
    from lab.report.publish import publish
    from lab.report.terminal import show

    studies = recorded_studies(folders or [Path("runs")])
    judgements = [judge(claim, studies) for claim in Claims.read().claims]
    publication = page.page(judgements)
    written = publish(publication, out or Path("runs/claims"))
    markdown.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(markdown, page.markdown(judgements))
    if as_json:
        rows = [
            {
                "claim": each.claim.claim,
                "verdict": each.verdict,
                "cases": [
                    {
                        "where": case.where,
                        "verdict": case.verdict,
                        "value": case.figure.value,
                        "low": case.figure.low,
                        "high": case.figure.high,
                        "n": case.figure.n,
                    }
                    for case in each.cases
                ],
                "command": each.claim.command,
            }
            for each in judgements
        ]
        print_json({"claims": rows, "page": str(written), "markdown": str(markdown)})
        return
    show(publication.sections, publication.findings, wide=wide)
    typer.echo(f"page: {written}\nMarkdown: {markdown}")
