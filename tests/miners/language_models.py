"""Language engines and servers, each started once: they need the extra `text`, vLLM and the packaged weights."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from miners.engines.completion import Completion, Request
from miners.engines.transformers import Transformers
from miners.engines.vllm import VLLM
from subnets import Cost, Message, Meter
from tests.miners.engines.loop import Loop
from tests.miners.engines.openai.proxy import Proxy

MODEL = "smollm2-135m-instruct"


def ask(text: str, **options: object) -> Request:
    """One question."""
    return Request((Message("user", text),), **options)  # type: ignore[arg-type]


async def metered(engine: Transformers | VLLM, request: Request) -> tuple[Completion, Cost]:
    meter = Meter()
    [completion] = await meter.run(engine.generate([request]))
    return completion, meter.cost


CAPITAL = "What is the capital of France?"
STORY = "Tell me a story about a lighthouse."


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    session_loop = Loop()
    yield session_loop
    session_loop.close()


@pytest.fixture(scope="session")
def transformers_engine(loop: Loop) -> Iterator[Transformers]:
    engine = Transformers(model=MODEL, device="cpu")
    loop.run(engine.open())
    yield engine
    loop.run(engine.close())


@pytest.fixture(scope="session")
def vllm_engine(loop: Loop) -> Iterator[VLLM]:
    engine = VLLM(model=MODEL, device="cpu", context=1024)
    loop.run(engine.open())
    yield engine
    loop.run(engine.close())


@dataclass(frozen=True)
class Server:
    """A real server on loopback."""

    port: int
    model: str

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


def serve(command: list[str], port: int, variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a server and wait until it is healthy."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=os.environ | variables, stdout=output, stderr=output, start_new_session=True
        )
    until = time.monotonic() + 200
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                if reply.status == 200:
                    return process
        except OSError:
            time.sleep(0.25)
    process.kill()
    raise RuntimeError(f"{command[2]} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from inference.weights import resolve

    port = free_port()
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(resolve(MODEL))]
    command += ["--served-model-name", MODEL, "--host", "127.0.0.1", "--port", str(port), "--enforce-eager"]
    command += ["--dtype", "float32", "--max-model-len", "1024", "--max-num-seqs", "16"]
    variables = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_NO_USAGE_STATS": "1",
        "OMP_NUM_THREADS": "1",
    }
    process = serve(command, port, variables, tmp_path_factory.mktemp("server") / "log")
    yield Server(port, MODEL)
    stop(process)


@pytest.fixture(scope="session")
def transformers_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from inference.weights import resolve

    port, folder = free_port(), str(resolve(MODEL))
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", folder, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "float32"]
    variables = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    process = serve(command, port, variables, tmp_path_factory.mktemp("server") / "log")
    yield Server(port, folder)
    stop(process)


@pytest.fixture
def proxy(vllm_server: Server, loop: Loop) -> Iterator[Proxy]:
    server = Proxy(("127.0.0.1", vllm_server.port))
    loop.run(server.start())
    yield server
    loop.run(server.stop())
