"""A cluster of two machines brought up, shown, joined and ended over ssh: two loopback addresses of this one.

What the scripts do on a machine where something is amiss is seen without ssh, with a shell script for Ray.
"""

import getpass
import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from cluster import free_port
from cluster.launch import ClusterSpec
from cluster.launch.files import start_script, stop_script
from lab.cli.main import app
from tests.certificates import certificate
from tests.cluster.launch.heads import RAY

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Machines:
    """This machine as two that are reached over ssh, and the file that describes them."""

    file: Path
    name: str
    address: str
    environment: dict[str, str]

    def subnetlab(self, *arguments: str, expect: int = 0, **settings: str) -> str:
        command, variables = [sys.executable, "-m", "lab", *arguments], self.environment | settings
        result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=240)
        assert result.returncode == expect, result.stderr + result.stdout
        assert "Traceback" not in result.stderr
        return result.stdout + result.stderr

    def processes(self) -> list[int]:
        """Those of its Ray."""
        return [
            process.pid
            for process in psutil.process_iter(["cmdline"])
            if any(f"/tmp/subnetlab-{self.name}" in word for word in process.info["cmdline"] or [])
        ]


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    server = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if server is None or shutil.which("ssh") is None:
        pytest.skip("ssh or sshd is missing; get them with: apt-get install openssh-client openssh-server")
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port, name = free_port(), f"t{secrets.token_hex(4)}"
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.2\nListenAddress 127.0.0.3\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        "PermitRootLogin prohibit-password\n"
    )
    pem = certificate(folder, "127.0.0.2", "127.0.0.3")
    ray_port = free_port()
    (folder / "two.toml").write_text(
        f'''
name = "{name}"
provider = "on_premise"
port = {ray_port}
command = "{RAY}"
set_up = ["echo set up on $(hostname)"]
[ssh]
user = "{getpass.getuser()}"
key = "{folder}/user"
port = {port}
options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
[tls]
cert = "{pem}"
key = "{pem}"
ca = "{pem}"
[head]
machine = "127.0.0.2"
cpus = 1
price_hour_usd = 0.25
[[workers]]
machines = ["127.0.0.3"]
cpus = 2
price_hour_usd = 0.5
'''
    )
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    cluster = Machines(folder / "two.toml", name, f"127.0.0.2:{ray_port}", inherited)
    with subprocess.Popen([server, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL) as daemon:
        try:
            yield cluster
        finally:
            cluster.subnetlab("cluster", "down", str(cluster.file), "--yes")
            daemon.terminate()
            assert not (Path.home() / ".subnetlab" / name).exists()


def test_a_cluster_comes_up_over_ssh_is_joined_and_ends_without_a_trace(machines: Machines) -> None:
    file = str(machines.file)
    output = machines.subnetlab("cluster", "up", file, "--yes")
    assert "cost: $0.7500 an hour, $18.00 a day" in output
    assert "set up on" in output
    (join,) = (line for line in output.splitlines() if f"--address {machines.address}" in line)
    settings = dict(word.split("=", 1) for word in shlex.split(join) if word.startswith("RAY_"))
    assert settings["RAY_AUTH_TOKEN_PATH"] == f"~/.subnetlab/{machines.name}/token"
    kept = Path(settings["RAY_AUTH_TOKEN_PATH"]).expanduser()  # as the shell does that it is printed for
    settings["RAY_AUTH_TOKEN_PATH"] = str(kept)
    token = kept.read_text()
    assert token not in output
    command_lines = [" ".join(psutil.Process(pid).cmdline()) for pid in machines.processes()]
    assert command_lines
    assert not any(token in line for line in command_lines)
    assert kept.stat().st_mode & 0o077 == 0
    assert f"RAY_AUTH_TOKEN_PATH=~/.subnetlab/{machines.name}/token subnetlab submit CONFIG" in output

    assert "already runs here" in machines.subnetlab("cluster", "up", file, "--yes")
    assert {path.name.partition("-")[0] for path in kept.parent.iterdir()} == {"token", "pid", "log"}
    until = time.monotonic() + 30
    while "/3.0 CPU" not in (shown := machines.subnetlab("cluster", "status", file)):  # the head counts every 5 s
        assert time.monotonic() < until, shown

    plan = ("cluster", "plan", "configs/ocr.toml", "--address", machines.address, "--json")
    refused = machines.subnetlab(*plan, expect=1)
    assert f"Ray at {machines.address} speaks TLS: set RAY_USE_TLS=1" in refused
    (machines.file.parent / "other").mkdir()
    other = certificate(machines.file.parent / "other", "127.0.0.2")
    for ca, reason in [(other, "of the cluster is not trusted"), (other.parent, "RAY_TLS_CA_CERT")]:
        assert reason in machines.subnetlab(*plan, expect=1, **settings | {"RAY_TLS_CA_CERT": str(ca)})
    planned = json.loads(machines.subnetlab(*plan, **settings))
    assert sorted(node["cpus"] for node in planned["nodes"]) == [1.0, 2.0]
    assert [host["host"] for host in planned["hosts"]] == ["io", "cpu-0", "cpu-1", "cpu-2"]

    assert f"{machines.name} has ended here" in machines.subnetlab("cluster", "down", file, "--yes")
    until = time.monotonic() + 20
    while machines.processes() and time.monotonic() < until:
        time.sleep(0.2)
    assert machines.processes() == []
    assert not kept.parent.exists()


def test_a_machine_with_another_ray_is_refused_with_what_to_install(machines: Machines) -> None:
    other = machines.file.with_name("other.toml")
    other.write_text(f'ray = "2.59.0"\n{machines.file.read_text()}')
    output = machines.subnetlab("cluster", "up", str(other), "--yes", expect=1)
    assert "and the cluster 2.59.0: install ray==2.59.0 with the same Python" in output
    assert machines.processes() == []


def test_an_unreachable_machine_is_one_line_with_the_message_of_ssh(machines: Machines) -> None:
    gone = machines.file.with_name("gone.toml")
    gone.write_text(machines.file.read_text().replace("127.0.0.3", "127.0.0.5").replace("127.0.0.2", "127.0.0.4"))
    output = machines.subnetlab("cluster", "up", str(gone), "--yes", expect=1)
    assert "exit 255: ssh: connect to host 127.0.0.4" in output
    assert "Connection refused" in output and "cluster down" not in output, "nothing has started"


def test_a_machine_that_is_not_there_keeps_no_other_one_up(machines: Machines) -> None:
    gone = machines.file.with_name("half.toml")
    gone.write_text(machines.file.read_text().replace("127.0.0.3", "127.0.0.5"))
    output = machines.subnetlab("cluster", "down", str(gone), "--yes", expect=1)
    assert "exit 255: ssh: connect to host 127.0.0.5" in output
    assert f"{machines.name} has ended here" in output
    assert "1 of 2 commands failed; run it again when the machines answer" in output


def test_nothing_is_run_without_a_yes(machines: Machines) -> None:
    command = [sys.executable, "-m", "lab", "cluster", "up", str(machines.file)]
    result = subprocess.run(
        command, cwd=ROOT, env=machines.environment, input="n\n", capture_output=True, text=True, timeout=60
    )
    assert "Run these? [y/N]" in result.stdout
    assert machines.processes() == []


FAKE_KUBECTL = """#!/bin/sh
echo "$@" >> "$HOME/asked"
case "$*" in *"get secret lab "*) printf sesame | base64;; esac
"""


def test_on_kubernetes_up_tells_how_to_fetch_the_token_and_to_hand_over_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(FAKE_KUBECTL)
    kubectl.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["cluster", "up", str(ROOT / "configs/clusters/kubernetes.toml"), "--yes"])
    assert result.exit_code == 0, result.output
    token = tmp_path / ".subnetlab" / "lab" / "token"
    assert not token.exists(), "the operator makes it"
    (fetching,) = re.findall("^fetch its token:  (.*)$", result.output, re.MULTILINE)
    subprocess.run(["bash", "-c", fetching], check=True)
    assert (token.read_text(), token.stat().st_mode & 0o777) == ("sesame", 0o600)
    assert (tmp_path / "asked").read_text().splitlines()[0].startswith("--namespace subnetlab apply -f ")
    assert (
        "forward its dashboard here:  kubectl --namespace subnetlab port-forward service/lab-head-svc 8265\n"
        "then, from here:  RAY_AUTH_TOKEN_PATH=~/.subnetlab/lab/token subnetlab submit CONFIG"
    ) in result.output


