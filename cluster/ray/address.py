"""A Ray cluster at an address: which machines are in it, and whether it may be joined.

cluster = find("127.0.0.1:6379")   # or "auto"
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass

import psutil

from cluster.errors import PoolError

from .probe import probe

MACHINES = """
until = time.monotonic() + 30
while not result.get("hosts") and time.monotonic() < until:
    nodes = head.get_all_node_info(timeout=15).values()
    result["hosts"] = sorted(node.node_manager_address for node in nodes if node.state == 0)
    time.sleep(0.0 if result["hosts"] else 0.5)
"""
"""Asks for the machines of the cluster; for some seconds after its start, a head lists none, not even itself."""
OPEN = (
    "it is open to the network without a token, so that anybody who reaches it can run programs on all its machines "
    "(CVE-2023-48022, known as ShadowRay); restart it with RAY_AUTH_MODE=token and a token made by "
    "`ray get-auth-token --generate`"
)
"""Why a cluster is refused."""


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """A cluster that may be joined."""

    address: str
    """Address of its head, as host:port."""
    hosts: tuple[str, ...]
    """Addresses of its machines."""
    token: bool
    """True if it asks for a token."""

    @property
    def loopback(self) -> bool:
        """True if no other machine can reach it."""
        return all(is_loopback(host) for host in self.hosts)


def find(address: str) -> ClusterAddress:
    """Find a cluster by host:port, or by "auto": the one in RAY_ADDRESS, else one that runs on this machine.

    Raises:
        PoolError: nobody answers, it is open to the network, the token is missing or wrong, or this machine is not
            part of it.
    """
    result = probe(address, MACHINES)
    cluster = ClusterAddress(result.address, tuple(result.values["hosts"]), result.token)
    if not cluster.token and not cluster.loopback:
        raise PoolError(f"Ray at {address} is refused: {OPEN}")
    if not any(_is_own(host) for host in cluster.hosts):
        raise PoolError(
            f"this machine is not part of the cluster ({', '.join(cluster.hosts)}): run it on one of its machines, or "
            f"join with `ray start --address {cluster.address}`"
        )
    return cluster


def is_loopback(host: str) -> bool:
    """Return whether Ray on this host listens to this machine alone; on any other address, it listens on all."""
    return host.strip("[]") in ("127.0.0.1", "::1", "localhost")


def _is_own(host: str) -> bool:
    own = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    with suppress(OSError):  # a machine may be known by its name
        host = socket.gethostbyname(host)
    return host in own or host.startswith("127.")
