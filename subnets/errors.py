"""What can go wrong in the rooms that ask, answer and grade.

    SubnetlabError
    ├── PluginError       a plug-in is unknown, does not import, or its options are wrong
    └── MalformedAnswer   a miner's answer breaks the schema or the caps of its subnet

A `SubnetlabError` is shown to its user as one line. Plug-ins raise plain errors; the host that runs
a miner and the validator that grades classify them as data.
"""

from inference.errors import SubnetlabError

__all__ = ["MalformedAnswer", "PluginError", "SubnetlabError"]


class PluginError(SubnetlabError, ValueError):
    """A subnet, miner, engine, scorer or sampler can't be found, imported or configured."""


class MalformedAnswer(SubnetlabError):
    """An answer that is no answer: the message names the fault, without echoing the input."""
