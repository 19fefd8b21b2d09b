"""Servers of a run: real processes on the loopback address."""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cluster import LocalPool, PoolError, RayPool, RaySession, Server, free_port
from tests.cluster import fakes
from tests.cluster.fakes import Words, query

BURNING = """
import http.server, os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        until = time.process_time() + float(self.path.partition("?")[2] or 0)
        while time.process_time() < until: pass
        self.send_response(200); self.end_headers(); self.wfile.write(str(child.pid).encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""


def server(tmp_path: Path, script: str = BURNING) -> Server:
    port = free_port()
    command = [sys.executable, "-u", "-c", script, str(port)]
    return Server("provider", command, port, "/", log=tmp_path / "server.log")


async def get(asked: Server, burn_s: float = 0.0) -> str:
    def ask() -> str:
        connection = http.client.HTTPConnection("127.0.0.1", asked.port, timeout=60)
        connection.request("GET", f"/?{burn_s}")
        return connection.getresponse().read().decode()

    return await asyncio.to_thread(ask)


def family(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def gone(processes: list[psutil.Process], within_s: float = 8.0) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if not any(
            p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes if psutil.pid_exists(p.pid)
        ):
            return True
        time.sleep(0.05)
    return False


async def test_a_server_answers_and_ends_with_everything_that_it_started(tmp_path: Path) -> None:
    started = server(tmp_path)
    await started.start()
    child = int(await get(started))
    assert started.pid is not None
    processes = family(started.pid)
    assert len(processes) == 3 and child in [process.pid for process in processes]
    await started.close()
    await started.close()
    assert gone(processes)


async def test_a_servers_cpu_is_measured_with_its_children(tmp_path: Path) -> None:
    started = server(tmp_path)
    await started.start()
    before = started.cpu_s()
    await get(started, burn_s=0.3)
    assert 0.25 <= started.cpu_s() - before < 0.6
    await started.close()


async def test_a_server_that_ends_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    dying = server(tmp_path, "print('first'); print('out of memory'); raise SystemExit(3)")
    with pytest.raises(
        PoolError, match=r"(?s)server provider has ended; the end of its log \(.*server.log\):.*out of memory"
    ):
        await dying.start()
    await dying.close()


async def test_a_server_that_is_never_ready_is_given_up_with_its_log(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo loading; exec sleep 600"]
    silent = Server("provider", command, free_port(), "/", log=tmp_path / "server.log", start_timeout_s=1.5)
    with pytest.raises(PoolError, match=r"(?s)did not answer 200 within 1.5 s; the end of its log .*loading"):
        await silent.start()
    assert silent.pid is not None
    processes = family(silent.pid)
    await silent.close()
    assert gone(processes)


async def test_a_missing_command_is_a_pool_error(tmp_path: Path) -> None:
    absent = Server("absent", ["/no/such/command"], free_port(), "/", log=tmp_path / "log")
    with pytest.raises(PoolError, match="(?s)has ended.*/no/such/command: No such file"):
        await absent.start()
    await absent.close()


def test_a_server_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys, time
from pathlib import Path
from tests.cluster.servers.test_server import family, server
async def main():
    started = server(Path({str(tmp_path)!r}))
    await started.start()
    print(*(process.pid for process in family(started.pid)), flush=True)
    time.sleep(600)
asyncio.run(main())
"""
    driver = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    processes = [psutil.Process(pid) for pid in pids]
    assert len(processes) == 3
    driver.kill()
    driver.wait()
    driver.stdout.close()
    assert gone(processes)


async def test_a_killed_supervisor_takes_its_server_with_it(tmp_path: Path) -> None:
    started = server(tmp_path, BURNING.replace("child = ", "child = type('', (), {'pid': 0})  # "))
    await started.start()
    assert started.pid is not None
    processes = family(started.pid)
    os.kill(started.pid, signal.SIGKILL)
    assert gone(processes)
    with pytest.raises(PoolError, match="server provider has ended"):
        started.check()
    await started.close()


async def test_a_pool_starts_its_servers_measures_them_apart_and_ends_them(tmp_path: Path) -> None:
    serving = server(tmp_path)
    async with LocalPool(Words(), {0: fakes.Says()}, {}, cores=1, servers=[serving]) as pool:
        assert serving.pid is not None
        processes = family(serving.pid)
        before = {row.role: row.cpu_s for row in await pool.usage()}
        await get(serving, burn_s=0.3)
        after = {row.role: row.cpu_s for row in await pool.usage()}
    assert after["server"] - before["server"] >= 0.25
    assert after["driver"] - before["driver"] < 0.2
    assert gone(processes)


async def test_a_server_that_dies_stops_the_round_and_charges_no_miner(tmp_path: Path) -> None:
    serving = server(tmp_path)
    async with LocalPool(Words(), {0: fakes.Says()}, {}, cores=1, servers=[serving]) as pool:
        (response,) = await pool.query(query(), (0,))
        assert response.fault is None
        assert serving.pid is not None
        os.kill(psutil.Process(serving.pid).children()[0].pid, signal.SIGKILL)
        with pytest.raises(PoolError, match="server provider has ended"):
            async with asyncio.timeout(30):
                while True:  # until its supervisor has ended too
                    await pool.query(query(id="2"), (0,))


async def test_a_server_is_not_one_of_rays_own_processes(ray_session: RaySession, tmp_path: Path) -> None:
    serving = server(tmp_path)
    pool = RayPool(Words(), {0: fakes.Says()}, {}, cores=1, session=ray_session, servers=[serving])
    async with pool:
        before = {row.role: row.cpu_s for row in await pool.usage()}
        await get(serving, burn_s=3.0)
        after = {row.role: row.cpu_s for row in await pool.usage()}
    assert after["server"] - before["server"] >= 2.9
    assert after["system"] - before["system"] < 2.5, "Ray may start a worker meanwhile"


async def test_a_log_that_is_a_link_to_another_file_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "server.log").symlink_to(tmp_path / "precious")
    with pytest.raises(PoolError, match="provider can't be started: Too many levels of symbolic links .*server.log"):
        await server(tmp_path).start()
    assert (tmp_path / "precious").read_text() == "mine"
