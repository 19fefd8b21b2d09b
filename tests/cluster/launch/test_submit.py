"""Runs handed to a cluster as jobs: left alone, looked at, stopped, and fetched."""

import io
import json
import os
import pty
import re
import secrets
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from cluster import PoolError
from cluster.ray import jobs as ray_jobs
from tests.cluster.launch.heads import ROOT, Head, subnetlab
from tests.lab.records import SLOW

pytestmark = pytest.mark.ray

HOST = "io:tests.lab.records.Sayer"
"""The actor of a plug-in's miners, which share none with others."""
PATIENCE_S = 300.0
"""On a busy machine; on a quiet one, nothing here takes a tenth of it."""
CANARY = f"sk-{secrets.token_hex(12)}"  # made here: this file is sent with the checkout


@dataclass(frozen=True, slots=True)
class Job:
    """A run that was submitted and left alone."""

    id: str
    said: str
    code: int


def submitting(head: Head, *arguments: str | Path) -> list[str]:
    common = ["submit", "--address", head.dashboard, "--python", sys.executable]
    return [sys.executable, "-m", "lab", *common, *map(str, arguments)]


@pytest.fixture(scope="module")
def left(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A long run, whose submitter was sent Ctrl-C without a terminal."""
    config = tmp_path_factory.mktemp("left") / "long.toml"
    config.write_text(SLOW)
    command = submitting(head, config, "--out", config.parent / "run")
    with subprocess.Popen(
        command, cwd=ROOT, env=head.outside() | {"LAB_KEY": CANARY}, stdin=-3, stdout=-1, stderr=-2, text=True
    ) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        while "Running entrypoint" not in child.stdout.readline():
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        said = child.stdout.read()
    yield Job(first.split()[1], said, child.returncode)


def test_ctrl_c_without_a_terminal_leaves_the_run_alone_and_says_how_to_go_back(head: Head, left: Job) -> None:
    assert left.code == 130
    assert f"subnetlab submit --attach {left.id} --address {head.dashboard}" in left.said


def test_a_key_of_who_submits_is_neither_in_the_job_nor_in_a_file_of_the_head(head: Head, left: Job) -> None:
    shown = {"Authorization": f"Bearer {head.token.read_text()}"}
    with urlopen(Request(f"{head.dashboard}/api/jobs/", headers=shown), timeout=30) as reply:
        jobs = reply.read()
    assert left.id.encode() in jobs and CANARY.encode() not in jobs
    files = [path for path in head.folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("job-driver") for path in files)
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def test_a_run_on_a_cluster_is_visible_with_the_address_and_the_token(head: Head, left: Job) -> None:
    def look(address: str, *how: str) -> str:
        return subnetlab("status", "--address", address, *how, environment=head.outside())

    def played(run: dict[str, Any]) -> bool:
        found = run["pool"]["members"] if run["pool"] else []
        return run["rounds"] > 0 and any(member["name"] == HOST and member["memory_mb"] for member in found)

    until, seen = time.monotonic() + PATIENCE_S, []
    while not any(map(played, seen)) and time.monotonic() < until:
        time.sleep(4.0)  # each look is a process that takes two seconds of a core
        seen = json.loads(look(head.dashboard, "--json"))["runs"]
    (run,) = seen
    assert (run["job"], run["stage"], run["of"], run["gone"]) == (left.id, "running", 5000, False)
    members = {member["name"]: member for member in run["pool"]["members"]}
    assert {member["state"] for member in members.values()} == {"up"}
    assert members.keys() == {"driver", "validators-0", HOST}
    assert members[HOST]["node"] == "127.0.0.1" and members[HOST]["memory_mb"] > 10
    assert members["validators-0"]["validators"] == [0]
    assert re.search(rf"^job {left.id}: round \d+ of 5000, epoch 1 of 1, .*/s, about", look(head.address, "--once"))


def test_the_token_is_shown_past_a_proxy_and_a_netrc_of_the_environment(head: Head, left: Job, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        there = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        proxies = dict.fromkeys(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"], there)
        environment = head.outside() | proxies | {"NETRC": str(tmp_path / "netrc"), "no_proxy": "", "NO_PROXY": ""}
        seen = json.loads(subnetlab("status", "--address", head.dashboard, "--json", environment=environment))
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert [run["job"] for run in seen["runs"]] == [left.id]


FORWARD = """
import asyncio, sys

async def pipe(reader, writer):
    while piece := await reader.read(1 << 16):
        writer.write(piece)
    writer.close()

async def serve(*near):
    far = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    await asyncio.gather(pipe(near[0], far[1]), pipe(far[0], near[1]))

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@pytest.mark.filterwarnings("ignore:ssl=None is deprecated:DeprecationWarning")  # of Ray's own client
async def test_a_cluster_that_goes_without_a_word_is_not_waited_for_for_ever(
    head: Head, left: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(head.token))
    command = [sys.executable, "-c", FORWARD, head.dashboard.rpartition(":")[2]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tunnel:
        assert tunnel.stdout is not None
        jobs = ray_jobs.Jobs(f"http://127.0.0.1:{tunnel.stdout.readline().strip()}")
        try:
            with pytest.raises(PoolError, match="no longer answers: .*; the job may still run"):
                async for _ in jobs.follow(left.id):
                    tunnel.send_signal(signal.SIGSTOP)
                    monkeypatch.setattr(ray_jobs, "CUT_OFF_S", 1.0)
        finally:
            tunnel.kill()


def test_a_run_that_is_stopped_at_the_prompt_brings_back_what_it_has(head: Head, left: Job, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:  # the child has a terminal of its own
        os.chdir(ROOT)
        command = submitting(head, "--attach", left.id, "--out", tmp_path / "run")
        os.execve(command[0], command, head.outside())
    said = answer(terminal, "Running entrypoint", "\x03")
    said += answer(terminal, "leave it running, stop it, or keep watching? [leave]:", "perhaps\r")
    said += answer(terminal, "leave, stop or watch? [leave]:", "s\r")
    said += answer(terminal, "record: ", "")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    os.close(terminal)
    assert "Stopped. Nothing was lost; the record so far is sent back." in said
    audited = json.loads(subnetlab("audit", tmp_path / "run", "--trust", "--json", environment=dict(os.environ)))
    assert audited["rounds"] >= 1 and not audited["complete"]
    assert "stopped at round " in subnetlab("status", tmp_path / "run", environment=dict(os.environ))


def test_a_head_that_lies_fills_no_memory_and_commands_no_terminal(
    head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(head.token))
    job = f"lies-{secrets.token_hex(4)}"
    lies = head.folder / "ray" / "session_latest" / "logs" / "subnetlab" / job
    lies.mkdir(parents=True)
    (lies / "ended.json").write_bytes(b" " * 100_000)
    said = shlex.join([sys.executable, "-c", r"print('\x1b]0;mine\x07\tfine')"])
    ray_jobs.Jobs(head.dashboard).submit(job, tmp_path, said, {"subnetlab": "lies"})
    command = submitting(head, "--attach", job, "--out", tmp_path / "run")
    done = subprocess.run(command, cwd=ROOT, env=head.outside(), capture_output=True, text=True, timeout=PATIENCE_S)
    assert "?]0;mine?\tfine\n" in done.stdout and "\x1b" not in done.stdout
    assert f"ended.json of job {job} has more than 64,000 bytes" in done.stderr and done.returncode == 1


class Dashboard(ThreadingHTTPServer):
    """A dashboard of a machine that is this one, with a job that left ten bytes."""

    def __init__(self, *, hangs: bool = False, cuts: bool = False, floods: bool = False) -> None:
        """Break in one of three ways: `hangs` after one answer, `cuts` a file short, or `floods` with a long job."""
        super().__init__(("127.0.0.1", 0), Answers)
        self.hangs = hangs
        self.cuts = cuts
        self.floods = floods
        self.asked = 0
        self.closed = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Dashboard

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.hangs and self.server.asked > 2:  # the knock, and who is in the cluster
            self.server.closed.wait(PATIENCE_S)
            return
        job = {
            "type": "SUBMISSION",
            "submission_id": "a",
            "status": "RUNNING",
            "entrypoint": "a",
            "driver_node_id": "1",
        }
        found = {
            "/api/version": json.dumps({"ray_version": "2.55.0"}).encode(),
            "/nodes": json.dumps({"data": {"summary": [{"ip": "127.0.0.1"}]}}).encode(),
            "/api/jobs/a": json.dumps(job).encode(),
            "/api/v0/logs/file": bytes(10),
        }[self.path.partition("?")[0]]
        if self.server.floods and self.path == "/api/jobs/a":
            found = json.dumps(job | {"message": "x" * ray_jobs.MAX_REPLY_BYTES}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(found)))
        self.end_headers()
        self.wfile.write(found[:5] if self.server.cuts and "logs" in self.path else found)

    def log_message(self, *said: object) -> None:
        pass


@contextmanager
def dashboard(**faults: bool) -> Iterator[Dashboard]:
    with Dashboard(**faults) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield server
        finally:
            server.closed.set()
            server.shutdown()


def test_a_dashboard_that_stops_answering_at_once_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_jobs, "CUT_OFF_S", 0.2)
    with dashboard(hangs=True) as server, pytest.raises(PoolError, match="accepts no jobs: .*timed out") as refused:
        ray_jobs.Jobs(server.address)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_written_here_is_not_a_fault_of_the_cluster() -> None:
    with dashboard() as server, open("/dev/full", "wb", buffering=0) as full:
        with pytest.raises(OSError, match="No space left on device"):
            ray_jobs.Jobs(server.address).fetch("a", "run.zip", full, 10)


def test_a_truncated_file_is_distinguished_from_one_that_is_too_large() -> None:
    with dashboard() as server:
        jobs, came = ray_jobs.Jobs(server.address), io.BytesIO()
        assert jobs.fetch("a", "run.zip", came, 10) and came.getvalue() == bytes(10)
        with pytest.raises(ray_jobs.TooLarge, match="run.zip of job a has more than 9 bytes"):
            jobs.fetch("a", "run.zip", io.BytesIO(), 9)
    with dashboard(cuts=True) as server, pytest.raises(PoolError, match=f"Ray at {server.address}: ") as refused:
        ray_jobs.Jobs(server.address).fetch("a", "run.zip", io.BytesIO(), 10)
    assert not isinstance(refused.value, ray_jobs.TooLarge)


def test_a_reply_beyond_the_bound_is_not_read() -> None:
    with dashboard(floods=True) as server:
        with pytest.raises(PoolError, match=f"{server.address}/api/jobs/a sent more than 10,000,000 bytes"):
            ray_jobs.Jobs(server.address).details("a")


def answer(terminal: int, question: str, keys: str) -> str:
    """Read a terminal until a question, then type."""
    said, until = "", time.monotonic() + PATIENCE_S
    while question not in said:
        assert time.monotonic() < until, said
        if select.select([terminal], [], [], 1.0)[0]:
            try:
                said += os.read(terminal, 4096).decode(errors="replace")
            except OSError:  # the other end is closed
                raise AssertionError(said) from None
    os.write(terminal, keys.encode())
    return said


def test_the_reason_why_a_run_cannot_be_submitted_is_one_line(head: Head, tmp_path: Path) -> None:
    config = tmp_path / "short.toml"
    config.write_text(SLOW)
    (tmp_path / "token").write_text("0" * 64)
    other = head.outside() | {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    nobody = "http://127.0.0.1:1"
    for said, arguments, environment, code in [
        ("asks for another token than the one in", ["--address", head.dashboard], other, 1),
        (f"no Ray dashboard answers at {nobody}", ["--address", nobody], other, 1),
        ("--chain.epochs: give an integer of at least 1", ["--address", nobody, "--chain.epochs", "0"], other, 2),
        (f"{tmp_path} is not empty", ["--address", head.dashboard, "--out", str(tmp_path)], head.outside(), 1),
    ]:
        told = subnetlab("submit", config, *arguments, environment=environment, expect=code)
        assert said in told and told.count("\n") == 1
    told = subnetlab("submit", "--attach", "x", "--address", head.dashboard, environment=head.outside(), expect=1)
    assert "Job x does not exist" in told
