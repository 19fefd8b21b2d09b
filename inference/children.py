"""Child processes that a library starts on its own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from .clock import processes_cpu_s

WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Children:
    """Descendants of this process. A pid that the system has reused for another process is not mistaken for one."""

    processes: tuple[Any, ...] = ()

    @classmethod
    def now(cls) -> Self:
        """Return all current descendants."""
        import psutil

        return cls(tuple(psutil.Process().children(recursive=True)))

    @classmethod
    def born_since(cls, before: Children, title: str) -> Self:
        """Return those started since `before`: the ones with this title, or all of them if none has it."""
        new = [process for process in cls.now().processes if process not in set(before.processes)]
        return cls(tuple(process for process in new if _title(process).startswith(title)) or tuple(new))

    @property
    def pids(self) -> tuple[int, ...]:
        """Their process ids."""
        return tuple(process.pid for process in self.processes)

    def cpu_s(self) -> float:
        """Return the CPU seconds of these processes and their descendants, without ended processes."""
        import psutil

        family = set(self.processes)
        for process in self.processes:
            with suppress(psutil.Error):
                family |= set(process.children(recursive=True))
        return processes_cpu_s(process.pid for process in family)

    def gone(self) -> list[int]:
        """Return the pids of ended processes."""
        return [process.pid for process in self.processes if not _alive(process)]

    def kill(self) -> None:
        """Kill the processes that still run and wait for their end."""
        import psutil

        for process in self.processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(self.processes, timeout=WAIT_S)


def _title(process: Any) -> str:
    import psutil

    try:
        return str((process.cmdline() or [""])[0])
    except psutil.Error:
        return ""


def _alive(process: Any) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
