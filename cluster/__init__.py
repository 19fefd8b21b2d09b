"""Where it runs: hosts for miners and engines, juries of validators, in this process, its children or on Ray."""

from cluster.local.pool import LocalPool
from cluster.ray.pool import RayPool
from cluster.ray.session import RaySession
from cluster.servers.server import Server, free_port

from .errors import HostDied, PoolError
from .plan import Group, Plan, plan
from .pool import Pool, RoundResult, Usage

__all__ = [
    "Group",
    "HostDied",
    "LocalPool",
    "Plan",
    "RoundResult",
    "Pool",
    "PoolError",
    "RayPool",
    "RaySession",
    "Server",
    "Usage",
    "free_port",
    "plan",
]
