"""Serving the explorer: a socket, a server, and a worker beside it."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from lab.errors import LabError

from .app import Explorer
from .shelf import Shelf
from .worker import Worker


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """Open the port to listen on.

    Raises:
        LabError: it is taken, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family)
    except OSError as error:
        raise LabError(
            f"can't listen on {host}, port {port}: {error.strerror or error}; choose another --port"
        ) from None
    with bound:
        yield bound


def serve(
    shelf: Shelf, bound: socket.socket, *, place: str = "", token: str | None = None, trust: bool = False
) -> None:
    """Serve until Ctrl-C; `place` is how the shelf was named."""
    gc.freeze()  # what was imported stays, and looking through it took a quarter of the time to index a large run
    worker = Worker(trust=trust)
    try:
        app = Explorer(shelf, worker, place=place).app(token=token)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, ws="none")
        uvicorn.Server(config).run(sockets=[bound])
    except KeyboardInterrupt:
        pass  # uvicorn raises it again after a clean end
    finally:
        worker.close()
