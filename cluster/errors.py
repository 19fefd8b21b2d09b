"""What can go wrong where miners and validators run.

    SubnetlabError
    └── PoolError       a host or validator can't be placed, started or restarted, or a validator failed
        ├── TooLarge    a job left a file that is larger than what is fetched
        ├── HostDied    a host ended, or stopped responding, with queries in flight
        └── NoRoom      no machine of the cluster has room for a host

A miner's failure is none of these: it is a fault in its response. A dead host is restarted and its queries are
retried, so `HostDied` never leaves a pool.
"""

from subnets import SubnetlabError


class PoolError(SubnetlabError):
    """The pool can't do its work; the message gives the reason and the fix."""


class HostDied(PoolError):
    """A host is gone. Its unfinished work may or may not have been done."""


class NoRoom(PoolError):
    """The cluster does not have what a host needs, or did not provide it in time."""
