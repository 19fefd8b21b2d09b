"""Errors of the rooms that ask, answer and grade.

    SubnetlabError
    ├── PluginError       a plug-in is unknown, can't be imported, or has wrong options
    ├── TomlError         a file or text is not TOML that can be read
    └── MalformedAnswer   a miner's answer breaks the schema or the caps of its subnet

The user sees a `SubnetlabError` as one line. Plug-ins raise plain errors; the host that runs a miner
and the validator that grades it classify them as data.
"""

from inference.errors import SubnetlabError

__all__ = ["MalformedAnswer", "PluginError", "SubnetlabError", "TomlError"]


class PluginError(SubnetlabError, ValueError):
    """A plug-in, such as a subnet, miner or scorer, can't be found, imported or configured."""


class TomlError(SubnetlabError):
    """A file or text is not TOML; the message names it, the fault and the fix."""


class MalformedAnswer(SubnetlabError):
    """An answer that can't be read; the message names the fault without echoing the input."""
