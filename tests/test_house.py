"""The rules of the house: who may import whom, what stays light, and how rooms are laid out and written."""

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "consensus": set(),
    "inference": set(),
    "subnets": {"inference"},
    "miners": {"consensus", "inference", "subnets"},
    "validators": {"inference", "subnets"},
    "cluster": {"inference", "miners", "subnets", "validators"},
    "lab": {"cluster", "consensus", "inference", "miners", "subnets", "validators"},
}
ROOMS = tuple(MAY_IMPORT)
LAB_LAYERS = (
    {"cli"},
    {"claims", "contract", "scaffold"},
    {"explorer", "reward_audit", "serve", "studies"},
    {"report"},
    {"world"},
    {"results", "run", "local_chain"},
    {"record"},
    {"config"},
    {"statistics"},
    {"files"},
    {"errors", "duration"},
)
"""Parts of lab/, from the top: an import only points down, or stays inside its part."""
HEAVY = {
    "cv2",
    "jinja2",
    "matplotlib",
    "numba",
    "onnxruntime",
    "rapidocr",
    "ray",
    "sentence_transformers",
    "starlette",
    "tesserocr",
    "torch",
    "transformers",
    "uvicorn",
    "vllm",
}
WORKLOADS = ("subnets.ocr", "subnets.template", "subnets.text_prompting")
REGISTRIES = {"subnets.registry", "validators.registry", "miners.registry"}
MINERS_OF_A_WORKLOAD = {
    "miners.ocr",
    "miners.template",
    *(f"miners.axon.wires.{name}" for name in ("prompt_synapse", "registry", "synapse")),
}
"""Miners that write answers of one workload: one with boxes, or a synapse, has a form of its own."""
RAY_WORDS = re.compile(r"\b(ray|kubectl|ssh)\b", re.IGNORECASE)
MAY_SAY_RAY = {"cluster/__init__.py"}  # exports RayPool


@cache
def modules() -> dict[str, Path]:
    """Every module of the rooms by its dotted name."""
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(name: str) -> frozenset[str]:
    """Dotted names that a module imports anywhere in it: at its top, in functions and for type checkers alone."""
    path = modules()[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    targets = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                targets.add(f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules() else base)
    return frozenset(targets)


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the first circle of a graph, empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def python_files(*, rooms: tuple[str, ...] = ROOMS) -> Iterator[tuple[str, Path]]:
    for path in modules().values():
        name = path.relative_to(ROOT).as_posix()
        if name.split("/")[0] in rooms:
            yield name, path


# Imports


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    forbidden = set(ROOMS) - MAY_IMPORT[room] - {room}
    assert [
        f"{name} imports {target}"
        for name in modules()
        if name.split(".")[0] == room
        for target in sorted(imports(name))
        if target.split(".")[0] in forbidden
    ] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_modules_of_a_room_import_each_other_in_a_circle(room: str) -> None:
    inside = [name for name in modules() if name.split(".")[0] == room]
    assert cycle({name: set(imports(name)) & set(inside) - {name} for name in inside}) == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_folders_of_a_room_import_each_other_in_a_circle(room: str) -> None:
    inside = [name for name in modules() if name.split(".")[0] == room]
    for package in [name for name in inside if modules()[name].name == "__init__.py"]:
        depth = package.count(".") + 2
        graph: dict[str, set[str]] = {}
        for name in inside:
            if name.startswith(f"{package}."):
                child = ".".join(name.split(".")[:depth])
                targets = {
                    ".".join(target.split(".")[:depth])
                    for target in imports(name)
                    if target in modules() and target.startswith(f"{package}.")
                }
                graph.setdefault(child, set()).update(targets - {child})
        assert cycle(graph) == []


def test_imports_inside_lab_point_down_its_layers() -> None:
    level = {part: place for place, parts in enumerate(LAB_LAYERS) for part in parts}
    pairs = [
        (name, target)
        for name in modules()
        if name.startswith("lab.") and name != "lab.__main__"
        for target in sorted(imports(name))
        if target.startswith("lab.") and target.split(".")[1] != name.split(".")[1]
    ]
    upwards = [
        f"{name} imports {target}" for name, target in pairs if level[target.split(".")[1]] <= level[name.split(".")[1]]
    ]
    assert upwards == []


def test_every_part_of_lab_has_its_layer() -> None:
    parts = {name.split(".")[1] for name in modules() if name.startswith("lab.")} - {"__main__"}
    assert parts == set().union(*LAB_LAYERS)


def test_only_cluster_imports_ray() -> None:
    users = {name for name in modules() if "ray" in {target.split(".")[0] for target in imports(name)}}
    assert {name for name in users if not name.startswith("cluster.ray.")} == set()


def test_only_the_command_line_imports_typer() -> None:
    users = {name for name in modules() if "typer" in {target.split(".")[0] for target in imports(name)}}
    assert {name for name in users if not name.startswith("lab.cli.")} == set()


def test_workloads_are_imported_by_registries_and_their_own_miners_alone() -> None:
    may = REGISTRIES | MINERS_OF_A_WORKLOAD
    strangers = [name for name in modules() if name not in may and not name.startswith(WORKLOADS)]
    assert [
        f"{name} imports {target}; ask the subnet instead"
        for name in strangers
        for target in sorted(imports(name))
        if target.startswith(WORKLOADS)
    ] == []


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_imports_nothing_heavy(room: str) -> None:
    script = f"import sys, {room}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_installed_package_has_the_name_of_a_room(room: str) -> None:
    assert set(packages_distributions().get(room, [])) <= {"subnetlab"}


# Names


@pytest.mark.parametrize("room", ROOMS)
def test_the_names_that_a_room_exports_are_its_public_names(room: str) -> None:
    module = importlib.import_module(room)
    exported = set(getattr(module, "__all__", []))
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, type(sys)) and name != "annotations"
    }
    assert exported == public


