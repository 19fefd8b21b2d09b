"""`subnetlab models`: list models that need no Hub, and prepare one for a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.listing import print_rows, wrapped
from lab.cli.console.options import AsJson, Wide
from lab.cli.console.output import print_json

OTHERS = "A model can also be a path (a folder of safetensors or a GGUF file), package:NAME, or a Hub id OWNER/MODEL."

app = group("List models that need no Hub, or prepare one for a run.")


@app.command("list", epilog=examples("models list"))
def list_models(wide: Wide = False, as_json: AsJson = False) -> None:
    """List the models that need no Hub.

    For each that is missing, the command that gets it is shown.
    """
    from inference.weights import known_models

    known = known_models()
    if as_json:
        print_json([asdict(model) for model in known])
        return
    rows = [
        (model.name, model.sort, model.licence, model.folder if model.ready else f"get it with: {model.get}")
        for model in known
    ]
    print_rows(rows, indent="", wide=wide)
    typer.echo("\n" + (OTHERS if wide else wrapped(OTHERS)))


@app.command(epilog=examples("models prepare smollm2-135m-instruct"))
def prepare(
    name: Annotated[str, typer.Argument(help="A known name, a path, package:NAME or a Hub id.", metavar="MODEL")],
    as_json: AsJson = False,
) -> None:
    """Get a model ready for runs.

    Its weights are downloaded or converted if needed, and checked.
    """
    from inference.weights import describe
    from inference.weights import prepare as prepare_model

    folder = prepare_model(name)
    if as_json:
        print_json({"name": name, "folder": str(folder), **asdict(describe(folder))})
    else:
        typer.echo(f"{name} is ready: {folder}")
