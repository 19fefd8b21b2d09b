"""`subnetlab gateway`: sell answers of a subnet's miners while it runs."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.config_command import overrides
from lab.cli.console.options import (
    Address,
    AsJson,
    Clean,
    ConfigArgument,
    Resume,
    RunCommand,
    Sets,
    out_option,
    run_mode,
)
from lab.cli.console.output import STOPPED

if TYPE_CHECKING:
    from lab.config.run_config import RunConfig

KEYS = Path(".subnetlab/api-keys.json")
FIRST_KEY = "default"

app = commands()


@app.command(
    cls=RunCommand,
    short_help="Run a subnet and sell its answers like an OpenAI server.",
    epilog=examples(
        "gateway configs/ocr.toml",
        "gateway configs/ocr.toml --gateway.miner cheapest --port 8080",
        "gateway configs/ocr.toml --resume",
    ),
)
def gateway(
    context: typer.Context,
    config: ConfigArgument,
    out: Annotated[Path | None, out_option("Folder of the run (default: the next free runs/NAME).")] = None,
    resume: Resume = False,
    clean: Clean = False,
    keys: Annotated[Path, typer.Option("--keys", help="The file of API keys; see `subnetlab api-key`.")] = KEYS,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65535)] = 8080,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM), to serve https.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate (PEM).")] = None,
    address: Address = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Run a subnet and sell its miners' answers over an OpenAI-compatible interface, until Ctrl-C.

    Validators go on with their rounds meanwhile. After the last epoch customers are still served.
    """
    from lab.config.run_config import RunConfig
    from lab.record.run_folder import next_folder
    from lab.run.session import run as run_subnet
    from lab.serve.addresses import LOOPBACK, url_of
    from lab.serve.gateway.gateway import Gateway
    from lab.serve.gateway.keys import KeyFile

    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key go together; give both or neither")
    mode = run_mode(resume, clean)
    settings = _with_customers(RunConfig.read(config, overrides(sets or [], context.args, address)))
    folder = out or next_folder(config.stem, mode)
    key_file = KeyFile(keys)
    secret = "" if any(not key.revoked for key in key_file.read()) else key_file.create(FIRST_KEY)

    def announce(actual: int) -> None:
        url = f"{url_of(host, actual, tls=tls_cert is not None)}/v1"
        if as_json:
            new = {"new_key": secret} if secret else {}
            typer.echo(json.dumps({"url": url, "run": str(folder), "model": settings.subnet.name} | new))
            return
        typer.echo(f"serving {settings.subnet.name} at {url}, recorded in {folder}; stop with Ctrl-C")
        if secret:
            typer.echo(f"API key {FIRST_KEY!r}, shown only this once: {secret}")
        if tls_cert is None and host not in LOOPBACK:
            words = "Without TLS, keys, queries and answers can be read on their way; use --tls-cert and --tls-key."
            typer.echo(words, err=True)

    guest = Gateway(key_file, host=host, port=port, certificate=tls_cert, certificate_key=tls_key, opened=announce)
    # A shell that starts it in the background has it ignore SIGINT; asyncio ends a run by the default handler alone.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        run_subnet(settings, folder, mode=mode, guest=guest)
    except KeyboardInterrupt:
        typer.echo(f"Stopped. Nothing was lost; continue {folder} with --resume.", err=True)
        raise typer.Exit(STOPPED) from None


def _with_customers(settings: RunConfig) -> RunConfig:
    """Return a config that serves customers, without a baseline, whose meters would measure their queries too."""
    from lab.config.gateway import GatewayTable

    return settings.model_copy(
        update={
            "gateway": settings.gateway or GatewayTable(),
            "bare": settings.bare.model_copy(update={"every": 0}),
        }
    )
