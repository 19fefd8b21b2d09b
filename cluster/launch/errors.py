"""What can go wrong while a cluster is described or brought up.

SubnetlabError
└── LaunchError    the file can't be read, a key of it is wrong, what it asks for is unsafe, or a command failed
"""

from subnets import SubnetlabError


class LaunchError(SubnetlabError):
    """Names the file and the key, what is allowed and the fix; or the command that failed and its last words."""
