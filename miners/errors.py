"""What can go wrong in the room that answers.

    SubnetlabError
    ├── EngineError   an engine can't start; the message ends with the command that fixes it
    ├── EngineDied    an engine is gone with all it was doing; open it anew, no miner is to blame
    ├── APIError      a model's server refused, failed or broke off; never holds a key
    └── RemoteError   somebody else's miner failed or broke the protocol
        └── RefusedError   it serves others, and not the one who asked

What a miner raises while it answers is data: its host makes it a fault of that one response.
"""

from subnets import SubnetlabError


class EngineError(SubnetlabError):
    """A binary, a language, a package or a device that an engine needs is missing."""


class EngineDied(SubnetlabError):
    """A process that an engine lives in has ended. Close the engine and open it again."""


class APIError(SubnetlabError):
    """A server of models did not answer as asked, and trying again did not help or was not allowed."""


class RemoteError(SubnetlabError):
    """A miner that is reached over HTTP gave no answer that counts; what it said is quoted in printable characters."""


class RefusedError(RemoteError):
    """Its blacklist turned us away."""
