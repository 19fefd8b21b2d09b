"""Whole runs on several machines to which something real happens, each beside an undisturbed run of the same seed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster.errors import PoolError
from cluster.plan import Group
from cluster.ray.host import RayHost
from cluster.ray.nodes import RayNodes
from cluster.ray.relays import RayRelays
from cluster.relays.relay_client import NumberedQuery
from cluster.requirements import Requirements
from lab.record.record import RunRecord
from lab.run.events import Event
from lab.run.session import run
from subnets import Fault
from tests.cluster import fakes
from tests.cluster.conftest import MACHINE, alive, until
from tests.cluster.fakes import query
from tests.cluster.faults import STRUCK, assert_whole, decided, make_config, play, rounds_of, struck_pid
from tests.miners.engines.loop import Loop
from tests.miners.engines.openai.proxy import HEAD, SERVED, Proxy, closed, event

ROOT = Path(__file__).parents[2]
DRIVER = """
import json, sys
from pathlib import Path
import ray
from lab.config.run_config import RunConfig
from lab.run.session import run
def arm(event):
    if event.stage == "round" and event.rounds == 5:
        Path(sys.argv[3], "armed").touch()
ray.init(address=sys.argv[2], log_to_driver=False)
run(RunConfig.parse(json.load(sys.stdin)), Path(sys.argv[1]), watch=arm)
"""


@pytest.fixture(scope="module")
def machines(ray_cluster: Any) -> Iterator[Any]:
    """The cluster with three machines of a core each beside its head; the last test removes one."""
    added = {ray_cluster.add_node(wait=False, **MACHINE).node_id for _ in range(3)}
    until(lambda: added <= alive())
    yield ray_cluster
    for node in list(ray_cluster.worker_nodes):
        ray_cluster.remove_node(node)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunRecord]:
    with run(make_config(pool={"kind": "local", "hosts": 2}), tmp_path_factory.mktemp("undisturbed")) as record:
        yield record


@pytest.fixture
def armed(tmp_path: Path) -> Path:
    folder = tmp_path / "armed"
    folder.mkdir()
    return folder


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("how", "fault", "said"),
    [
        ("raise", Fault.ERROR, "ValueError: struck"),
        ("fill", Fault.ERROR, "MemoryError"),
        ("hold", Fault.TIMEOUT, "no answer within 3 s, and host cpu-[01] hung"),
    ],
)
def test_a_miner_that_fails_is_charged_for_that_answer_and_nobody_else(
    how: str,
    fault: Fault,
    said: str,
    machines: Any,
    undisturbed: RunRecord,
    armed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cluster.scheduling.turns.HUNG_S", 1.0)
    asking = [{"name": "validator", "timeout_s": 3.0 if how == "hold" else 60.0}]
    config = make_config({"folder": str(armed), "how": how}, validators=asking)
    with play(tmp_path / "run", config, armed) as record:
        (failed,) = assert_whole(record, undisturbed, harmed={STRUCK})
    assert (failed.fault, failed.score) == (fault, 0.0)
    assert re.fullmatch(said, failed.reason), failed.reason


def test_a_host_that_is_killed_in_mid_round_costs_nobody_anything(
    machines: Any, undisturbed: RunRecord, armed: Path, tmp_path: Path
) -> None:
    with play(tmp_path / "run", make_config({"folder": str(armed)}), armed, blow=kill) as record:
        assert_whole(record, undisturbed)


def test_a_relay_that_is_killed_in_mid_round_costs_nobody_anything(
    machines: Any, undisturbed: RunRecord, armed: Path, tmp_path: Path
) -> None:
    def kill_relay(pid: int) -> None:
        raylet = psutil.Process(pid).parent()
        assert raylet is not None
        (relay,) = (process.pid for process in raylet.children() if "RelayActor" in " ".join(process.cmdline()))
        kill(relay)

    config = make_config({"folder": str(armed), "how": "wait"})
    with play(tmp_path / "run", config, armed, blow=kill_relay) as record:
        assert_whole(record, undisturbed)


def test_a_validator_that_is_killed_does_its_work_again(
    machines: Any, undisturbed: RunRecord, armed: Path, tmp_path: Path
) -> None:
    config = make_config(subnet={"kind": "tests.cluster.faults:HeldDigits", "folder": str(armed)})
    with play(tmp_path / "run", config, armed, blow=kill) as record:
        assert_whole(record, undisturbed)


def test_an_engine_that_runs_out_of_memory_is_opened_again_and_costs_nobody_anything(
    machines: Any, undisturbed: RunRecord, armed: Path, tmp_path: Path
) -> None:
    engine = {"kind": "tests.cluster.fakes:Servant"}
    config = make_config({"folder": str(armed), "how": "starve", "engine": engine})
    with play(tmp_path / "run", config, armed) as record:
        assert_whole(record, undisturbed)


async def test_a_host_that_ran_out_of_memory_on_ray_is_restarted(
    machines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.001")
    machine = machines.add_node(**MACHINE, labels={"memory": "none"})
    group = Group("short", {0: fakes.Says()}, cpus=1.0, requirements=Requirements({"memory": "none"}))
    relays = RayRelays({})
    host = RayHost(group, 0, {}, 30.0, RayNodes(), relays)
    try:
        # Ray looks at the memory four times a second: it may have started, and have served, before.
        with pytest.raises(PoolError, match="short.*: OutOfMemoryError"):
            async with asyncio.timeout(60):
                await host.start()
                while await anext(aiter(host.serve((0,), NumberedQuery(query())))):
                    await asyncio.sleep(0.05)
    finally:
        await host.close()
        await relays.close()
        machines.remove_node(machine)


def test_a_run_whose_driver_is_killed_in_mid_round_goes_on_where_it_was(
    machines: Any, undisturbed: RunRecord, armed: Path, tmp_path: Path
) -> None:
    config, folder = make_config({"folder": str(armed)}), tmp_path / "run"
    command = [sys.executable, "-c", DRIVER, str(folder), machines.address, str(armed)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True) as driver:
        assert driver.stdin is not None
        json.dump(config.model_dump(mode="json"), driver.stdin)
        driver.stdin.close()
        until(lambda: any(armed.glob("struck-*")) or driver.poll() is not None, 120.0)
        driver.kill()
    host = struck_pid(armed)
    until(lambda: not psutil.pid_exists(host))
    with run(config, folder, mode="resume") as record:
        assert_whole(record, undisturbed)
        assert {graded.session for graded in rounds_of(record).values()} == {0, 1}


class Answers:
    """A small server of the OpenAI protocol, that can't write a 7."""

    async def start(self) -> tuple[str, int]:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return host, port

    async def stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        asked = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
        word = asked.removeprefix("Say <b>").removesuffix("</b> again").replace("7", "x")
        for part in (HEAD, *map(event, word), event("", "stop"), b"data: [DONE]\n\n"):
            writer.write(part)
        await writer.drain()
        await closed(writer)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    loop, server = Loop(), Answers()
    proxy = Proxy(loop.run(server.start()))
    loop.run(proxy.start())
    yield proxy
    loop.run(proxy.stop())
    loop.run(server.stop())
    loop.close()