FAKE_RAY = """#!/bin/sh
[ "$1" = --version ] && exec echo "ray, version 2.60.0"
[ -e "$HOME/full" ] && echo "no room here" && exit 3
echo "Ray runtime started, $OTHER_KEY, $RAY_AUTH_MODE"
sleep 60
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with a home of its own, and a cluster of that machine alone."""

    home: Path
    spec: ClusterSpec

    @property
    def folder(self) -> Path:
        return self.home / ".subnetlab" / self.spec.name

    def start(self, token: str = "t") -> tuple[int, str]:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "sent-127.0.0.1").write_text(token)
        return self._run(start_script(self.spec, self.spec.head, "127.0.0.1"))

    def stop(self) -> tuple[int, str]:
        return self._run(stop_script(self.spec, "127.0.0.1"))

    def _run(self, script: str) -> tuple[int, str]:
        variables = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        result = subprocess.run(["bash", "-s"], input=script, env=variables, capture_output=True, text=True, timeout=90)
        return result.returncode, result.stdout + result.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    ray = tmp_path / "ray"
    ray.write_text(FAKE_RAY)
    ray.chmod(0o755)
    head = {"machine": "127.0.0.1"}
    table = {"name": f"t{secrets.token_hex(4)}", "provider": "on_premise", "ray": "2.60.0", "command": str(ray)}
    machine = Machine(tmp_path, ClusterSpec.model_validate(table | {"head": head}))
    yield machine
    machine.stop()


