"""The code that is sent to the machines of a remote cluster: this project, and plug-ins that a config has imported.

    with code_folder() as folder:
        ray.init(..., runtime_env={"working_dir": str(folder)})

Anybody with access to the cluster can read it, so only the files listed here are sent; all others, such as keys in the
same folder, stay.
"""

from __future__ import annotations

import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
ROOMS = ("lab", "cluster", "validators", "miners", "subnets", "inference", "consensus")
"""The packages of this project."""
SENT = [f"{room}/**/{name}" for room in ROOMS for name in ("*.py", "*.toml", "templates/*")] + ["configs/**/*.toml"]
"""Patterns of the checkout's files to send."""


@contextmanager
def code_folder() -> Iterator[Path]:
    """Make a temporary folder with links to everything that is sent."""
    own = {path.relative_to(CHECKOUT): path for pattern in SENT for path in CHECKOUT.glob(pattern)}
    with tempfile.TemporaryDirectory(prefix="subnetlab-") as temporary:
        folder = Path(temporary)
        for name, path in (_plug_ins() | own).items():
            if path.is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).symlink_to(path)
        yield folder


def _plug_ins() -> dict[Path, Path]:
    """Return the files imported from the working folder or the checkout, by their path in the folder that is sent.

    For a package these are its Python files; for a module, all modules next to it, which it may import later, except
    those named like one of Python's: machines of a cluster would find them first.
    """
    folders = {Path.cwd(), CHECKOUT} - {Path(sysconfig.get_path("purelib"))}
    plug_ins: dict[Path, Path] = {}
    for module in [module for name, module in [*sys.modules.items()] if "." not in name]:
        for path in map(Path, getattr(module, "__path__", None) or [getattr(module, "__file__", None) or ""]):
            if path.parent in folders:
                beside = (file for file in path.parent.glob("*.py") if file.stem not in sys.stdlib_module_names)
                files = path.rglob("*.py") if path.is_dir() else beside
                plug_ins |= {file.relative_to(path.parent): file for file in files}
    return plug_ins
