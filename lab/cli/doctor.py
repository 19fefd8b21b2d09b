"""`subnetlab doctor`: what this machine has, and how to get what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.listing import print_rows
from lab.cli.console.options import AsJson, Wide
from lab.cli.console.output import FAILED, print_json

EXTRAS = {
    "tesserocr": "tesserocr",
    "fuzzysearch": "documents",
    "pypdfium2": "documents",
    "rapidocr": "rapidocr",
    "onnxruntime": "rapidocr",
    "transformers": "text",
    "torch": "text",
    "sentence-transformers": "text",
    "openai": "text",
    "vllm": "vllm",
    "pandas": "frames",
    "polars": "frames",
    "starlette": "explorer",
}
"""Optional packages, and the extra that installs each."""
PROGRAMS = ("gocr", "ocrad")
"""Optional programs that read pages, each in the Debian package of its name."""

app = commands()


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    name: str
    state: Literal["ok", "missing", "optional"]
    """"optional" means absent, but needed by some engines only."""
    detail: str
    fix: str = ""
    """The command that installs it."""


@app.command(epilog=examples("doctor"))
def doctor(wide: Wide = False, as_json: AsJson = False) -> None:
    """Show what is installed and how to install what is missing."""
    findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_rows([(finding.state, finding.name, finding.detail) for finding in findings], indent="", wide=wide)
        fixes = [f"  {finding.name}: {finding.fix}" for finding in findings if finding.fix]
        if fixes:
            typer.echo("\n".join(["\nTo get what is missing:", *fixes]))
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(FAILED)


def examine() -> list[Finding]:
    """Check everything that a run can need."""
    optional = [_package(name, extra) for name, extra in EXTRAS.items()]
    programs = [_program(name) for name in PROGRAMS]
    return [_python(), _cores(), _disk(), *_tesseract(), _package("ray"), _gpus(), *optional, *programs]


def _python() -> Finding:
    return Finding("python", "ok", platform.python_version())


def _cores() -> Finding:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Finding("machine", "ok", f"{len(os.sched_getaffinity(0))} cores, {memory_gib:.0f} GiB memory")


def _disk() -> Finding:
    free_gib = shutil.disk_usage(".").free / 2**30
    if free_gib < 1.0:
        return Finding("disk", "missing", f"{free_gib:.2f} GiB free here; a run may need 1 GiB", "free some space")
    return Finding("disk", "ok", f"{free_gib:.0f} GiB free here")


def _tesseract() -> list[Finding]:
    from miners.engines.readers.tesseract import installed, require
    from miners.errors import EngineError

    try:
        tesseract = installed()
        require("eng")
    except EngineError as error:
        message, _, fix = str(error).partition("; get it with: ")
        return [Finding("tesseract", "missing", message, fix)]
    languages = Finding("tesseract languages", "ok", ", ".join(tesseract.languages))
    return [Finding("tesseract", "ok", tesseract.version), languages]


def _package(name: str, extra: str = "") -> Finding:
    """Look for a package; without an extra, it is one that every run needs."""
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        if extra:
            return Finding(name, "optional", "not installed", f".venv/bin/pip install -e '.[{extra}]'")
        return Finding(name, "missing", "not installed", "make setup")


def _program(name: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name, "optional", "not installed", f"apt-get install {name}")
    return Finding(name, "ok", path)


def _gpus() -> Finding:
    binary = shutil.which("nvidia-smi")
    if binary is None:
        return Finding("gpu", "optional", "none found: there is no nvidia-smi")
    query = [binary, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, timeout=20)
    if answer.returncode:
        return Finding("gpu", "optional", f"nvidia-smi failed: {(answer.stderr or answer.stdout).strip()[:200]}")
    return Finding("gpu", "ok", "; ".join(answer.stdout.strip().splitlines()))
