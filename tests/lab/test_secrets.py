"""A key is known to the engine that sends it and to nothing else."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import psutil
import pytest

pytestmark = pytest.mark.ray

CANARY = "sk-canary-7f3e9a51c0d2"
CONFIG = """
seed = 3

[subnet]
kind = "text_prompting"

[[miners]]
name = "relay"
kind = "language_model"
engine = {{kind = "openai", base_url = "http://127.0.0.1:{port}/v1", model = "far", key_env = "LAB_KEY", private_hosts = ["127.0.0.1"], retries = 0}}

[[validators]]
name = "asks"

[chain]
epochs = 1
rounds_per_epoch = 2

[bare]
every = 0

[pool]
kind = "ray"
"""  # noqa: E501


class Tattler(BaseHTTPRequestHandler):
    """Refuses every request and repeats its key in the answer."""

    heard: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.heard.append(self.headers["Authorization"])
        body = json.dumps({"error": {"message": f"unknown key {self.headers['Authorization']}"}}).encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Tattler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="subnetlab-key-", dir="/tmp"))  # short, because Ray's sockets are in it
    yield path
    shutil.rmtree(path)


def test_a_key_is_in_no_file_no_log_and_no_command_line(port: int, folder: Path) -> None:
    (folder / "c.toml").write_text(CONFIG.format(port=port))
    command = [sys.executable, "-m", "lab", "run", str(folder / "c.toml"), "--out", str(folder / "run")]
    environment = os.environ | {"LAB_KEY": CANARY, "RAY_TMPDIR": str(folder)}
    log, lines = folder / "log.txt", set[str]()
    with log.open("w") as output:
        started = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        while started.poll() is None:
            for process in psutil.process_iter():
                try:
                    lines.add(" ".join(process.cmdline()))
                except psutil.Error:
                    continue
            time.sleep(0.2)
    assert started.returncode == 0, log.read_text()[-2000:]
    assert set(Tattler.heard) == {f"Bearer {CANARY}"}  # it was used
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "report.html" for path in files) and any("raylet" in path.name for path in files)
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
    assert any("raylet" in line for line in lines) and not any(CANARY in line for line in lines)
