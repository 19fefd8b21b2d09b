"""The folder on this machine with the files that a cluster's commands use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .errors import LaunchError
from .files import launcher_file, manifests
from .spec import ClusterSpec


def workspace(spec: ClusterSpec) -> Path:
    """Return the folder of a cluster's files."""
    return Path(".subnetlab/clusters") / spec.name


def workspace_files(spec: ClusterSpec, source: str) -> dict[str, str]:
    """Return the text of each file that a cluster's commands use, by name; each text mentions `source`."""
    if spec.provider == "kubernetes":
        return manifests(spec, source)
    return {"ray_up.yaml": launcher_file(spec, source)} if spec.uses_ray_launcher else {}


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Write files into a folder, creating it if it is missing.

    Raises:
        LaunchError: a file can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"{folder}: {error.strerror or error}") from None
