"""Clusters described by one short TOML file: the files and commands that bring them up, and their cost."""

from .commands import Command, down_commands, ready_token, require_client, status_commands, up_commands
from .errors import LaunchError
from .files import launcher_file, manifests
from .joining import join_help
from .nodes import parse_nodes
from .prices import price_lines
from .spec import ClusterSpec
from .workspace import workspace, workspace_files, write_files

__all__ = [
    "ClusterSpec",
    "Command",
    "LaunchError",
    "down_commands",
    "join_help",
    "launcher_file",
    "manifests",
    "parse_nodes",
    "price_lines",
    "ready_token",
    "require_client",
    "status_commands",
    "up_commands",
    "workspace",
    "workspace_files",
    "write_files",
]
