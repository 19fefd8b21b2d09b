"""What can go wrong where miners and validators live.

    SubnetlabError
    └── PoolError       a host or validator can't be placed, started or restarted; or a validator failed at its work
        ├── TooLarge    a job left more than is fetched, see cluster/ray/jobs.py
        ├── HostDied    a host ended, or stopped responding, with queries in flight
        └── NoRoom      no machine of the cluster holds a host

A miner's failure is never one of these: it is a fault in its response. A dead host is made anew and what it was
doing is done again; `HostDied` never leaves a pool.
"""

from subnets import SubnetlabError


class PoolError(SubnetlabError):
    """The pool can't do what it was asked; the message has the reason and the fix."""


class HostDied(PoolError):
    """A host is gone. What it was doing may or may not have been done."""


class NoRoom(PoolError):
    """The cluster has not what a host needs, or did not give it in time."""
