"""What can go wrong when a cluster is described or brought up.

SubnetlabError
└── LaunchError    the file can't be read, a key is wrong, the described cluster is unsafe, or a command failed
"""

from subnets import SubnetlabError


class LaunchError(SubnetlabError):
    """The message names the file, the key, what is allowed and the fix; or the failed command and its last output."""
