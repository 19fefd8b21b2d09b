"""A Ray cluster of the tests' own, started as a user would, and ended by its process."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from cluster import free_port

ROOT = Path(__file__).parents[3]
RAY = Path(sys.executable).parent / "ray"
START_S = 90.0
HEAD_ID = "f" * 51 + "00000"
AUTOSCALER = {
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_FAKE_CLUSTER": "1",
    "RAY_enable_autoscaler_v2": "1",
    "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
}
"""The head's, so that Ray's second autoscaler knows it for the one that it has."""


def subnetlab(*arguments: str | Path, environment: dict[str, str], expect: int = 0, folder: Path = ROOT) -> str:
    """Run a command in a folder; return what it says on stdout, on stderr where it is to fail."""
    command = [sys.executable, "-m", "lab", *map(str, arguments)]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == expect, result.stderr or result.stdout
    assert "Traceback" not in result.stderr
    return result.stdout if expect == 0 else result.stderr


def start_head(**options: Any) -> Head:
    """Start a cluster, a second time if need be: Ray gives its own processes 30 s, too few on a busy machine."""
    try:
        return Head(**options)
    except RuntimeError as error:
        if "timed out during startup" not in str(error):
            raise
        return Head(**options)


class Head:
    """`ray start --head` on loopback."""

    def __init__(
        self, *, token: bool = True, dashboard: bool = False, grows: dict[str, dict[str, object]] | None = None
    ) -> None:
        """`grows` has Ray's autoscaler make machines of these types, here; the head has no CPUs then."""
        # Short, because paths of sockets are: no tmp_path of pytest.
        self.folder = Path(tempfile.mkdtemp(prefix="subnetlab-ray-", dir="/tmp"))
        self.address = f"127.0.0.1:{free_port()}"
        self.token = self.folder / "token"
        self.token.write_text(secrets.token_hex(32))
        self.token.chmod(0o600)
        host, _, port = self.address.partition(":")
        command = [
            *(str(RAY), "start", "--head", "--block", "--node-ip-address", host, "--port", port),
            *(
                "--num-cpus",
                "2" if grows is None else "0",
                "--object-store-memory",
                "100000000",
                "--disable-usage-stats",
            ),
            *("--temp-dir", str(self.folder / "ray"), "--include-dashboard", str(dashboard).lower()),
            *("--dashboard-agent-listen-port", str(free_port())),
        ]
        self.dashboard = f"http://127.0.0.1:{free_port()}"
        if dashboard:
            command += ["--dashboard-host", "127.0.0.1", "--dashboard-port", self.dashboard.rpartition(":")[2]]
        if find_spec("grpc") is not None:  # else Ray has no client server, and refuses a port for it
            command += ["--ray-client-server-port", str(free_port())]
        variables = self.environment(token=token)
        if grows is not None:
            command += ["--autoscaling-config", str(self._autoscaling(grows))]
            variables |= AUTOSCALER
        self.log = self.folder / "log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=variables, start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _autoscaling(self, types: dict[str, dict[str, object]]) -> Path:
        """Write what the autoscaler may make, by Ray's provider of machines that are processes of this one."""
        provider = {
            "type": "external",
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "gcs_address": self.address,
            "head_node_id": HEAD_ID,
            "launch_multiple": True,
        }
        head = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
        config = {
            "cluster_name": "grows",
            "max_workers": 8,
            "idle_timeout_minutes": 0.1,
            "provider": provider,
            "available_node_types": types | {"ray.head.default": head},
            "head_node_type": "ray.head.default",
            "auth": {"ssh_user": "nobody"},
            "file_mounts": {},
            "cluster_synced_files": [],
            "file_mounts_sync_continuously": False,
        }
        steps = "setup head_setup worker_setup head_start_ray worker_start_ray initialization".split()
        file = self.folder / "autoscaling.json"
        file.write_text(json.dumps(config | {f"{step}_commands": [] for step in steps}))
        return file

    def environment(self, *, token: bool = True) -> dict[str, str]:
        """Variables of those that start it or join it."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        return inherited | {
            "RAY_AUTH_MODE": "token" if token else "disabled",
            "RAY_AUTH_TOKEN_PATH": str(self.token if token else self.folder / "none"),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        }

    def outside(self) -> dict[str, str]:
        """Variables of a user who has the token and nothing else of Ray's."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        return inherited | {"RAY_AUTH_TOKEN_PATH": str(self.token)}

    def stop(self) -> None:
        """End this cluster's processes, and no others."""
        if self._process.poll() is not None:  # it never came up: the log says why
            return
        processes = [self._process.pid, *(child.pid for child in psutil.Process(self._process.pid).children(True))]
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in processes[1:]:
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while "Ray runtime started" not in self.log.read_text():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(self.log.read_text()[-2000:])
            time.sleep(0.2)
