"""What is run to bring a cluster up, to see it, and to end it: shown first, then run one after another.

for command in up_commands(spec, folder):
    command.run()
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.ray_address import token_path
from cluster.ray_session import guard_token

from .errors import LaunchError
from .files import start_script, stop_script
from .spec import ClusterSpec, NodeTable


@dataclass(frozen=True, slots=True)
class Command:
    """One command of this machine."""

    words: tuple[str, ...]
    stdin: Path | None = None
    """A file that it reads."""
    script: str = ""
    """What it reads instead, written here."""

    @property
    def shown(self) -> str:
        """The command as it would be typed."""
        fed = f" < {self.stdin}" if self.stdin else ""
        return shlex.join(self.words) + fed + (f" <<'END'\n{self.script}END" if self.script else "")

    def run(self, say: Callable[[str], None]) -> None:
        """Run it, telling each line that it prints.

        Raises:
            LaunchError: it can't be run, or failed; with its last words.
        """
        fed = self.stdin.read_text(encoding="utf-8") if self.stdin else self.script
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
                process.stdin.write(fed)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it ended without reading; its exit code says why
            for line in process.stdout:
                last = line.strip() or last
                say(line.rstrip())
        if process.returncode:
            raise LaunchError(f"{shlex.join(self.words)}: exit {process.returncode}: {last or 'no words'}")


def up_commands(spec: ClusterSpec, folder: Path) -> list[Command]:
    """Return what brings a cluster up; `folder` has its files."""
    if spec.provider == "kubernetes":
        return [_kubectl(spec, "apply", *_manifest_arguments(folder))]
    if spec.provider != "on_premise" or spec.launcher == "ray":
        return [_ray("up", str(folder / "ray_up.yaml"), "--yes", "--no-config-cache")]
    commands = []
    for machine, table in _machines(spec):
        commands.append(_token(spec, machine))
        commands += [_ssh(spec, machine, line) for line in spec.set_up]
        commands.append(_ssh(spec, machine, "bash -s", script=start_script(spec, table, machine)))
    return commands


def status_commands(spec: ClusterSpec, folder: Path) -> list[Command]:
    """Return what shows a cluster."""
    if spec.provider == "kubernetes":
        return [_kubectl(spec, "get", "rayclusters,pods", "-l", f"ray.io/cluster={spec.name}")]
    if spec.provider != "on_premise" or spec.launcher == "ray":
        return [_ray("exec", str(folder / "ray_up.yaml"), f"{spec.command} status")]
    settings = [f"{key}={shlex.quote(value)}" for key, value in spec.environment().items()]
    settings.append(f'RAY_AUTH_TOKEN_PATH="$HOME/.subnetlab/{spec.name}/token"')
    line = " ".join([*settings, spec.command, "status", f"--address={spec.head.machine}:{spec.port}"])
    return [_ssh(spec, spec.head.machine or "", line)]


def down_commands(spec: ClusterSpec, folder: Path) -> list[Command]:
    """Return what ends a cluster, workers first."""
    if spec.provider == "kubernetes":
        return [_kubectl(spec, "delete", "--ignore-not-found", *_manifest_arguments(folder))]
    if spec.provider != "on_premise" or spec.launcher == "ray":
        return [_ray("down", str(folder / "ray_up.yaml"), "--yes")]
    return [
        _ssh(spec, machine, "bash -s", script=stop_script(spec, machine)) for machine, _ in reversed(_machines(spec))
    ]


def ready_token() -> None:
    """Make sure that there is a token to hand out, in a file.

    Raises:
        LaunchError: it is in the environment alone.
        PoolError: it can't be kept.
    """
    guard_token()
    if not token_path().is_file():
        raise LaunchError(
            f"machines are handed the token's file, {token_path()}: put it there and unset RAY_AUTH_TOKEN"
        )


def _machines(spec: ClusterSpec) -> list[tuple[str, NodeTable]]:
    workers = [(machine, table) for table in spec.workers for machine in table.machines]
    return [(spec.head.machine or "", spec.head), *workers]


def _token(spec: ClusterSpec, machine: str) -> Command:
    """Hand the token to a machine over ssh's stdin: it is on no command line and in no file but its own."""
    folder = f"~/.subnetlab/{spec.name}"
    line = f"umask 077 && mkdir -p {folder} && cat > {folder}/token"
    return _ssh(spec, machine, line, stdin=token_path())


def _ssh(spec: ClusterSpec, machine: str, line: str, stdin: Path | None = None, script: str = "") -> Command:
    options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-p", str(spec.ssh.port)]
    options += ["-i", str(Path(spec.ssh.key).expanduser())] if spec.ssh.key else []
    options += [word for option in spec.ssh.options for word in ("-o", option)]
    return Command(("ssh", *options, f"{spec.ssh.user}@{machine}", line), stdin, script)


def _ray(*words: str) -> Command:
    return Command((str(Path(sys.executable).parent / "ray"), *words))


def _kubectl(spec: ClusterSpec, *words: str) -> Command:
    return Command(("kubectl", "--namespace", spec.kubernetes.namespace, *words))


def _manifest_arguments(folder: Path) -> list[str]:
    return [word for name in ("raycluster.yaml", "networkpolicy.yaml") for word in ("-f", str(folder / name))]
