"""The rules of the house: who may import whom, what stays light, and that no stranger has a room's name."""

import ast
import importlib
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("lab", "cluster", "validators", "miners", "subnets", "inference", "consensus")
MAY_IMPORT = {
    "consensus": set(),
    "inference": set(),
    "subnets": {"inference"},
    "miners": {"consensus", "inference", "subnets"},
    "validators": {"inference", "subnets"},
    "cluster": {"inference", "miners", "subnets", "validators"},
    "lab": {"cluster", "consensus", "inference", "miners", "subnets", "validators"},
}
HEAVY = {
    "cv2",
    "jinja2",
    "matplotlib",
    "numba",
    "ray",
    "sentence_transformers",
    "tesserocr",
    "torch",
    "transformers",
    "vllm",
}


def imports(path: Path) -> set[str]:
    """Top-level names that a file imports anywhere in it, relative imports left out."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        above = imports(path) & set(ROOMS) - MAY_IMPORT[room] - {room}
        assert not above, f"{path.relative_to(ROOT)} imports {above}"


def test_only_cluster_imports_ray() -> None:
    outside = [path for room in ROOMS if room != "cluster" for path in (ROOT / room).rglob("*.py")]
    assert [str(path) for path in outside if "ray" in imports(path)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_imports_nothing_heavy(room: str) -> None:
    script = f"import sys, {room}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_installed_package_has_the_name_of_a_room(room: str) -> None:
    assert set(packages_distributions().get(room, [])) <= {"subnetlab"}


@pytest.mark.parametrize("room", ROOMS)
def test_everything_that_a_room_exports_is_there(room: str) -> None:
    module = importlib.import_module(room)
    assert sorted(getattr(module, "__all__", [])) == sorted(set(getattr(module, "__all__", [])))
    for name in getattr(module, "__all__", []):
        assert hasattr(module, name), f"{room}.{name}"
