"""Questions to the head of a Ray cluster, asked by a separate process before Ray is imported here.

Ray reads its settings once, at import; with the wrong ones it takes 100 s just to report that it can't connect.

    probe("127.0.0.1:6379", 'result["nodes"] = len(head.get_all_node_info(timeout=15))').values["nodes"]
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from cluster.errors import PoolError

from .token import require_token, token_refused

CONNECT_S = 10.0
TLS_FILES = ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT")
HANDSHAKE_S = 2.0
"""Time in which a port that uses TLS must answer a handshake."""
PROBE_S = 60.0
SCRIPT = """
import json, sys, time
from ray._private import services
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
result = {}
try:
    result["address"] = services.canonicalize_bootstrap_address(sys.argv[1])
    if result["address"] is not None:
        head = GcsClient(address=result["address"])
        QUESTION
except AuthenticationError:
    result["refused"] = True
except Exception as error:
    result["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(result))
"""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a cluster's head answered."""

    address: str
    """Address of the head, as host:port."""
    token: bool
    """True if the head asked for a token."""
    values: Mapping[str, Any]
    """What the question put into `result`."""


def probe(address: str, question: str) -> ProbeResult:
    """Ask the head of a cluster, at host:port or "auto".

    The question is Python that fills the dictionary `result` with JSON values from `head`, a GcsClient.

    Raises:
        PoolError: nobody answers, or the token is missing or wrong.
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    _check_port(address)
    values = _run(address, question, token=False)
    needs_token = bool(values.get("refused"))
    if needs_token:
        require_token(address)
        values = _run(address, question, token=True)
        if values.get("refused"):
            raise PoolError(token_refused(address))
    if values.get("error"):
        raise PoolError(f"Ray can't be reached at {address}: {values['error']}")
    if values.get("address") is None:
        raise PoolError(f"no Ray cluster runs here ({address}): start one with `ray start --head`, or give host:port")
    return ProbeResult(values["address"], needs_token, values)


def _run(address: str, question: str, *, token: bool) -> Mapping[str, Any]:
    """Ask the cluster, with the token or anonymously."""
    hidden = () if token else ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    # The second makes Ray take 127.0.0.1 literally; otherwise it replaces it by another address of this machine.
    environment |= {"RAY_AUTH_MODE": "token" if token else "disabled", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    script = SCRIPT.replace("QUESTION", indent(question, " " * 8).strip())
    try:
        process = subprocess.run(
            [sys.executable, "-P", "-c", script, address],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PROBE_S,
        )
        values: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise PoolError(f"Ray at {address} did not answer within {PROBE_S:g} s") from None
    except (IndexError, ValueError):
        raise PoolError(f"Ray can't be asked about {address}: {process.stderr.strip()[-300:]}") from None
    return values


def _check_port(address: str) -> None:
    """Check that a port is open and uses TLS if this machine does; Ray takes 40 s to report a closed port."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise PoolError(f"{address!r} is not a Ray cluster address: write host:port, as in 10.0.0.10:6379, or auto")
    own_tls = os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")
    trusted = _own_certificates()[-1] if own_tls else None
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S) as connection:
            cluster_tls = _speaks_tls(connection, trusted)
    except OSError as error:
        raise PoolError(
            f"Ray can't be reached at {address}: {error.strerror or error}; start it there, or leave the address "
            "out to start a private cluster"
        ) from error
    if cluster_tls and not own_tls:
        raise PoolError(
            f"Ray at {address} speaks TLS: set RAY_USE_TLS=1, and RAY_TLS_SERVER_CERT, RAY_TLS_SERVER_KEY and "
            "RAY_TLS_CA_CERT to this machine's files, as they are set on the cluster's"
        )
    if own_tls and not cluster_tls:
        raise PoolError(
            f"Ray at {address} does not use TLS and RAY_USE_TLS is 1 here: unset it, or start that cluster with it"
        )


def _own_certificates() -> list[str]:
    """Return the certificate files that Ray presents and trusts; raises PoolError if one can't be read."""
    files = {name: os.environ.get(name, "") for name in TLS_FILES}
    for name, file in files.items():
        if not os.access(file, os.R_OK):
            raise PoolError(
                f"RAY_USE_TLS is 1 here, and {name} is {file or 'not set'}: set it to a file of this machine"
            )
    return list(files.values())


def _speaks_tls(connection: socket.socket, trusted: str | None) -> bool:
    """Return whether a port completes a TLS handshake.

    Raises:
        PoolError: no certificate in the file `trusted` signed the cluster's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if trusted is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(trusted)
        except OSError:  # ssl's errors are OSErrors
            raise PoolError(f"RAY_TLS_CA_CERT: {trusted} holds no certificate") from None
    connection.settimeout(HANDSHAKE_S)
    try:
        context.wrap_socket(connection).close()
    except ssl.SSLCertVerificationError as error:
        raise PoolError(
            f"the certificate of the cluster is not trusted ({error.verify_message}): RAY_TLS_CA_CERT is {trusted}"
        ) from None
    except OSError:  # no TLS, nothing at all, or cut
        return False
    return True
