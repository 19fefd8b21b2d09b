"""TLS of what is served to others."""

from __future__ import annotations

import ssl
from pathlib import Path

from lab.errors import LabError


def server_tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return the context of a server with a certificate chain and its key.

    Raises:
        LabError: a file can't be used.
    """
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        tls.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        files = f"certificate {certificate}" + (f" with key {key}" if key else "")
        raise LabError(f"{files} can't be used: {error.strerror or error}; give both as PEM files") from None
    return tls
