"""A host in a child process, so that its CPU, with that of its children, can be measured by itself.

Parent and child exchange pickled frames over a socket pair. A child whose parent is gone ends itself, even while a
miner holds its event loop; a parent whose child is gone knows at once, and ends what the child had started.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import pickle
import signal
import socket
import struct
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from time import monotonic, sleep
from typing import Any

import psutil

from cluster.cpu import tree_cpu_s, trees_cpu_s
from cluster.errors import HostDied, PoolError
from cluster.hosts.host import Host
from cluster.hosts.host_link import not_ready
from cluster.plan import Group
from cluster.text import safe_text
from miners import Miner, Pay
from subnets import Cost, Query, Response

END_S = 5.0
"""Time for a child to end itself before it is killed."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """One message in either direction; frames with the same number belong to one call."""

    call: int
    verb: str
    """One of open, serve, baseline, paid, cancel (to the child); value, end, failed (to the parent)."""
    value: Any = None


@dataclass(frozen=True, slots=True)
class _Serve:
    uids: tuple[int, ...]
    query: bytes
    """The query, pickled once for all hosts."""


@dataclass(frozen=True, slots=True)
class _Baseline:
    uid: int
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class _Paid:
    pays: tuple[Mapping[int, Pay], ...]
    again: bool


class ChildProcess:
    """The link to a host in a child process."""

    def __init__(self, group: Group, number: int, *, start_timeout_s: float) -> None:
        self.name = group.host_names()[number]
        self._group = group
        self._start_timeout_s = start_timeout_s
        self._calls = itertools.count()
        self._inboxes: dict[int, asyncio.Queue[_Frame | None]] = {}
        self._process: BaseProcess | None = None
        self._child: psutil.Process | None = None
        """The same process, which stays distinguishable when its pid is reused."""
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._on_exit: Finalize | None = None
        self._ended_cpu_s = 0.0
        """CPU of the earlier processes."""
        self._last_cpu_s = 0.0
        """CPU of the present process when it died, read before anything reaps it."""

    @property
    def pid(self) -> int | None:
        """The child process."""
        return self._process.pid if self._process is not None else None

    @property
    def ended_cpu_s(self) -> float:
        """CPU of reaped processes, which counts as this process's own."""
        reaped = self._child is not None and not self._child.is_running()
        return self._ended_cpu_s + (self._last_cpu_s if reaped else 0.0)

    async def start(self) -> None:
        """Start the process and open the engines in it."""
        ours, theirs = socket.socketpair()
        try:
            threads = max(1, int(self._group.cpus)) if self._group.cpus else 0
            target = (theirs, self.name, dict(self._group.miners), threads)
            self._process = multiprocessing.get_context("spawn").Process(target=_main, args=target, name=self.name)
            # The child inherits the mask, so Ctrl-C can't hit it before it has set its own handler. The resource
            # tracker, which starts with the first child, would unblock the signal.
            resource_tracker.ensure_running()
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self._process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            self._child, self._last_cpu_s = psutil.Process(self._process.pid), 0.0
        except Exception as error:  # a miner can't be pickled, or there is no memory for a process
            ours.close()
            self._process = None
            raise PoolError(f"host {self.name} can't be started: {type(error).__name__}: {safe_text(error)}") from error
        finally:
            theirs.close()
        # An interpreter waits for its children when it exits; this child ends when the socket closes.
        self._on_exit = Finalize(self, ours.close, exitpriority=10)
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._reading = asyncio.create_task(self._read(reader))
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await self._ask("open")
        except TimeoutError:
            raise not_ready(self.name, self._start_timeout_s) from None
        except HostDied:
            # A child imports the program's main module, for the classes that are defined there.
            raise PoolError(
                f"host {self.name} ended during its start; stderr has the reason. A script that makes a pool must do "
                "so below `if __name__ == '__main__':`"
            ) from None

    async def serve(self, uids: Sequence[int], packed: Any) -> AsyncIterator[tuple[Response, ...]]:
        """Serve in the child; cancelling this cancels the miners' work."""
        call, inbox = self._send("serve", _Serve(tuple(uids), packed.pickled))
        ended = False
        try:
            while (frame := await self._next(inbox)).verb == "value":
                yield frame.value.responses
            ended = True
            if frame.verb == "failed":
                failed = HostDied if self._group.isolated else PoolError  # an isolated host was broken by its miners
                raise failed(f"host {self.name}: {frame.value}")
        finally:
            del self._inboxes[call]
            if not ended and self._writer is not None:
                _write(self._writer, _Frame(call, "cancel"))

    async def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool) -> None:
        """Have the child notify its miners."""
        await self._ask("paid", _Paid(tuple(pays), again))

    async def baseline(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run the miner in the child."""
        costs: list[Cost | None] = await self._ask("baseline", _Baseline(uid, tuple(queries)))
        return costs

    async def cpu_s(self) -> float | None:
        """Ask the operating system: the child need not be free to answer."""
        return self._used_s()

    async def close(self) -> None:
        """Ask the child to end, then force it."""
        process, self._process = self._process, None
        child = self._child
        if self._writer is not None:
            self._writer.transport.abort()
        if process is not None and child is not None:
            try:
                await asyncio.to_thread(_wait_until_dead, child, END_S)
            finally:  # also when cancelled, as by another Ctrl-C: no other code can end the child any more
                _kill(child)
                await asyncio.to_thread(_wait_until_dead, child, END_S)
                self._ended_cpu_s, self._child = self._used_s(), None
                process.join()
                process.close()
        if self._reading is not None:
            await self._reading
        if self._on_exit is not None:
            self._on_exit.cancel()
        self._writer = self._reading = self._on_exit = None

    def _used_s(self) -> float:
        if self._child is None or not self._child.is_running():
            return self.ended_cpu_s
        return self._ended_cpu_s + tree_cpu_s(self._child.pid)

    async def _ask(self, verb: str, value: Any = None) -> Any:
        call, inbox = self._send(verb, value)
        try:
            frame = await self._next(inbox)
        finally:
            del self._inboxes[call]
        if frame.verb == "failed":
            raise PoolError(f"host {self.name}: {frame.value}")
        return frame.value

    def _send(self, verb: str, value: Any) -> tuple[int, asyncio.Queue[_Frame | None]]:
        if self._writer is None or self._reading is None or self._reading.done():
            raise HostDied(f"host {self.name} is gone")
        call, inbox = next(self._calls), asyncio.Queue[_Frame | None]()
        self._inboxes[call] = inbox
        _write(self._writer, _Frame(call, verb, value))
        return call, inbox

    async def _next(self, inbox: asyncio.Queue[_Frame | None]) -> _Frame:
        frame = await inbox.get()
        if frame is None:
            raise HostDied(f"host {self.name} died with the query in flight")
        return frame

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while (frame := await _receive(reader)) is not None:
                if (inbox := self._inboxes.get(frame.call)) is not None:
                    inbox.put_nowait(frame)
            if self._process is not None and self._child is not None:  # the child ended by itself
                self._last_cpu_s = trees_cpu_s(self._child.pid).get(self._child.pid, 0.0)
                _kill(self._child)
        finally:
            for inbox in self._inboxes.values():
                inbox.put_nowait(None)


def _write(writer: asyncio.StreamWriter, frame: _Frame) -> None:
    body = pickle.dumps(frame, protocol=5)
    writer.write(struct.pack("!Q", len(body)) + body)


async def _receive(reader: asyncio.StreamReader) -> _Frame | None:
    """Read a frame; return None once the other side is gone or writes something else."""
    try:
        (length,) = struct.unpack("!Q", await reader.readexactly(8))
        frame = pickle.loads(await reader.readexactly(length))
    except Exception:  # a miner may have written anything into the socket
        return None
    return frame if isinstance(frame, _Frame) else None


def _wait_until_dead(child: psutil.Process, timeout_s: float) -> None:
    """Wait for a child to end without reaping it, so that its CPU time can still be read."""
    give_up = monotonic() + timeout_s
    with suppress(psutil.NoSuchProcess):
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE and monotonic() < give_up:
            sleep(0.01)


def _kill(child: psutil.Process) -> None:
    """Kill a child and its own children, unless it is reaped and its pid may be reused."""
    if child.is_running():
        for kill in (os.killpg, os.kill):  # the second if it has no group yet
            with suppress(ProcessLookupError):
                kill(child.pid, signal.SIGKILL)


def _main(channel: socket.socket, name: str, miners: Mapping[int, Miner], threads: int) -> None:
    """Run as the child."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_Child(Host(name, miners, threads, owns_process=True)).run(channel))


def _end_with_parent() -> None:
    """Kill this process and its children soon after its parent is gone, even if a miner holds the event loop."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    sleep(END_S)
    os.killpg(0, signal.SIGKILL)


class _Child:
    """Answers the frames of the parent."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self, channel: socket.socket) -> None:
        reader, self._writer = await asyncio.open_unix_connection(sock=channel)
        while (frame := await _receive(reader)) is not None:
            if frame.verb == "cancel":
                if (task := self._tasks.get(frame.call)) is not None:
                    task.cancel()
                continue
            task = self._tasks[frame.call] = asyncio.create_task(self._work(frame))
            task.add_done_callback(partial(self._forget, frame.call))
        for task in self._tasks.values():
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S / 2):
                await self._host.close()
        # Threads and processes of engines may not end by themselves.
        os.killpg(0, signal.SIGKILL)

    async def _work(self, frame: _Frame) -> None:
        try:
            value = None
            match frame.value:
                case _Serve(uids, query):
                    async for served in self._host.serve_all(uids, pickle.loads(query)):
                        self._reply(_Frame(frame.call, "value", served))
                case _Baseline(uid, queries):
                    value = await self._host.baseline(uid, queries)
                case _Paid(pays, again):
                    self._host.paid(pays, again=again)
                case _:
                    await self._host.open()
            self._reply(_Frame(frame.call, "end", value))
        except Exception as error:
            self._reply(_Frame(frame.call, "failed", f"{type(error).__name__}: {safe_text(error)}"))

    def _forget(self, call: int, _: asyncio.Task[None]) -> None:
        self._tasks.pop(call, None)

    def _reply(self, frame: _Frame) -> None:
        _write(self._writer, frame)
