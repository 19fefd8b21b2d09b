"""Where miners and validators run: on this machine or on a Ray cluster."""

from cluster.local.pool import LocalPool
from cluster.ray.pool import RayPool
from cluster.ray.session import RaySession
from cluster.servers.server import Server, free_port

from .answered_round import AnsweredRound
from .errors import HostDied, PoolError
from .plan import Group, Plan, plan
from .pool import Pool, RoundResult, Usage

__all__ = [
    "AnsweredRound",
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
