"""What the machines of a cluster elsewhere are sent: the checkout, and plug-ins of the folder that a user is in.

with shipment() as folder:
ray.init(..., runtime_env={"working_dir": str(folder), "excludes": NOT_SHIPPED})
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
NOT_SHIPPED = [".git", ".venv", ".subnetlab", "runs", "*.egg-info", ".*_cache", ".hypothesis", "**/__pycache__"]
"""Of the checkout: wallets stay here."""


@contextmanager
def shipment() -> Iterator[Path]:
    """Lay out what is sent, as links: the checkout, and the modules of this folder if any was imported from it."""
    with tempfile.TemporaryDirectory(prefix="subnetlab-") as temporary:
        folder = Path(temporary)
        own = [path for path in CHECKOUT.iterdir() if not any(fnmatch(path.name, left) for left in NOT_SHIPPED)]
        for name, path in {path.name: path for path in [*_plug_ins(Path.cwd()), *own]}.items():
            (folder / name).symlink_to(path)
        yield folder


def _plug_ins(folder: Path) -> list[Path]:
    """Return the modules of a folder, if reading a config has imported any of them from there."""
    files = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    used = any(file and Path(file).parent == folder for file in files)
    return sorted(folder.glob("*.py")) if used and folder != CHECKOUT else []
