"""Hook of MkDocs that makes the reference from the code, and the site whole.

It adds the pages of every command, key and plug-in, the README and its companions, and the files outside of docs/ that
pages link to.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PROJECT_PAGES = {"readme.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from code, and copies of files outside of docs/ that pages link to."""
    pages = {
        "reference/commands.md": commands_page(),
        "reference/config.md": config_page(),
        "reference/plugins.md": plugins_page(),
        "reference/python.md": python_page(),
        **{name: (ROOT / source).read_text() for name, source in PROJECT_PAGES.items()},
    }
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    written = [(ROOT / "docs" / file.src_uri) for file in files.documentation_pages() if file.src_uri not in pages]
    linked = {path for source in written for path in _linked(source)}
    linked |= {path for source in PROJECT_PAGES.values() for path in _linked(ROOT / source)}
    for path in sorted(linked):
        copy = File.generated(config, f"files/{path.relative_to(ROOT)}", abs_src_path=str(path))
        copy.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(copy)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files of the repository to their pages or copies."""
    source = ROOT / PROJECT_PAGES.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    here = posixpath.dirname(page.file.src_uri)

    def target(match: re.Match[str]) -> str:
        return posixpath.relpath(_site_path((source.parent / match[1]).resolve(), match[1]), here or ".")

    return LINK.sub(target, markdown) if source.exists() else markdown


def _site_path(path: Path, written: str) -> str:
    """Return where the site has a file of the repository."""
    if not path.is_relative_to(ROOT):
        return written
    name = str(path.relative_to(ROOT))
    for page, source in PROJECT_PAGES.items():
        if name == source:
            return page
    if name.startswith("docs/"):
        return name.removeprefix("docs/")
    return f"files/{name}" if path.is_file() else f"files/{_listing(path).relative_to(ROOT)}"


def _listing(folder: Path) -> Path:
    """Return the file that stands for a folder: its only or its first one."""
    return next(path for path in sorted(folder.iterdir()) if path.is_file())


def _linked(source: Path) -> Iterator[Path]:
    """Yield the files outside of docs/ that a document links to, without the project's own pages."""
    for written in LINK.findall(source.read_text()):
        path = (source.parent / written).resolve()
        if not path.exists() or not path.is_relative_to(ROOT) or path.is_relative_to(ROOT / "docs"):
            continue
        path = _listing(path) if path.is_dir() else path
        if str(path.relative_to(ROOT)) not in PROJECT_PAGES.values():
            yield path


def commands_page() -> str:
    """Return the help of every command."""
    import typer
    from typer.main import get_command
    from typer.testing import CliRunner

    from lab.cli.main import app

    root: Any = get_command(app)
    left: list[tuple[str, Any]] = [("", root)]
    shown: dict[str, str] = {}
    while left:
        name, command = left.pop(0)
        if command.hidden:
            continue
        result = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80", "NO_COLOR": "1"})
        shown[name] = result.stdout
        context = typer.Context(command)
        children = getattr(command, "commands", {})
        left += [(f"{name} {child}".strip(), command.get_command(context, child)) for child in children]
    parts = ["# Commands\n\nThe help of every command, as `--help` prints it."]
    parts += [f"## subnetlab {name}\n\n```text\n{text}```" for name, text in sorted(shown.items())]
    return "\n\n".join(parts) + "\n"


def config_page() -> str:
    """Return all keys of the configs of runs and studies."""
    from lab.config.keys import key_groups
    from lab.config.run_config import RunConfig
    from lab.studies.grading.config import GradingConfig
    from lab.studies.miners.config import MinersConfig
    from lab.studies.overhead.config import OverheadConfig

    configs = {
        "A run": RunConfig,
        "Study `overhead`": OverheadConfig,
        "Study `grading`": GradingConfig,
        "Study `miners`": MinersConfig,
    }
    parts = ["# Keys of a config\n\nA 0 in a name is a place in a list. Every key is also a flag of its command."]
    for title, model in configs.items():
        parts.append(f"## {title}")
        for group in key_groups(model):
            parts.append(f"### {_text(group.title)}\n\n{_table(group.keys)}")
    return "\n\n".join(parts) + "\n"


def plugins_page() -> str:
    """Return every plug-in with its options."""
    from lab.cli.plugins.catalogue import PLACES, catalogue

    parts = ["# Plug-ins and their options\n\nWhat a config can name as a `kind`."]
    for sort, entries in catalogue().items():
        parts.append(f"## {sort}")
        for entry in entries:
            place = PLACES[sort].format(kind=entry.kind)
            options = f"Options, in {place}:\n\n{_table(entry.options)}" if entry.options else "It has no options."
            parts.append(f"### {entry.kind}\n\n{_text(entry.description)}\n\n{options}")
    return "\n\n".join(parts) + "\n"


PYTHON = {
    "Plug-ins": ("subnets.Subnet", "subnets.Task", "subnets.Answer", "subnets.Score", "subnets.Scorer", "miners.Miner"),
    "Records": ("lab.record.record.RunRecord",),
    "Consensus": ("consensus.SubnetState", "consensus.YumaParams", "consensus.run_epoch"),
}


def python_page() -> str:
    """Return the classes that users of the packages derive from or call."""
    parts = ["# Python\n\nClasses to derive from, and functions to call."]
    for title, names in PYTHON.items():
        parts.append(f"## {title}")
        parts += [f"::: {name}\n    options:\n      heading_level: 3" for name in names]
    return "\n\n".join(parts) + "\n"


def _table(keys: Any) -> str:
    rows = [f"| `{key.name}` | `{key.type.replace('|', ' or ')}` | {_text(key.text)} |" for key in keys]
    return "\n".join(["| key | type | meaning |", "|---|---|---|", *rows])


def _text(text: str) -> str:
    """Show a text as it is, inside a table too."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))
