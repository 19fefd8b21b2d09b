"""Folders and modules in the current folder: they never hide our packages, and plug-ins among them still load."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.ray.session import _NoOthers
from subnets.plugin import ROOMS

ROOT = Path(__file__).parents[2]
HOOK = f"""
import sys
from importlib.machinery import PathFinder


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        room, _, child = name.partition(".")
        if room in {ROOMS!r} and "." not in child:
            return PathFinder.find_spec(name, [{str(ROOT)!r} + ("/" + room if child else "")])


sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in str(finder)] + [Finder]
"""
"""What an editable install adds to Python: a hook, after the path, finds our packages and what lies right in them."""
INSTALLED_EDITABLE = f"""
import sys

sys.path = [place for place in sys.path if place and place != {str(ROOT)!r}]
{HOOK}
from lab.cli.main import main

main()
"""
"""What the console script of an editable install does."""
PLUG_IN = '''
from typing import ClassVar

from subnets import Answer
from miners import Miner


class Quiet(Miner):
    """Say nothing."""

    seed: int = 0

    async def forward(self, query):
        return Answer(text="")
'''
CONFIG = """
[subnet]
kind = "text_prompting"
mix = {extractive = 1}
[[miners]]
kind = "oracle"
[[miners]]
name = "quiet"
kind = "KIND"
[[validators]]
[chain]
epochs = 1
rounds_per_epoch = 1
[bare]
every = 0
[pool]
kind = "local"
"""


def as_installed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", INSTALLED_EDITABLE, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
def test_folders_of_the_names_of_our_packages_hide_nothing_and_a_plug_in_beside_them_loads(tmp_path: Path) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "mine.toml").touch()
    (tmp_path / "validators" / "__init__.py").write_text("raise RuntimeError('this is the user\\'s own')")
    (tmp_path / "inference.py").write_text("raise RuntimeError('this too')")
    (tmp_path / "quiet.py").write_text(PLUG_IN)
    (tmp_path / "config.toml").write_text(CONFIG.replace("KIND", "quiet:Quiet"))
    result = as_installed(tmp_path, "run", "config.toml", "--json")
    assert result.returncode == 0, result.stderr
    result = as_installed(tmp_path, "status", "--once")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("place", ["miners/quiet.py", "consensus/__init__.py", "lab.py"])
def test_a_plug_in_in_a_module_named_like_one_of_our_packages_is_refused_by_name(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(PLUG_IN)
    module = place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    (tmp_path / "config.toml").write_text(CONFIG.replace("KIND", f"{module}:Quiet"))
    result = as_installed(tmp_path, "run", "config.toml")
    assert result.returncode == 2 and "Traceback" not in result.stderr, result.stderr
    name = place.partition("/")[0]
    assert f"miners[1].kind: miner '{module}:Quiet'" in result.stderr
    assert f"{name} in the current folder has the name of a package of subnetlab" in result.stderr


@pytest.mark.ray
def test_files_of_the_names_of_our_packages_or_pythons_hide_nothing_from_the_workers_of_ray(tmp_path: Path) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("raise RuntimeError('this is the user\\'s own')")
    for module in ("queue.py", "statistics.py"):
        (tmp_path / module).write_text("raise RuntimeError('nor is this Python's')")
    (tmp_path / "quiet.py").write_text("import queue, statistics\n" + PLUG_IN)
    (tmp_path / "config.toml").write_text(CONFIG.replace("KIND", "quiet:Quiet").replace('"local"', '"ray"'))
    done = as_installed(tmp_path, "run", "config.toml", "--json")
    assert done.returncode == 0, done.stderr


def test_ray_adds_no_folder_to_those_that_a_worker_searches_first() -> None:
    folders = _NoOthers(["/project"])
    folders.extend(["/scripts", "/current"])
    assert folders == ["/project"]


@pytest.mark.slow
def test_a_folder_lab_in_the_current_folder_is_not_taken_for_ours_by_python_m(tmp_path: Path) -> None:
    for folder in ("lab/cli", "lab/config", "lab/run"):
        (tmp_path / "work" / folder).mkdir(parents=True)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HOOK)
    (tmp_path / "work" / "config.toml").write_text(CONFIG.replace("KIND", "empty"))
    done = subprocess.run(
        [sys.executable, "-m", "lab", "run", "config.toml", "--json"],
        cwd=tmp_path / "work",
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_module_run_by_python_is_protected_before_its_first_import(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise RuntimeError('imported')")
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    command = [sys.executable, "-m", "lab", "--help"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
