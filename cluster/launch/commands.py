"""The commands that bring a cluster up, show it and end it; shown first, then run one after another.

for command in up_commands(spec, folder):
    command.run()
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cluster.errors import PoolError
from cluster.ray.token import guard_token

from .errors import LaunchError
from .files import CLOUD_CLIENTS, manifest_names, settings, start_script, stop_script
from .spec import ClusterSpec
from .tables import NodeTable


@dataclass(frozen=True, slots=True)
class Command:
    """One command on this machine."""

    words: tuple[str, ...]
    stdin: Path | None = None
    """File to pass on its standard input."""
    script: str = ""
    """Text to pass on its standard input instead of a file."""

    @property
    def shown(self) -> str:
        """The command as one would type it."""
        file = f" < {self.stdin}" if self.stdin else ""
        return shlex.join(self.words) + file + (f" <<'END'\n{self.script}END" if self.script else "")

    def run(self, report: Callable[[str], None]) -> None:
        """Run it, and pass each line of its output to `report`.

        Raises:
            LaunchError: it can't be run, or failed; the message has its last output.
        """
        text = self.stdin.read_text(encoding="utf-8") if self.stdin else self.script
        try:
            process = subprocess.Popen(
                self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        except OSError as error:
            raise LaunchError(f"{self.words[0]} can't be run: {error.strerror}; install it") from None
        last = ""
        with process:
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(text)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it ended without reading its input; the exit code decides below
            for line in process.stdout:
                last = line.strip() or last
                report(line.rstrip())
        if process.returncode:
            raise LaunchError(f"{shlex.join(self.words)}: exit {process.returncode}: {last or 'no output'}")


def up_commands(spec: ClusterSpec, folder: Path) -> list[Command]:
    """Return the commands that bring a cluster up; `folder` has its files."""
    if spec.provider == "kubernetes":
        return [_kubectl(spec, "apply", *_files(folder, "networkpolicy.yaml", "raycluster.yaml"))]
    if spec.uses_ray_launcher:
        return [_ray("up", str(folder / "ray_up.yaml"), "--yes", "--no-config-cache")]
    commands = []
    for machine, table in _machines(spec):
        commands.append(_token(spec, machine))
        commands += [_ssh(spec, machine, line) for line in spec.set_up]
        commands.append(_ssh(spec, machine, "bash -s", script=start_script(spec, table, machine)))
    return commands


def status_commands(spec: ClusterSpec, folder: Path) -> list[Command]:
    """Return the commands that show a cluster."""
    if spec.provider == "kubernetes":
        pods = ("get", "pods", "-l", f"app.kubernetes.io/part-of={spec.name}")
        return [_kubectl(spec, "get", "raycluster", spec.name, "--ignore-not-found"), _kubectl(spec, *pods)]
    line = f"{settings(spec)} {spec.command} status"
    if spec.uses_ray_launcher:
        return [_ray("exec", str(folder / "ray_up.yaml"), line)]
    up = f"ls {spec.folder}/pid-{spec.head.machine} > /dev/null 2>&1"
    refusal = f"{{ echo '{spec.name} is not up here: subnetlab cluster up starts it' >&2; exit 1; }}"
    guarded = f"{up} || {refusal}; {line} --address={spec.head.machine}:{spec.port}"
    return [_ssh(spec, spec.head.machine or "", guarded)]


def down_commands(spec: ClusterSpec, folder: Path) -> list[Command]:
    """Return the commands that end a cluster, workers first."""
    if spec.provider == "kubernetes":
        return [_kubectl(spec, "delete", "--ignore-not-found", *_files(folder, *manifest_names(spec)))]
    if spec.uses_ray_launcher:
        return [_ray("down", str(folder / "ray_up.yaml"), "--yes")]
    return [
        _ssh(spec, machine, "bash -s", script=stop_script(spec, machine)) for machine, _ in reversed(_machines(spec))
    ]


def require_client(spec: ClusterSpec) -> None:
    """Refuse a cloud whose client is not installed here; Ray's launcher would end in a traceback.

    Raises:
        LaunchError: the message says what to install.
    """
    client = CLOUD_CLIENTS.get(spec.provider)
    try:
        if client is not None:
            version(client)
    except PackageNotFoundError:
        raise LaunchError(f"{spec.provider} needs {client}: pip install {client}") from None


def ready_token(spec: ClusterSpec) -> None:
    """Create the cluster's own token if it has none; on Kubernetes the operator does that.

    Raises:
        LaunchError: its file can't be written.
    """
    if spec.provider == "kubernetes":
        return
    try:
        guard_token(spec.token_file)
    except PoolError as error:
        raise LaunchError(f"{str(error).partition(';')[0]}; make that folder your own") from error


def _machines(spec: ClusterSpec) -> list[tuple[str, NodeTable]]:
    workers = [(machine, table) for table in spec.workers for machine in table.machines]
    return [(spec.head.machine or "", spec.head), *workers]


def _token(spec: ClusterSpec, machine: str) -> Command:
    """Copy the token to a machine over ssh's stdin, so that it appears on no command line and in no other file."""
    line = f"umask 077 && mkdir -p {spec.folder} && cat > {spec.folder}/sent-{machine}"
    return _ssh(spec, machine, line, stdin=spec.token_file)


def _ssh(spec: ClusterSpec, machine: str, line: str, stdin: Path | None = None, script: str = "") -> Command:
    options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-p", str(spec.ssh.port)]
    options += ["-i", str(Path(spec.ssh.key).expanduser())] if spec.ssh.key else []
    options += [word for option in spec.ssh.options for word in ("-o", option)]
    return Command(("ssh", *options, f"{spec.ssh.user}@{machine}", line), stdin, script)


def _ray(*words: str) -> Command:
    return Command((str(Path(sys.executable).parent / "ray"), *words))


def _kubectl(spec: ClusterSpec, *words: str) -> Command:
    return Command(("kubectl", "--namespace", spec.kubernetes.namespace, *words))


def _files(folder: Path, *names: str) -> list[str]:
    return [word for name in names for word in ("-f", str(folder / name))]
