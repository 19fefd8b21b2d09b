"""Child processes that a library starts and does not tell us of."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from .clock import process_cpu_s

WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Children:
    """Processes below this one; a number that the system gave to another process later is not taken for one."""

    processes: tuple[Any, ...] = ()

    @classmethod
    def now(cls) -> Self:
        """Return all that there are."""
        import psutil

        return cls(tuple(psutil.Process().children(recursive=True)))

    @classmethod
    def born_since(cls, before: Children, title: str) -> Self:
        """Return those that were not there before: the ones with this title, or all where none has it."""
        born = [process for process in cls.now().processes if process not in set(before.processes)]
        return cls(tuple(process for process in born if _title(process).startswith(title)) or tuple(born))

    @property
    def pids(self) -> tuple[int, ...]:
        """Their numbers."""
        return tuple(process.pid for process in self.processes)

    def cpu_s(self) -> float:
        """CPU seconds that they and all that descends from them have used, but for what has ended."""
        import psutil

        family = set(self.processes)
        for process in self.processes:
            with suppress(psutil.Error):
                family |= set(process.children(recursive=True))
        return process_cpu_s(process.pid for process in family)

    def gone(self) -> list[int]:
        """Return the numbers of those that have ended."""
        return [process.pid for process in self.processes if not _alive(process)]

    def kill(self) -> None:
        """End those that still run, and wait until they are gone."""
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
