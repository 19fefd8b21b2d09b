"""`subnetlab explore`: runs, studies and chains in a browser."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import Trust, reading
from lab.cli.console.output import echo

PORT = 8377

app = commands()


@app.command(
    short_help="Show runs, studies and chains in a browser.",
    epilog=examples("explore", "explore runs/ocr", "explore .subnetlab/chain.sqlite", "explore --host 0.0.0.0"),
)
def explore(
    place: Annotated[
        str,
        typer.Argument(help="A folder of runs, a run, a study, a chain's file or a database's URL.", metavar="PLACE"),
    ] = "runs",
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback ask for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65535)] = PORT,
    token: Annotated[
        str | None,
        typer.Option(
            help="Token that readers must have (default: a new one, if needed).", envvar="SUBNETLAB_EXPLORER_TOKEN"
        ),
    ] = None,
    trust: Trust = False,
) -> None:
    """Show runs, studies and chains in a browser until Ctrl-C.

    It only reads, and follows runs that are under way.
    """
    from lab.errors import LabError

    try:
        from lab.explorer.serve import listen, serve
    except ImportError as error:
        raise LabError(f"{error.name} is not installed; pip install 'subnetlab[explorer]'") from None
    from lab.explorer.guard import LOOPBACK
    from lab.explorer.shelf import Shelf

    if token is not None and len(token) < 8:
        raise typer.BadParameter("a token has at least 8 characters; leave --token out to get a new one")
    if token is None and host not in LOOPBACK:
        token = secrets.token_urlsafe(24)
    with reading(trust), listen(host, port) as socket:
        shelf = Shelf.of(place)
        address = f"[{host}]" if ":" in host else host
        query = "" if token is None else f"?token={token}"
        echo(f"exploring at http://{address}:{socket.getsockname()[1]}/{query} ; stop with Ctrl-C")
        if host not in LOOPBACK:
            echo("Without TLS, pages and the token can be read on their way; put a proxy with TLS in front.", err=True)
        serve(shelf, socket, place=place, token=token, trust=trust)
