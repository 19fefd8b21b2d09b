"""Every command of docs/clusters.md that needs no machines of somebody else is run, in order."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "clusters.md").read_text()
BIN = Path(sys.executable).parent
LAB = [
    ROOT / "lab" / f"{name}.py"
    for name in ("cli/cluster/cluster", "cli/cluster/submit", "run/submission", "run/status_text", "record/archive")
]
SOURCES = [*(ROOT / "cluster").rglob("*.py"), *(ROOT / "cluster" / "launch" / "templates").iterdir(), *LAB]

OCR = """
subnet = {kind = "ocr", difficulty = 0.2}
[[miners]]
name = "reader"
kind = "tesseract"
[[miners]]
name = "copycat"
kind = "copycat"
victim = "reader"
[[validators]]
name = "alice"
[bare]
every = 0
"""
"""Stands in for configs/ocr.toml, which is run by other tests: each of its hosts takes seconds to start."""


def commands() -> list[tuple[str, str]]:
    """Each with what it needs; "" for nothing."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [(line.partition("# needs")[0].strip(), line.partition("# needs ")[2]) for line in lines]


def end(process: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    for child in psutil.wait_procs(children, 5)[1]:
        child.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_every_command_of_the_page_that_can_run_here_does(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / "configs" / "ocr.toml").write_text(OCR)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    environment = inherited | {"HOME": str(tmp_path), "PATH": f"{BIN}:{os.environ['PATH']}"}
    started: list[subprocess.Popen[bytes]] = []
    folder = Path("/tmp") / f"subnetlab-docs-{os.getpid()}"
    ran = []
    fetched: set[str] = set()
    try:
        for command, needs in commands():
            if needs:
                continue
            ran.append(command)
            if command.endswith("--block"):
                line = f"exec env {command} --temp-dir {folder} --object-store-memory 100000000"
                started.append(subprocess.Popen(["bash", "-c", line], cwd=tmp_path, env=environment, stdout=-3))
                until = time.monotonic() + 60
                while not listens(26379):
                    assert started[-1].poll() is None and time.monotonic() < until
                    time.sleep(0.5)
                continue
            result = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
            )
            assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
            fetched |= set(re.findall(r"^record: (\S+) \(exit code 0\)", result.stdout, re.MULTILINE))
    finally:
        for process in started:
            end(process)
        shutil.rmtree(folder, ignore_errors=True)
    assert len(ran) >= 10
    (submitted,) = fetched
    audit = [str(BIN / "subnetlab"), "audit", submitted, "--json"]
    audited = subprocess.run(audit, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert json.loads(audited.stdout)["complete"], audited.stdout + audited.stderr
    assert {path.name for path in (tmp_path / "manifests").iterdir()} >= {"raycluster.yaml", "Containerfile"}


def test_only_what_needs_others_is_left_out() -> None:
    for command, needs in commands():
        if needs:
            words = [word for word in shlex.split(command) if "=" not in word]
            bare = words[:3] in [["subnetlab", "cluster", verb] for verb in ("up", "status", "down")]
            theirs = any("10.0.0.10:" in word for word in words)
            assert words[0] in ("kubectl", "docker") or (bare and "--dry-run" not in words) or theirs


def test_the_troubleshooting_table_quotes_real_messages() -> None:
    sources = "\n".join(path.read_text() for path in SOURCES if path.is_file())
    table = PAGE.partition("## When it does not work")[2]
    quoted = re.findall(r"^\| `(.+?)` \|", table, flags=re.MULTILINE)
    assert len(quoted) >= 15
    for text in quoted:
        for part in text.replace("Connection refused", "").split("…"):
            assert part.strip(" :") in sources, part
