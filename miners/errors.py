"""What can go wrong in the room that answers.

    SubnetlabError
    └── EngineError   an engine can't start; the message ends with the command that fixes it

What a miner raises while it answers is data: its host makes it a fault of that one response.
"""

from subnets import SubnetlabError


class EngineError(SubnetlabError):
    """A binary, a language, a package or a device that an engine needs is missing."""