@pytest.mark.parametrize("room", ROOMS)
def test_no_class_name_stands_twice_in_a_room(room: str) -> None:
    names = Counter(
        node.name
        for _, path in python_files(rooms=(room,))
        for node in tree(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, times in names.items() if times > 1] == []


def test_a_word_for_ray_or_a_launcher_stands_only_where_it_is_launched() -> None:
    assert [
        f"{name}:{node.lineno}"
        for name, path in python_files()
        if not name.startswith(("cluster/ray/", "cluster/launch/")) and name not in MAY_SAY_RAY
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Name) and RAY_WORDS.search(node.id))
        or (isinstance(node, ast.Attribute) and RAY_WORDS.search(node.attr))
        or (name.startswith("cluster/") and isinstance(node, ast.Constant) and RAY_WORDS.search(str(node.value)))
    ] == []


# Folders and files


def test_a_folder_holds_at_most_fifteen_modules_and_lies_at_most_three_deep() -> None:
    paths = [*modules().values(), *(ROOT / "benchmarks").rglob("*.py")]
    folders = Counter(path.parent for path in paths if path.name != "__init__.py")
    crowded = {folder.relative_to(ROOT).as_posix(): count for folder, count in folders.items() if count > 15}
    assert crowded == {}
    assert [folder for folder in folders if len(folder.relative_to(ROOT).parts) > 4] == []


def test_no_three_modules_of_a_folder_share_a_prefix_and_none_has_a_suffix_for_a_folder() -> None:
    files = [path.relative_to(ROOT) for _, path in python_files() if path.name != "__init__.py"]
    prefixes = Counter((path.parent.as_posix(), path.stem.split("_")[0]) for path in files)
    assert [prefix for prefix, times in prefixes.items() if times > 2] == []
    assert [path for path in files if path.stem.endswith(("_cli", "_page"))] == []


# Code


def test_no_line_is_kept_from_the_formatter() -> None:
    assert [name for name, path in python_files() if "# fmt:" in path.read_text(encoding="utf-8")] == []


def test_a_function_returns_at_most_two_values_together() -> None:
    functions = [
        (f"{name}:{node.lineno} {node.name}", node.returns)
        for name, path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [
        where
        for where, kind in functions
        if isinstance(kind, ast.Subscript)
        and ast.unparse(kind.value) == "tuple"
        and isinstance(kind.slice, ast.Tuple)
        and len(kind.slice.elts) > 2
    ] == []


def test_a_docstring_is_a_sentence() -> None:
    """A fragment such as "Of its entry." makes its reader guess what it is about."""
    assert [
        f"{name}:{node.lineno}: {node.value.value.strip()[:40]}"
        for name, path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if node.value.value.lstrip().startswith(("Of ", "By ", "In "))
    ] == []