def test_a_slow_network_delays_answers_and_costs_those_alone_that_come_too_late(
    machines: Any, proxy: Proxy, tmp_path: Path
) -> None:
    pytest.importorskip("openai", reason="the passthrough needs the extra `text`")
    engine: dict[str, Any] = {"kind": "openai", "base_url": proxy.base_url, "model": SERVED.decode(), "key_env": ""}
    engine |= {"private_hosts": ["127.0.0.1"], "usd_per_million_input": 1.0, "usd_per_million_output": 1.0}
    miners = [
        {"name": "light", "kind": "tests.lab.records:Sayer", "right": 0.9},
        {"name": "passthrough", "kind": "passthrough", "engine": engine},
    ]
    patient = [{"name": "validator", "timeout_s": 3.0}]
    chain = {"epochs": 1, "rounds_per_epoch": 8}
    tables: dict[str, Any] = {"miners": miners, "validators": patient, "bare": {"every": 0}, "chain": chain}

    def stall(event: Event) -> None:
        if event.stage == "round" and event.rounds == 3:
            proxy.faults.append("hang")

    with run(make_config(**tables, pool={"kind": "local"}), tmp_path / "calm") as calm:
        proxy.delay_s = 0.25
        with run(make_config(**tables), tmp_path / "slow", watch=stall) as slow:
            (late,) = assert_whole(slow, calm, harmed={STRUCK})
            answers = [[graded.answers[1] for _, graded in sorted(rounds_of(one).items())] for one in (slow, calm)]
    assert (late.fault, late.reason) == (Fault.TIMEOUT, "no answer within 3 s")
    assert [decided(answer) != decided(same) for answer, same in zip(*answers, strict=True)].count(True) == 1
    assert min(answer.latency_s for answer in answers[0]) > 0.5


def test_a_machine_that_goes_with_a_host_at_work_costs_nobody_anything(
    machines: Any, undisturbed: RunRecord, armed: Path, tmp_path: Path
) -> None:
    def remove(pid: int) -> None:
        above = {process.pid for process in psutil.Process(pid).parents()}
        (machine,) = (node for node in machines.worker_nodes if above & pids(node))
        machines.remove_node(machine, allow_graceful=False)

    with play(tmp_path / "run", make_config({"folder": str(armed)}), armed, blow=remove) as record:
        assert_whole(record, undisturbed)
    assert len(machines.worker_nodes) == 2


def pids(machine: Any) -> set[int]:
    return {started.process.pid for kind in machine.all_processes.values() for started in kind}


def test_the_page_on_faults_names_tests_that_there_are() -> None:
    page = (ROOT / "docs" / "clusters.md").read_text().partition("## What a fault does")[2].partition("\n## ")[0]
    named = re.findall(r"\| `(\w+)` \|$", page, flags=re.MULTILINE)
    tests = "".join((ROOT / path).read_text() for path in re.findall(r"`(tests/\S+\.py)`", page))
    assert len(named) == 11
    assert all(re.search(rf"def test_\w*{name}", tests) for name in named)
