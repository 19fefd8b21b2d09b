"""Where it runs: hosts for miners and engines, juries of validators, in this process, its children or on Ray."""

from .errors import HostDied, PoolError
from .local import LocalPool
from .plan import Group, Plan, plan
from .pool import Played, Pool, Usage
from .ray_pool import RayPool
from .ray_session import RaySession
from .server import Server, free_port

__all__ = [
    "Group",
    "HostDied",
    "LocalPool",
    "Plan",
    "Played",
    "Pool",
    "PoolError",
    "RayPool",
    "RaySession",
    "Server",
    "Usage",
    "free_port",
    "plan",
]
