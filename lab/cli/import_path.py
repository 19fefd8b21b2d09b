"""Where modules are found: this project first, and the current folder only where a config of the user's own is read.

A folder `miners` in the current folder must not hide our package of that name, and a module next to somebody else's
record must not be imported because a library looks for one of its name.
"""

from __future__ import annotations

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""Folder that holds this project's packages."""


def protect() -> None:
    """Take the current folder off the path, and put this project on it."""
    if (current := _current()) is not None and current != ROOT:
        sys.path[:] = [place for place in sys.path if os.path.realpath(place) != os.path.realpath(current)]
    if ROOT not in sys.path:  # an editable install is found by an import hook, which comes after the path
        sys.path.append(ROOT)


def allow_current_folder() -> None:
    """Find plug-ins in the current folder, after everything else."""
    if (current := _current()) is not None and current not in sys.path:
        sys.path.append(current)


def _current() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was removed
        return None
