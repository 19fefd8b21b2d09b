"""`subnetlab audit-grader`: the card of a reward function of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import AsJson, Wide, out_option

SHORT_ANSWERS = ("extractive", "two_hop", "date", "arithmetic")
"""Kinds of text prompting whose answers are short and known: what most reward functions can grade."""
CALLS = ("each", "together")

app = commands()


@app.command(
    short_help="Try attacks on a reward function of your own.",
    epilog=examples("audit-grader rewards:reward --tasks tasks.jsonl", "audit-grader rewards:score --json"),
)
def audit_grader(
    function: Annotated[
        str,
        typer.Argument(
            help="f(task, answers) -> list of numbers, or reward(query, response) -> number.", metavar="MODULE:FUNCTION"
        ),
    ],
    tasks: Annotated[
        Path | None,
        typer.Option(help="Your own tasks: JSON Lines with prompt (or query), reference and optionally wrong."),
    ] = None,
    subnet: Annotated[str, typer.Option(help="The subnet that makes the tasks if there are none of your own.")] = (
        "text_prompting"
    ),
    count: Annotated[int, typer.Option("--count", help="Number of tasks that the subnet makes.", min=12)] = 24,
    seed: Annotated[int, typer.Option(help="Seed of these tasks.", min=0)] = 0,
    call: Annotated[
        str | None, typer.Option(help="How to call it: each answer alone, or all answers to a task together.")
    ] = None,
    out: Annotated[Path | None, out_option("Folder of the card (default: runs/grader-FUNCTION).")] = None,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Try dozens of attacks on a reward function, and measure its noise, its biases and its cost.

    The function is imported from the current folder and called as it is. Its grader card is printed and written as a
    page, with CSV, JSON and PNG files for each section.
    """
    if call is not None and call not in CALLS:
        raise typer.BadParameter(f"--call is each or together (got {call!r})")
    from lab.cli.console.progress import Bar
    from lab.report.publish import publish
    from lab.report.terminal import show
    from lab.reward_audit.card import card
    from lab.reward_audit.function import RewardFunction
    from lab.reward_audit.measure import measure
    from lab.reward_audit.tasks import make_tasks, read_tasks
    from subnets import SUBNETS

    audited = RewardFunction.find(function, "each" if call == "each" else "together" if call else None)
    mix = {"mix": dict.fromkeys(SHORT_ANSWERS, 1.0)} if subnet == "text_prompting" else {}
    chosen = make_tasks(SUBNETS.load({"kind": subnet, **mix}), count, seed) if tasks is None else read_tasks(tasks)
    with Bar(function, quiet=as_json) as bar:
        publication = card(measure(audited, chosen, bar.advance))
    folder = out or Path("runs") / f"grader-{function.replace(':', '-')}"
    publish(publication, folder)
    if as_json:
        typer.echo((folder / "result.json").read_text(encoding="utf-8"), nl=False)
    else:
        show(publication.sections, publication.findings, wide=wide)
        typer.echo(f"page: {folder / 'index.html'}")
