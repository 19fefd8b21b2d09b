"""The doctor: what this machine has, and how to get what it lacks."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from miners.engines.tesseract import installed, require
from miners.errors import EngineError

EXTRAS = {
    "tesserocr": "tesserocr",
    "transformers": "text",
    "torch": "text",
    "sentence-transformers": "text",
    "openai": "text",
    "vllm": "vllm",
}
"""Optional packages, and the extra that brings each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    state: Literal["ok", "missing", "optional"]
    """"optional" is not there and not needed for what works without it."""
    detail: str
    fix: str = ""
    """The command that gets it."""


def examine() -> list[Finding]:
    """Look at everything that a run can need."""
    return [_python(), _cores(), _disk(), *_tesseract(), _package("ray"), _gpus(), *map(_extra, EXTRAS)]


def _python() -> Finding:
    return Finding("python", "ok", platform.python_version())


def _cores() -> Finding:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Finding("machine", "ok", f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB memory")


def _disk() -> Finding:
    free = shutil.disk_usage(".").free / 2**30
    if free < 1.0:
        return Finding("disk", "missing", f"{free:.2f} GiB free here; a run may need 1 GiB", "free some space")
    return Finding("disk", "ok", f"{free:.0f} GiB free here")


def _tesseract() -> list[Finding]:
    try:
        found = installed()
        binary = Finding("tesseract", "ok", found.version)
        require("eng")
    except EngineError as error:
        said, _, fix = str(error).partition("; get it with: ")
        missing = Finding("tesseract", "missing", said, fix)
        return [missing]
    return [binary, Finding("tesseract languages", "ok", ", ".join(found.languages))]


def _package(name: str) -> Finding:
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(name, "missing", "not installed", "make setup")


def _extra(name: str) -> Finding:
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(name, "optional", "not installed", f".venv/bin/pip install -e '.[{EXTRAS[name]}]'")


def _gpus() -> Finding:
    binary = shutil.which("nvidia-smi")
    if binary is None:
        return Finding("gpu", "optional", "no nvidia-smi: none that we know how to use")
    query = [binary, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    said = subprocess.run(query, capture_output=True, text=True, timeout=20)
    if said.returncode:
        return Finding("gpu", "optional", f"nvidia-smi failed: {(said.stderr or said.stdout).strip()[:200]}")
    return Finding("gpu", "ok", "; ".join(said.stdout.strip().splitlines()))
