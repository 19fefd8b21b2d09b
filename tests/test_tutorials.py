"""The documentation: its tutorials can be typed in, and its site builds whole."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from lab.cli.main import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted((ROOT / "docs").rglob("*.md"))


def typed(document: Path) -> Iterator[str]:
    """Yield the commands of a document that stand on lines of their own."""
    for line in document.read_text().splitlines():
        if match := re.match(r"(?: {4}|\$ )(subnetlab [^#]*)", line):
            yield from map(str.strip, match[1].split("&&"))


def parse(line: str) -> None:
    """Parse a command as the command line does, and run nothing."""
    command: Any = get_command(app)
    words, name = shlex.split(line)[1:], "subnetlab"
    context = typer.Context(command, info_name=name)
    while getattr(command, "commands", None) is not None:
        command = command.get_command(context, words[0])
        assert command is not None, f"unknown command in: {line}"
        words = words[1:]
        context = typer.Context(command, info_name=name, parent=context)
    command.make_context(name, words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT / "docs")))
def test_every_command_of_a_document_is_one_that_the_command_line_understands(document: Path) -> None:
    for line in typed(document):
        if "..." not in line and "\\" not in line:  # whole commands only
            parse(line)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT / "docs")))
def test_every_config_that_a_document_names_is_there(document: Path) -> None:
    for name in re.findall(r"\bconfigs/[\w/]+\.toml", document.read_text()):
        assert (ROOT / name).is_file() or name.endswith("/NAME.toml"), name


def test_every_tutorial_has_commands() -> None:
    tutorials = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
    assert len(tutorials) == 6 and all(list(typed(tutorial)) for tutorial in tutorials)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("material") is None, reason="needs the extra docs")
def test_the_site_builds_strictly_and_shows_every_key_and_command(tmp_path: Path) -> None:
    site = tmp_path / "site"
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = {path.stem: path.read_text() for path in (site / "reference").glob("*.html")}
    assert "chain.rounds_per_epoch" in pages["config"] and "subnetlab miner serve" in pages["commands"]
    assert "tesseract" in pages["plugins"] and "gold" in pages["python"]
    outside = re.findall(r'(?:src|href)="(https?://[^"]+)"', (site / "index.html").read_text())
    assert not [address for address in outside if address.endswith((".css", ".js")) or "fonts" in address]