def test_a_machine_whose_ray_runs_keeps_its_token_and_refuses_another(machine: Machine) -> None:
    assert machine.start("first")[0] == 0
    assert "already runs here" in machine.start("first")[1]
    code, output = machine.start("second")
    assert (code, (machine.folder / "token").read_text()) == (5, "first")
    assert f"with another token: copy this machine's ~/.subnetlab/{machine.spec.name}/token to yours" in output
    machine.stop()
    assert not machine.folder.exists()
    assert machine.start("second")[0] == 0
    assert (machine.folder / "token").read_text() == "second"


def test_a_folder_that_others_may_write_to_is_not_trusted(machine: Machine) -> None:
    around = Path(f"/tmp/subnetlab-{machine.spec.name}")
    around.mkdir()
    around.chmod(0o755)
    code, output = machine.start()
    assert code == 8 and f"{around} does not belong to this user alone" in output
    around.rmdir()
    around.symlink_to(machine.home)
    assert machine.start()[0] == 8
    around.unlink()
    assert machine.start()[0] == 0 and around.stat().st_mode & 0o777 == 0o700
    machine.stop()
    assert not around.exists()


def test_a_ray_that_ends_at_once_is_not_waited_for(machine: Machine) -> None:
    (machine.home / "full").write_text("")
    code, output = machine.start()
    assert (code, output.splitlines()[-2:]) == (
        4,
        ["no room here", "Ray ended before it was up: the lines above are its log"],
    )


def test_a_process_that_has_the_number_of_a_ray_of_old_is_left_alone(machine: Machine) -> None:
    other = (
        "sh",
        "-c",
        "sleep 60; true",
        "ray",
        "start",
        "--block",
        "--temp-dir",
        f"/tmp/subnetlab-{machine.spec.name}/rayx",
    )
    with subprocess.Popen(other) as process:
        machine.folder.mkdir(parents=True)
        (machine.folder / "pid-127.0.0.1").write_text(str(process.pid))
        machine.stop()
        assert process.poll() is None
        (machine.folder / "pid-127.0.0.1").parent.mkdir(parents=True, exist_ok=True)
        (machine.folder / "pid-127.0.0.1").write_text(str(process.pid))
        code, output = machine.start()
        assert (code, "already" in output) == (0, False)
        for child in psutil.Process(process.pid).children():
            child.kill()
        process.kill()


def test_ray_is_given_the_keys_of_a_file_that_its_owner_alone_can_read_and_down_leaves(machine: Machine) -> None:
    machine.folder.mkdir(parents=True)
    keys = machine.folder / "env"
    keys.write_text("OTHER_KEY=sesame\nRAY_AUTH_MODE=disabled\n")
    keys.chmod(0o644)
    assert machine.start() == (6, f"others can read ~/.subnetlab/{machine.spec.name}/env: chmod 600 it\n")
    keys.chmod(0o600)
    assert machine.start()[0] == 0
    assert (machine.folder / "log-127.0.0.1").read_text() == "Ray runtime started, sesame, token\n"
    machine.stop()
    assert list(machine.folder.iterdir()) == [keys]
