"""The command of those who mine for others: serve a miner over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.errors import ConfigError

from .options import CHAIN, WALLETS, AsJson, ChainPath, Hotkey, Netuid, Wallets, group, place_of

if TYPE_CHECKING:
    from lab.serve.miner import Serving

miner_app = group("Serve a miner to validators elsewhere.")


def mount(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(miner_app, name="miner")
    miner_app.command("serve", epilog="Example:  subnetlab miner serve tesseract --wallet miner --netuid 1")(serve)
    miner_app.callback()(_group)


def _group() -> None:
    """Keep `serve` a command of its own, although it is the only one."""


def serve(
    spec: Annotated[
        str, typer.Argument(help="A kind, a TOML file with a miner's table or a config, or an inline table.")
    ],
    wallet: Annotated[str, typer.Option(help="The wallet whose hotkey signs answers.")],
    hotkey: Hotkey = "default",
    wallets: Wallets = WALLETS,
    name: Annotated[str | None, typer.Option("--miner", help="Which miner of a config.")] = None,
    metagraph: Annotated[
        Path | None, typer.Option(help="A metagraph file that says who is registered, instead of a chain.")
    ] = None,
    chain: ChainPath = CHAIN,
    netuid: Netuid = 1,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8091,
    places: Annotated[
        int | None, typer.Option(help="Queries at once; by default what the engine serves.", min=1)
    ] = None,
    waiting: Annotated[int, typer.Option(help="Requests that may wait.", min=0)] = 64,
    rate: Annotated[float, typer.Option(help="Requests a second of one caller.", min=0.01)] = 10.0,
    timeout_s: Annotated[float, typer.Option("--timeout-s", help="Most time for a query.", min=0.1)] = 60.0,
    refresh_s: Annotated[float, typer.Option("--refresh-s", help="How often to look who is registered.", min=1)] = 60.0,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM), to serve https.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    as_json: AsJson = False,
) -> None:
    """Serve a miner to callers that are registered, by the protocol of docs/remote.md; Ctrl-C ends it."""
    import asyncio

    from lab.serve.miner import ChainFile, Serving, Snapshot, read_spec
    from miners.axon import Limits

    if (tls_cert is None) != (tls_key is None):
        raise ConfigError("--tls-cert and --tls-key go together; give both or neither")
    miner = read_spec(spec, name)
    place = place_of(chain, wallets, wallet, hotkey, netuid)
    registry = ChainFile(chain, netuid) if metagraph is None else Snapshot(metagraph)
    with place.advice():
        serving = Serving(
            miner,
            place.hotkey_pair(),
            registry,
            limits=Limits(waiting=waiting, rate=rate, burst=max(1, round(5 * rate)), timeout_s=timeout_s),
            places=places,
            refresh_s=refresh_s,
        )
    asyncio.run(_serve(serving, host, port, tls_cert, tls_key, as_json))


async def _serve(
    serving: Serving, host: str, port: int, tls_cert: Path | None, tls_key: Path | None, as_json: bool
) -> None:
    import asyncio
    import signal

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving:
        await serving.listen(host, port, tls_cert, tls_key)
        axon = serving.axon
        url = f"{'https' if tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{axon.port}"
        if as_json:
            typer.echo(json.dumps({"url": url, "hotkey": axon.hotkey, "places": serving.places}))
        else:
            typer.echo(f"serving at {url} as {axon.hotkey}, {serving.places} at once; Ctrl-C ends it")
            if tls_cert is None and host not in ("127.0.0.1", "::1", "localhost"):
                typer.echo(
                    "without TLS anyone on the way can read queries and answers: --tls-cert, --tls-key", err=True
                )
        await stop.wait()
        refused = {code.value: count for code, count in sorted(axon.refused.items())}
    if as_json:
        typer.echo(json.dumps({"answered": axon.answered, "refused": refused}))
    else:
        counted = ", ".join(f"{count} {code}" for code, count in refused.items())
        typer.echo(f"{axon.answered} answered; refused: {counted or 'none'}")
