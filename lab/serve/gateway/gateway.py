"""A gateway: customers are served beside the rounds of a run, by the same miners.

gateway = Gateway(KeyFile(path), host="127.0.0.1", port=8080)
run(config, folder, guest=gateway)      # until it is stopped
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from lab.config.gateway import GatewayTable
from lab.run.guest import Guest, OpenRun
from lab.serve.tls import server_tls

from .disguise import Disguise
from .keys import KeyFile
from .metrics import Metrics
from .sale import Seller
from .server import GatewayServer

DRAIN_S = 5.0
"""Time for requests under way when the gateway is stopped."""


class Gateway(Guest):
    """Serves customers from before the first round until the run is stopped, also after its last epoch."""

    def __init__(
        self,
        keys: KeyFile,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | None = None,
        certificate_key: Path | None = None,
        opened: Callable[[int], None] = lambda port: None,
    ) -> None:
        """Prepare to listen at an address; `opened` is called with the port once customers are served.

        Raises:
            LabError: the certificate can't be used.
        """
        self._keys, self._host, self._port, self._opened = keys, host, port, opened
        self._tls = None if certificate is None else server_tls(certificate, certificate_key)
        self.dismissed = asyncio.Event()
        """Set it to end the run after its last epoch."""

    @asynccontextmanager
    async def visit(self, run: OpenRun) -> AsyncIterator[None]:
        """Serve customers."""
        table = run.config.gateway or GatewayTable()
        metrics = Metrics()
        disguise = await Disguise.learn(run)
        seller = Seller(run, table, disguise, metrics)
        await seller.open()
        server = GatewayServer(seller, disguise, self._keys, metrics, table.max_text)
        try:
            await server.start(self._host, self._port, table.places, self._tls)
            self._opened(server.port)
            yield
        finally:
            await server.stop_listening()
            await seller.close(DRAIN_S)
            await server.close()

    async def stay(self) -> None:
        """Serve on after the last epoch until the gateway is stopped."""
        await self.dismissed.wait()
