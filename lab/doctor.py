"""The doctor: what this machine has, and how to get what it lacks."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

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
    binary = shutil.which("tesseract")
    if binary is None:
        fix = "sudo apt-get install -y tesseract-ocr tesseract-ocr-eng"
        return [Finding("tesseract", "missing", "not on the PATH; the OCR miners need it", fix)]
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20).stdout.splitlines()
    listed = subprocess.run([binary, "--list-langs"], capture_output=True, text=True, timeout=20).stdout.splitlines()
    languages = sorted(line for line in listed[1:] if line != "osd")
    findings = [Finding("tesseract", "ok", f"{said[0].split()[-1] if said else '?'} at {binary}")]
    if "eng" in languages:
        return [*findings, Finding("tesseract languages", "ok", ", ".join(languages))]
    fix = "sudo apt-get install -y tesseract-ocr-eng"
    return [*findings, Finding("tesseract languages", "missing", f"eng is not among: {', '.join(languages)}", fix)]


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
