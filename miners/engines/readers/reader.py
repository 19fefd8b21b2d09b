"""A reader: an engine that reads the lines of text on an image.

It reads one image at a time, in a thread outside the event loop, and charges the CPU time of that thread and of its
child processes to the caller. A reading that is cancelled or late is stopped before `read` returns, so nothing keeps
running unnoticed.

    await reader.read(png)  ->  (Line("Invoice No. 17", 40.0, 52.0, 210.0, 71.0), ...)
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PrivateAttr

from miners.engines.image import QueryImage, open_image
from miners.miner import Engine
from miners.registry import ENGINES
from subnets import Cost, spend

from .lines import Line, Word, lines

if TYPE_CHECKING:
    from PIL.Image import Image

MIN_SIDE = 8
"""Pixels of the shorter side of an image, below which it holds no text; engines refuse such images or see strokes."""


class Abort:
    """Stops the work of another thread: call `request` on the loop, `arm` and `disarm` in the thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stop: Callable[[], None] | None = None
        self.requested = False

    def request(self) -> None:
        """Stop the work now, or as soon as it can be stopped."""
        with self._lock:
            self.requested = True
            if self._stop is not None:
                self._stop()

    def arm(self, stop: Callable[[], None]) -> None:
        """Set the way to stop the work from here on."""
        with self._lock:
            self._stop = stop
            if self.requested:
                stop()

    def disarm(self) -> None:
        """Declare the work done; a stop that has begun is over when this returns."""
        with self._lock:
            self._stop = None


class Reading:
    """One image being read."""

    def __init__(self, image: QueryImage, scale: float, timeout_s: float) -> None:
        self._image = image
        self._scale = scale
        self.ends = time.monotonic() + timeout_s
        self.abort = Abort()
        self.cpu_s = 0.0
        """CPU seconds of the reading thread, its helpers and its child processes."""
        self.gpu_s = 0.0
        """Seconds of one whole GPU."""

    def pixels(self) -> Image:
        """Decode the image to 8-bit grey, upright and scaled; raises ImageError if it can't be decoded."""
        return self._image.grey(self._scale)

    @property
    def left_s(self) -> float:
        """Seconds until the reading is late."""
        return max(0.0, self.ends - time.monotonic())


class Reader(Engine):
    """Base of the engines that read images."""

    gap: float = Field(1.3, gt=0)
    """Space that separates two lines side by side, in heights of their text."""
    min_confidence: float = Field(0.0, ge=0, le=100)
    """Words of lower confidence are dropped, in percent."""
    timeout_s: float = Field(30.0, gt=0)
    """Time limit for one image."""

    _free: asyncio.Lock = PrivateAttr(default_factory=asyncio.Lock)

    @property
    def cpus(self) -> float:
        """One core, because threads of one reading cost more than they gain."""
        return 1.0

    @property
    def concurrency(self) -> int:
        """One image at a time."""
        return 1

    @property
    def replicable(self) -> bool:
        """True, because opening takes a second at most."""
        return True

    @property
    def executor(self) -> Executor | None:
        """Threads that read; None for those of the event loop."""
        return None

    @abstractmethod
    def recognise(self, reading: Reading) -> Sequence[Word]:
        """Return the words with boxes in `reading.pixels()`; runs in a thread.

        Add the CPU time of child processes and helper threads to `reading.cpu_s`, and stop soon after an abort is
        requested or time is up.
        """

    async def read(self, image: bytes, *, scale: float = 1.0, timeout_s: float = float("inf")) -> tuple[Line, ...]:
        """Read a PNG or JPEG after resizing it by `scale`; boxes are in pixels of the original image, held upright.

        Raises:
            ImageError: not a PNG or JPEG, broken, or too large to be decoded.
            TimeoutError: not done within `timeout_s` or the engine's own limit.
            RuntimeError: the engine failed; its message is quoted.
        """
        opened = open_image(image)
        width, height = opened.size
        async with self._free:
            limit_s = min(timeout_s, self.timeout_s)
            reading = Reading(opened, scale, limit_s)
            work = asyncio.get_running_loop().run_in_executor(self.executor, self._metered, reading)
            cancelled: asyncio.CancelledError | None = None
            try:
                done, _ = await asyncio.wait({work}, timeout=limit_s)
            finally:
                reading.abort.request()
                while not work.done():
                    try:
                        await asyncio.wait({work})
                    except asyncio.CancelledError as again:
                        cancelled = again
                failure = work.exception()
                spend(Cost(cpu_s=reading.cpu_s, gpu_s=reading.gpu_s))
            if cancelled is not None:
                raise cancelled
            if not done or (failure is not None and reading.left_s == 0.0):
                raise TimeoutError(f"an image was not read within {limit_s:g} s")
            result = lines(work.result(), gap=self.gap, min_confidence=self.min_confidence)
        if scale == 1.0:
            return result
        across, down = width / max(1, round(width * scale)), height / max(1, round(height * scale))
        return tuple(
            replace(line, x1=line.x1 * across, y1=line.y1 * down, x2=line.x2 * across, y2=line.y2 * down)
            for line in result
        )

    def _metered(self, reading: Reading) -> Sequence[Word]:
        started = time.thread_time()
        try:
            return self.recognise(reading)
        finally:
            reading.cpu_s += time.thread_time() - started


AnyReader = Annotated[Reader, *ENGINES.field()]
"""A field of a miner that takes a reader, by name or as a table."""
