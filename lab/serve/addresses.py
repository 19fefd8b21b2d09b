"""Addresses of servers."""

from __future__ import annotations

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def url_of(host: str, port: int, *, tls: bool) -> str:
    """Return the URL of a server."""
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
