"""Clusters from one short TOML: the files and commands that bring them up, and what they cost."""

from .commands import Command, down_commands, ready_token, require_client, status_commands, up_commands
from .errors import LaunchError
from .files import launcher_file, manifests
from .spec import ClusterSpec

__all__ = [
    "ClusterSpec",
    "Command",
    "LaunchError",
    "down_commands",
    "launcher_file",
    "manifests",
    "ready_token",
    "require_client",
    "status_commands",
    "up_commands",
]
