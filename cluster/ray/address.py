"""A Ray cluster at an address: where it is, and whether it may be joined.

Asked by a process apart, before Ray is imported here: Ray reads its settings once, and without the right ones
it takes 100 s to say no more than that it can't connect.

    place = find("127.0.0.1:6379")   # or "auto"
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

import psutil

from cluster.errors import PoolError

KNOCK_S = 10.0
TLS_FILES = ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT")
GREET_S = 2.0
"""What a port that speaks TLS may take to say so."""
PROBE_S = 60.0
ASK = """
import json, sys, time
from ray._private import services
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
said = {}
try:
    said["address"] = services.canonicalize_bootstrap_address(sys.argv[1])
    if said["address"] is not None:
        head = GcsClient(address=said["address"])
        QUESTION
except AuthenticationError:
    said["refused"] = True
except Exception as error:
    said["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(said))
"""
WHO = """
until = time.monotonic() + 30
while not said.get("hosts") and time.monotonic() < until:
    nodes = head.get_all_node_info(timeout=15).values()
    said["hosts"] = sorted(node.node_manager_address for node in nodes if node.state == 0)
    time.sleep(0.0 if said["hosts"] else 0.5)
"""
"""Asks which machines are in the cluster; a head that has just started has none for some seconds, not even itself."""
OPEN = (
    "it is open to the network without a token, so that anybody who reaches it can run programs on all its machines "
    "(CVE-2023-48022, known as ShadowRay); start it anew with RAY_AUTH_MODE=token and a token made by "
    "`ray get-auth-token --generate`"
)
"""Why a cluster is refused."""


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """A cluster that may be joined."""

    address: str
    """host:port of its head."""
    hosts: tuple[str, ...]
    """Addresses of the machines in it."""
    token: bool
    """Whether it asks for one."""

    @property
    def loopback(self) -> bool:
        """Whether no other machine can reach it."""
        return all(is_loopback(host) for host in self.hosts)


def find(address: str) -> ClusterAddress:
    """Find a cluster by host:port, or by "auto": the one in RAY_ADDRESS, else one that runs on this machine.

    Raises:
        PoolError: nobody answers, it is open to the network, the token is missing or another, or this machine is
            not part of it.
    """
    said, asks = ask(address, WHO)
    place = ClusterAddress(said["address"], tuple(said["hosts"]), asks)
    if not asks and not place.loopback:
        raise PoolError(f"Ray at {address} is refused: {OPEN}")
    if not any(_is_own(host) for host in place.hosts):
        raise PoolError(
            f"this machine is none of the cluster's ({', '.join(place.hosts)}): run it on one of those, or join with "
            f"`ray start --address {place.address}`"
        )
    return place


def ask(address: str, question: str) -> tuple[dict[str, Any], bool]:
    """Ask the head of a cluster, in a process apart; return what was found, and whether it wanted a token.

    The question is Python that fills the dictionary `said`, of JSON, with what it has from `head`, a GcsClient.

    Raises:
        PoolError: nobody answers, or the token is missing or another.
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    _knock(address)
    said = _ask(address, question, token=False)
    asks = bool(said.get("refused"))
    if asks:
        require_token(address)
        said = _ask(address, question, token=True)
        if said.get("refused"):
            raise PoolError(other_token(address))
    if said.get("error"):
        raise PoolError(f"Ray can't be reached at {address}: {said['error']}")
    if said.get("address") is None:
        raise PoolError(f"no Ray cluster runs here ({address}): start one with `ray start --head`, or give host:port")
    return said, asks


def is_loopback(host: str) -> bool:
    """Whether Ray on this host listens to this machine alone: on any other address, it listens on all."""
    return host.strip("[]") in ("127.0.0.1", "::1", "localhost")


def token_path() -> Path:
    """Where Ray keeps the token of this user's clusters."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")


def require_token(address: str) -> str:
    """Return the token to show to the cluster at an address.

    Raises:
        PoolError: there is none here, or it can't be read.
    """
    if token := os.environ.get("RAY_AUTH_TOKEN"):
        return token
    try:
        return token_path().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise PoolError(
            f"Ray at {address} asks for a token and there is none here: copy the head's ~/.ray/auth_token to "
            f"{token_path()}, or set RAY_AUTH_TOKEN_PATH to where it is (after `subnetlab cluster up`, "
            "~/.subnetlab/NAME/token)"
        ) from None
    except OSError as error:
        raise PoolError(f"Ray's token can't be read from {token_path()}: {error.strerror}") from error


def other_token(address: str) -> str:
    """Say that the cluster at an address does not take the token of here."""
    source = "RAY_AUTH_TOKEN" if os.environ.get("RAY_AUTH_TOKEN") else token_path()
    return f"Ray at {address} asks for another token than that of {source}; copy the head's"


def _knock(address: str) -> None:
    """See whether somebody listens at host:port who speaks as we do; Ray itself takes 40 s to say that nobody does."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise PoolError(f"{address!r} is no address of a Ray cluster: write host:port, as in 10.0.0.10:6379, or auto")
    ours = os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")
    trusted = _own_certificates()[-1] if ours else None
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S) as connection:
            theirs = _speaks_tls(connection, trusted)
    except OSError as error:
        raise PoolError(
            f"Ray can't be reached at {address}: {error.strerror or error}; start it there, or leave the address "
            "out for a cluster of your own"
        ) from error
    if theirs and not ours:
        raise PoolError(
            f"Ray at {address} speaks TLS: set RAY_USE_TLS=1, and RAY_TLS_SERVER_CERT, RAY_TLS_SERVER_KEY and "
            "RAY_TLS_CA_CERT to this machine's files, as they are set on the cluster's"
        )
    if ours and not theirs:
        raise PoolError(
            f"Ray at {address} speaks no TLS and RAY_USE_TLS is 1 here: unset it, or start that Ray with it"
        )


