"""`subnetlab miner serve`: answer other people's validators over HTTP."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lab.cli.chain.session import chain_session
from lab.cli.console.command import examples, group
from lab.cli.console.options import AsJson, ChainPath, Hotkey, Netuid, Wallets, takes
from lab.local_chain.defaults import CHAIN, WALLETS

if TYPE_CHECKING:
    from lab.serve.miner import Serving

app = group("Serve a miner to validators elsewhere.")


@app.callback()
def _group() -> None:
    """Keep `serve` a subcommand, although it is the only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Arguments and options of `subnetlab miner serve`."""

    spec: Annotated[
        str,
        typer.Argument(
            help="A kind, an inline table, or a TOML file with a miner's table or a run's config.", metavar="MINER"
        ),
    ]
    wallet: Annotated[str, typer.Option(help="The wallet whose hotkey signs answers.")]
    hotkey: Hotkey = "default"
    wallets: Wallets = WALLETS
    miner: Annotated[str | None, typer.Option(help="Name of the miner in a config that has several.")] = None
    metagraph: Annotated[
        Path | None, typer.Option(help="A metagraph file with the registered hotkeys, instead of a chain.")
    ] = None
    chain: ChainPath = CHAIN
    netuid: Netuid = 1
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65535)] = 8091
    slots: Annotated[
        int | None,
        typer.Option("--slots", "--places", help="Maximum concurrent queries (default: the engine's limit).", min=1),
    ] = None
    waiting: Annotated[int, typer.Option(help="Maximum requests in the queue.", min=0)] = 64
    rate: Annotated[float, typer.Option(help="Maximum requests per second of one caller.", min=0.01)] = 10.0
    timeout_s: Annotated[float, typer.Option("--timeout-s", help="Maximum seconds for a query.", min=0.1)] = 60.0
    refresh_s: Annotated[
        float, typer.Option("--refresh-s", help="Seconds between two reads of the registered hotkeys.", min=1)
    ] = 60.0
    protocol: Annotated[
        Literal["subnetlab", "btauth", "synapse"],
        typer.Option(
            help="What callers speak: subnetlab, btauth (btauth/1) or synapse (axon and dendrite).",
            metavar="PROTOCOL",
        ),
    ] = "subnetlab"
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM), to serve https.")] = None
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate (PEM).")] = None
    as_json: AsJson = False

    def url(self, port: int) -> str:
        """Return the URL under which the miner is reached at a port."""
        from lab.serve.addresses import url_of

        return url_of(self.host, port, tls=self.tls_cert is not None)


@app.command(epilog=examples("miner serve tesseract --wallet miner --netuid 1"))
@takes(ServeOptions)
def serve(options: ServeOptions) -> None:
    """Serve a miner to registered callers until Ctrl-C.

    docs/remote.md describes the protocols.
    """
    if (options.tls_cert is None) != (options.tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key go together; give both or neither")
    asyncio.run(_serve(_serving(options), options))


def _serving(options: ServeOptions) -> Serving:
    from lab.serve.miner import ChainFile, Serving, Snapshot, read_spec
    from miners.axon import Limits

    miner = read_spec(options.spec, options.miner)
    registry = ChainFile(options.chain, options.netuid) if options.metagraph is None else Snapshot(options.metagraph)
    limits = Limits(
        waiting=options.waiting,
        rate=options.rate,
        burst=max(1, round(5 * options.rate)),
        timeout_s=options.timeout_s,
    )
    with chain_session(
        options.chain, options.wallets, options.wallet, options.hotkey, netuid=options.netuid
    ) as session:
        return Serving(
            miner,
            session.keys.hotkey_pair(),
            registry,
            limits=limits,
            slots=options.slots,
            refresh_s=options.refresh_s,
            protocol=options.protocol,
        )


async def _serve(serving: Serving, options: ServeOptions) -> None:
    from lab.results.words import counted
    from lab.serve.addresses import LOOPBACK

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving:
        await serving.listen(options.host, options.port, options.tls_cert, options.tls_key)
        axon, url = serving.axon, options.url(serving.axon.port)
        if options.as_json:
            typer.echo(json.dumps({"url": url, "hotkey": axon.hotkey, "places": serving.slots}))
        else:
            typer.echo(
                f"serving at {url} as {axon.hotkey}, {counted(serving.slots, 'query')} at once; stop with Ctrl-C"
            )
            if options.tls_cert is None and options.host not in LOOPBACK:
                typer.echo(
                    "Without TLS, queries and answers can be read on their way; use --tls-cert and --tls-key.", err=True
                )
        await stop.wait()
        refused = {code.value: count for code, count in sorted(axon.refused.items())}
    if options.as_json:
        typer.echo(json.dumps({"answered": axon.answered, "refused": refused}))
    else:
        counts = ", ".join(f"{count} {code}" for code, count in refused.items())
        typer.echo(f"{axon.answered} answered; refused: {counts or 'none'}")
