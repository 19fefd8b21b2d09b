"""Errors of miners and engines.

    SubnetlabError
    ├── EngineError   an engine can't start; the message ends with the command that fixes it
    ├── EngineDied    an engine died with everything in flight; reopen it, no miner is to blame
    ├── ImageError    a query's image can't be read; the one who sent it is to blame
    ├── APIError      a model's server refused, failed or broke off; never contains a key
    └── RemoteError   somebody else's miner failed or broke the protocol
        └── RefusedError   it does not serve this caller

An error that a miner raises while it answers is data: its host turns it into a fault of that one response.
"""

from subnets import SubnetlabError


class EngineError(SubnetlabError):
    """A binary, a language, a package or a device that an engine needs is missing."""


class EngineDied(SubnetlabError):
    """A process of an engine has ended. Close the engine and open it again."""


class ImageError(SubnetlabError, ValueError):
    """An image is missing, broken, of another format or too large; its sender gets the reason."""


class APIError(SubnetlabError):
    """A model's server did not answer properly, and a retry did not help or was not allowed."""


class RemoteError(SubnetlabError):
    """A miner reached over HTTP gave no valid answer; its message is quoted in printable characters."""


class RefusedError(RemoteError):
    """The miner's blacklist refused us."""
