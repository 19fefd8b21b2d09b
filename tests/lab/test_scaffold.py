"""`subnetlab new` and `subnetlab check`: what is written works, and what is wrong is named."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.contract import check
from lab.errors import ConfigError
from lab.scaffold import SORTS, Project, write
from miners import Miner
from subnets import Answer, Message, PluginError, Prompt, Query, Response, Score, Scorer, Subnet, Task

ROOT = Path(__file__).parents[2]


class Forgetful(Subnet):
    """A subnet that breaks most rules."""

    name = "forgetful"

    def task(self, seed: int) -> Task:
        prompt = Prompt((Message("user", f"Guess {seed}"),))
        return Task(id=f"{os.urandom(4).hex()}-{seed}", seed=seed, prompt=prompt, reference=str(seed))

    def kind(self, seed: int) -> str:
        return "riddle"

    def gold(self, task: Task) -> Answer:
        return Answer(text="")

    def scorer(self) -> Scorer:
        return Sulky()


class Sulky(Scorer):
    def score(self, task: Task, response: Response) -> Score:
        assert response.answer is not None
        return Score(None) if response.answer.text else Score(0.5)


class Dice(Miner):
    """Says something else each time."""

    async def forward(self, query: Query) -> Answer:
        return Answer(text=os.urandom(4).hex())


class Lost(Miner):
    """Fails."""

    description = "fails"

    async def forward(self, query: Query) -> Answer:
        raise KeyError("nothing here")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projects")
    for sort in SORTS:
        write(Project(sort, f"my-{sort}", package=sort == "scorer"), folder / f"my-{sort}")
    return folder


def python(folder: Path, *arguments: str | Path) -> str:
    paths = [str(ROOT), *(str(path) for path in folder.iterdir())]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "MYPYPATH": str(ROOT)}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_is_written_passes_its_own_tests(projects: Path) -> None:
    assert "9 passed" in python(projects, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "--rootdir", ".")


@pytest.mark.slow
def test_what_is_written_passes_ruff_and_mypy(projects: Path) -> None:
    settings = ROOT / "pyproject.toml"
    tests = ["--per-file-ignores", "test_*.py:D"]
    python(projects, "-m", "ruff", "check", "--no-cache", "--config", settings, *tests, ".")
    python(projects, "-m", "ruff", "format", "--no-cache", "--check", "--config", settings, ".")
    files = sorted(projects.glob("my-*/*.py"))
    python(projects, "-m", "mypy", "--config-file", settings, "--cache-dir", ROOT / ".mypy_cache", *files)


def test_a_package_announces_its_plug_in_by_name(projects: Path) -> None:
    package = tomllib.loads((projects / "my-scorer" / "pyproject.toml").read_text())
    assert package["project"]["entry-points"] == {"subnetlab.scorers": {"my-scorer": "my_scorer:MyScorer"}}
    config = tomllib.loads((projects / "my-scorer" / "my_scorer.toml").read_text())
    assert config["validators"][0]["scorer"]["kind"] == "my-scorer"
    assert not (projects / "my-miner" / "pyproject.toml").exists()


@pytest.mark.slow
def test_an_installed_package_is_found_by_the_name_that_it_announces(projects: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    copy = shutil.copytree(projects / "my-scorer", tmp_path / "my-scorer")  # pip leaves files beside what it builds
    subprocess.run([*pip, "--target", tmp_path / "site", copy], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-m", "lab", "list", "scorers", "my-scorer"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": f"{tmp_path / 'site'}:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stdout.startswith("my-scorer: "), done.stderr


@pytest.mark.parametrize("sort", SORTS)
def test_the_readme_names_every_file_and_commands_that_exist(projects: Path, sort: str) -> None:
    text = (projects / f"my-{sort}" / "README.md").read_text()
    for path in (projects / f"my-{sort}").glob("*.*"):
        assert path.name == "README.md" or f"`{path.name}`" in text
    assert f"subnetlab check my_{sort}:" in text and "$" not in text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("two words", "can't name a Python module"),
        ("7up", "can't name a Python module"),
        ("class", "can't name a Python module"),
        ("../up", "can't name a Python module"),
        ("json", "is a module that is installed already"),
        ("miners", "is a module that is installed already"),
    ],
)
def test_a_name_that_no_module_can_have_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=reason):
        write(Project("miner", name), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="exists; give another folder with --out"):
        write(Project("miner", "talker"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_writes_a_folder_and_names_its_files(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["new", "miner", "talker", "--out", str(tmp_path / "t"), "--json"])
    shown = json.loads(result.stdout)
    assert shown["target"] == "talker:Talker"
    assert all(Path(path).is_file() for path in shown["files"]) and len(shown["files"]) == 4


def has(lines: list[str], *parts: str) -> bool:
    return all(any(part in line for line in lines) for part in parts)


def test_a_check_names_all_that_is_wrong_with_a_subnet_a_line_each() -> None:
    lines = check(f"{__name__}:Forgetful")
    assert has(
        lines,
        "task(5) differs from call to call",
        "kind(5) is 'riddle' and the kind of task(5) ''",
        "the gold answer of task(0) earns 0.5 instead of 1.0",
        "the query contains the task's seed",
        "text_of(gold answer) is empty",
    )
    assert all("\n" not in line for line in lines)


def test_a_check_names_what_is_wrong_with_a_miner() -> None:
    assert has(check(f"{__name__}:Dice"), "description is empty", "another answer each time")
    (line,) = check(f"{__name__}:Lost")
    assert "makes forward raise KeyError: 'nothing here'" in line and "test_scaffold.py:" in line


def test_a_check_names_what_is_wrong_with_a_scorer() -> None:
    assert has(check(f"{__name__}:Sulky"), "has no docstring", "unscored without a reason")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rouge", {}),
        ("jury", {}),
        ("random_k", {}),
        ("top_k", {}),
        ("miners.fakes:Echo", {}),
        ("favourite", {"uids": [1]}),
    ],
)
def test_what_ships_with_subnetlab_keeps_its_contract(name: str, options: dict[str, Any]) -> None:
    assert check(name, options) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tesserac", "unknown plug-in 'tesserac'"),
        ("echo", "'echo' names several plug-ins; give one of miners.fakes:Echo (miner)"),
        ("json:JSONDecoder", "is no plug-in and no study; a plug-in is a subclass of one of Subnet, Miner"),
        ("nowhere:Thing", "nowhere:Thing can't be imported: ModuleNotFoundError"),
        ("json:loads", "json:loads is no study"),
    ],
)
def test_what_has_no_contract_is_refused_in_one_line(name: str, reason: str) -> None:
    with pytest.raises(PluginError) as error:
        check(name)
    assert reason in str(error.value) and "\n" not in str(error.value)


def test_the_command_fails_where_something_is_wrong_and_takes_options() -> None:
    result = CliRunner().invoke(app, ["check", f"{__name__}:Lost"])
    assert result.exit_code == 1 and "1 problem" in result.stdout
    result = CliRunner().invoke(app, ["check", "top_k", "--set", "k=2", "--json"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"target": "top_k", "violations": []})
