"""What the machines of a cluster elsewhere are sent: the code of this project, and plug-ins that a config has imported.

    with shipment() as folder:
        ray.init(..., runtime_env={"working_dir": str(folder)})

Whoever may ask the cluster can read it, so what goes is listed here; all else, such as keys in the same folder, stays.
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
SHIPPED = [pattern for room in ROOMS for pattern in (f"{room}/**/*.py", f"{room}/**/templates/*")] + [
    "configs/**/*.toml"
]
"""Of the checkout."""


@contextmanager
def shipment() -> Iterator[Path]:
    """Lay out what is sent, as links."""
    own = {path.relative_to(CHECKOUT): path for pattern in SHIPPED for path in CHECKOUT.glob(pattern)}
    with tempfile.TemporaryDirectory(prefix="subnetlab-") as temporary:
        folder = Path(temporary)
        for name, path in (_plug_ins() | own).items():
            if path.is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).symlink_to(path)
        yield folder


def _plug_ins() -> dict[Path, Path]:
    """Find what was imported from this folder or the checkout, by its place in what is sent.

    Of a package its Python files; of a module all modules beside it, which it may import later.
    """
    folders = {Path.cwd(), CHECKOUT} - {Path(sysconfig.get_path("purelib"))}
    found: dict[Path, Path] = {}
    for module in [module for name, module in [*sys.modules.items()] if "." not in name]:
        for place in map(Path, getattr(module, "__path__", None) or [getattr(module, "__file__", None) or ""]):
            if place.parent in folders:
                files = place.rglob("*.py") if place.is_dir() else place.parent.glob("*.py")
                found |= {file.relative_to(place.parent): file for file in files}
    return found
