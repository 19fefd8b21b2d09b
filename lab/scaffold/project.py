"""Write a plug-in that works: its code, a config, a test that runs the contract test, and a README.

write(Project("subnet", "reversal"), Path("reversal"))
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Literal, get_args

from lab.errors import ConfigError
from subnets.plugin import ROOMS

Sort = Literal["subnet", "miner", "scorer", "study"]
SORTS: tuple[Sort, ...] = get_args(Sort)
TEMPLATES = Path(__file__).parent / "templates"
PLURAL = {"subnet": "subnets", "miner": "miners", "scorer": "scorers", "study": "studies"}
WHAT = {
    "subnet": "A subnet for subnetlab: its tasks, how they are graded, and a miner that answers them.",
    "miner": "A miner for subnetlab.",
    "scorer": "A scorer for subnetlab.",
    "study": "A study for subnetlab.",
}
FILES = {
    "code": ("{module}.py", "the code"),
    "config": ("{module}.toml", "a config that runs it"),
    "test": ("test_{module}.py", "tests"),
}
"""Template of a file -> its name, and what it holds."""


@dataclass(frozen=True, slots=True)
class Project:
    """What is to be written."""

    sort: Sort
    name: str
    """Letters, digits, - and _: "word-count"."""
    package: bool = False
    """True for an installable package that announces the plug-in by its name."""

    @property
    def module(self) -> str:
        """Name of the Python module: "word_count"."""
        return self.name.replace("-", "_").lower()

    @property
    def class_name(self) -> str:
        """Name of the class: "WordCount"."""
        return "".join(word.capitalize() for word in self.module.split("_"))

    @property
    def target(self) -> str:
        """The plug-in as a config names it: "word_count:WordCount"."""
        return f"{self.module}:{'STUDY' if self.sort == 'study' else self.class_name}"


def write(project: Project, folder: Path) -> list[Path]:
    """Write the files of a project into a new folder; return their paths.

    Raises:
        ConfigError: the name can't be a module's, or the folder holds something.
    """
    _check_name(project)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists; give another folder with --out, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in _contents(project).items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def _check_name(project: Project) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*", project.name) or keyword.iskeyword(project.module):
        raise ConfigError(
            f"{project.name!r} can't name a Python module; allowed: letters, digits, - and _, beginning with a letter"
        )
    if project.module in ROOMS or find_spec(project.module) is not None:
        raise ConfigError(f"{project.module} is a module that is installed already; choose another name")


def _contents(project: Project) -> dict[str, str]:
    """Return the text of each file by its name."""
    templates = {
        template: FILES[template] for template in FILES if (TEMPLATES / project.sort / f"{template}.txt").is_file()
    }
    files = {template: name.format(module=project.module) for template, (name, _) in templates.items()}
    shown = [(files[template], what) for template, (_, what) in templates.items()]
    if project.package:
        shown.append(("pyproject.toml", f"the package, which announces the {project.sort} as `{project.name}`"))
    run = f"run {project.module}.toml"
    if project.sort == "study":
        run = f"study {project.name if project.package else project.target}"
    words = {
        "name": project.name,
        "module": project.module,
        "Class": project.class_name,
        "target": project.target,
        "kind": project.name if project.package else project.target,
        "plural": PLURAL[project.sort],
        "what": WHAT[project.sort],
        "commands": _aligned(
            [
                (f"subnetlab {run}", "run it"),
                (f"subnetlab check {project.target}", f"does it keep the contract of {PLURAL[project.sort]}?"),
                ("pytest", "its tests, that of the contract among them"),
            ]
        ),
        "files": "\n".join(f"| `{name}` | {what} |" for name, what in shown),
        "next": (
            f"`pip install --editable .` makes it known to subnetlab as `{project.name}`."
            if project.package
            else "Run these commands in this folder: a plug-in of the current folder needs no installation."
        ),
    }
    sources = {name: f"{project.sort}/{template}.txt" for template, name in files.items()} | {"README.md": "readme.txt"}
    if project.package:
        sources["pyproject.toml"] = "pyproject.txt"
    return {
        name: Template((TEMPLATES / source).read_text(encoding="utf-8")).substitute(words)
        for name, source in sources.items()
    }


def _aligned(commands: Sequence[tuple[str, str]]) -> str:
    """Write commands with comments that begin in one column."""
    width = max(len(command) for command, _ in commands)
    return "\n".join(f"    {command:<{width}}   # {comment}" for command, comment in commands)