def _own_certificates() -> list[str]:
    """Return the files that Ray is to show and to trust; raises PoolError where one can't be read."""
    files = {name: os.environ.get(name, "") for name in TLS_FILES}
    for name, file in files.items():
        if not os.access(file, os.R_OK):
            raise PoolError(
                f"RAY_USE_TLS is 1 here, and {name} is {file or 'not set'}: set it to a file of this machine"
            )
    return list(files.values())


def _speaks_tls(connection: socket.socket, trusted: str | None) -> bool:
    """Greet a port by TLS.

    Raises:
        PoolError: its certificate is signed by none of those in the file that is `trusted`.
    """
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.verify_mode = ssl.CERT_NONE
    if trusted is not None:
        asking.verify_mode = ssl.CERT_REQUIRED
        try:
            asking.load_verify_locations(trusted)
        except OSError:  # those of ssl are OSErrors
            raise PoolError(f"RAY_TLS_CA_CERT: {trusted} holds no certificate") from None
    connection.settimeout(GREET_S)
    try:
        asking.wrap_socket(connection).close()
    except ssl.SSLCertVerificationError as error:
        raise PoolError(
            f"the certificate that is shown there is not trusted ({error.verify_message}): RAY_TLS_CA_CERT is {trusted}"
        ) from None
    except OSError:  # no TLS, nothing at all, or cut
        return False
    return True


def _ask(address: str, question: str, *, token: bool) -> dict[str, Any]:
    """Ask the cluster with the token or as anybody would."""
    left_out = () if token else ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    # The last one has Ray take 127.0.0.1 for what it says, and not for an address of this machine.
    environment |= {"RAY_AUTH_MODE": "token" if token else "disabled", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    script = ASK.replace("QUESTION", indent(question, " " * 8).strip())
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, address], env=environment, capture_output=True, text=True, timeout=PROBE_S
        )
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise PoolError(f"Ray at {address} did not answer within {PROBE_S:g} s") from None
    except (IndexError, ValueError):
        raise PoolError(f"Ray can't be asked about {address}: {done.stderr.strip()[-300:]}") from None
    return said


def _is_own(host: str) -> bool:
    own = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    with suppress(OSError):  # a machine may be known by its name
        host = socket.gethostbyname(host)
    return host in own or host.startswith("127.")
