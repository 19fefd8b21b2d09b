"""PP-OCR models through rapidocr and onnxruntime: the strongest reader, and the most expensive.

The models stay loaded, and one thread of the engine's own reads with them. A reading can't be killed; it ends before
its next batch of lines once it is not needed any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr

from inference.clock import ThreadClock
from inference.device import gpu_here
from miners.engines.image import open_image, sample
from miners.errors import EngineError

from .lines import Word
from .reader import MIN_SIDE, Reader, Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

CUDA = "CUDAExecutionProvider"
MARGIN = 0.3
"""Maximum share of a detected line's height that lies between its box and the ink, on each side."""
MAX_ASPECT = 8
"""Maximum ratio of the sides; the detector enlarges the shorter one to 736 pixels, however long the other gets."""
INKED = 0.01
"""Share of the pixels of a row that are dark where it holds ink; specks of noise have fewer."""


class _Stopped(Exception):
    """The reading is not needed any more."""


class _Guarded:
    """A session of rapidocr that asks before each batch whether to go on."""

    def __init__(self, session: Callable[[Any], Any], goes_on: Callable[[], bool]) -> None:
        self._session, self._goes_on = session, goes_on

    def __call__(self, batch: Any) -> Any:
        if not self._goes_on():
            raise _Stopped
        return self._session(batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class Rapidocr(Reader):
    """The PP-OCR models that the package rapidocr contains."""

    description = "PP-OCR models kept warm in process, on CPU or GPU (optional package rapidocr)"

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """"auto" takes a GPU where there is one and onnxruntime-gpu is installed."""
    threads: int = Field(1, ge=1, le=64)
    """CPU threads of the models."""
    gpu_share: float = Field(1.0, gt=0.0, le=1.0)
    """Share of the GPU, so that several engines can be placed on one."""

    _models: Any = PrivateAttr(None)
    _thread: ThreadPoolExecutor | None = PrivateAttr(None)
    _clock: ThreadClock | None = PrivateAttr(None)
    _reading: Reading | None = PrivateAttr(None)

    @property
    def cpus(self) -> float:
        """The threads of its models."""
        return float(self.threads)

    @property
    def gpus(self) -> float:
        """Its share of a GPU, if it uses one."""
        return self.gpu_share if self._on_gpu else 0.0

    @property
    def executor(self) -> Executor | None:
        """The engine's own thread, whose helpers are charged with it."""
        return self._thread

    async def open(self) -> None:
        """Load the models and read a word, so that no query pays for the first use.

        Raises:
            EngineError: a package is missing or onnxruntime can't use the GPU; with the fix.
        """
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rapidocr")
        try:
            self._models = self._thread.submit(self._load).result()
            await self.read(sample())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Release the models."""
        thread, self._thread, self._models = self._thread, None, None
        if thread is not None:
            thread.shutdown()

    def recognise(self, reading: Reading) -> list[Word]:
        """Find the lines, then read them in batches."""
        if self._models is None or self._clock is None:
            raise RuntimeError("the rapidocr engine is not open")
        pixels = _array(reading.pixels())
        if min(pixels.shape[:2]) < MIN_SIDE:
            return []
        pixels = _padded(pixels)
        self._reading = reading
        before_s, thread_s, wall_s = self._clock.cpu_s(), time.thread_time(), time.perf_counter()
        try:
            result = self._models(pixels)
        except Exception as error:
            if _was_stopped(error):
                return []
            raise RuntimeError(f"rapidocr failed: {type(error).__name__}: {str(error)[-300:]}") from error
        finally:
            self._reading = None
            # The thread's own time is charged by the caller.
            helpers_s = self._clock.cpu_s() - before_s - (time.thread_time() - thread_s)
            reading.cpu_s += max(0.0, helpers_s)
            reading.gpu_s += (time.perf_counter() - wall_s) * self.gpus
        return _words(result, pixels)

    @property
    def _on_gpu(self) -> bool:
        return self.device == "cuda" or (self.device == "auto" and gpu_here() and _has_cuda_build())

    def _goes_on(self) -> bool:
        reading = self._reading
        return reading is None or not (reading.abort.requested or reading.left_s == 0.0)

    def _load(self) -> Any:
        """Load the models in the engine's own thread."""
        self._clock = ThreadClock()
        try:
            import cv2
            import onnxruntime
            from rapidocr import RapidOCR
        except ImportError as error:
            raise EngineError(
                f"rapidocr can't be imported ({error}); get it with: pip install 'subnetlab[rapidocr]'"
            ) from error
        if self._on_gpu and CUDA not in onnxruntime.get_available_providers():
            raise EngineError(
                f"onnxruntime {onnxruntime.__version__} has no CUDA; take device = 'cpu', "
                "or replace it with: pip uninstall onnxruntime; pip install onnxruntime-gpu"
            )
        cv2.setNumThreads(1)
        options = {
            "Global.use_cls": False,  # images come upright
            "Global.text_score": 0.0,  # `min_confidence` decides
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": self.threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "EngineConfig.onnxruntime.use_cuda": self._on_gpu,
        }
        models = RapidOCR(params=options)
        # rapidocr loads each model at its first use, so it is used before its sessions are guarded.
        models(_array(open_image(sample()).grey()))
        for model in (models.text_det, models.text_rec):
            model.session = _Guarded(model.session, self._goes_on)
        for _ in range(2):  # a helper thread counts once it has been seen twice
            self._clock.cpu_s()
        return models


def _array(image: Image) -> NDArray[np.uint8]:
    """Return an image as an array of three channels, (height, width, 3)."""
    import numpy as np

    return np.asarray(image.convert("RGB"))


def _padded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Add white on the right or below, so that no side is much longer than the other."""
    import numpy as np

    height, width = pixels.shape[:2]
    least = max(32, -(-max(height, width) // MAX_ASPECT))
    down, across = max(0, least - height), max(0, least - width)
    return np.pad(pixels, ((0, down), (0, across), (0, 0)), constant_values=255)


def _has_cuda_build() -> bool:
    """Return whether the package with CUDA is installed, without importing it."""
    try:
        return bool(version("onnxruntime-gpu"))
    except PackageNotFoundError:
        return False


def _was_stopped(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, _Stopped):
            return True
        error = error.__cause__ or error.__context__
    return False


def _words(result: Any, pixels: NDArray[np.uint8]) -> list[Word]:
    """Return detected lines as words, each on a line of its own; `lines` joins those that continue each other."""
    if result.boxes is None or result.txts is None:
        return []
    words = []
    for number, (quad, text, score) in enumerate(zip(result.boxes, result.txts, result.scores, strict=True), start=1):
        if text.strip():
            (x1, y1), (x2, y2) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
            loose = Word(text.strip(), x1, y1, x2, y2, 100.0 * float(score), number)
            words.append(_tightened(loose, pixels[:, :, 0]))
    return words


def _tightened(word: Word, grey: NDArray[np.uint8]) -> Word:
    """Return a word with the box of its ink, because the detector draws boxes wider."""
    import cv2
    import numpy as np

    height, width = grey.shape
    x1, x2 = (int(np.clip(round(x), 0, width)) for x in (word.x1, word.x2))
    y1, y2 = (int(np.clip(round(y), 0, height)) for y in (word.y1, word.y2))
    if x2 - x1 < 4 or y2 - y1 < 4:
        return replace(word, x1=float(x1), y1=float(y1), x2=float(max(x2, x1 + 1)), y2=float(max(y2, y1 + 1)))
    _, ink = cv2.threshold(grey[y1:y2, x1:x2], 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    most = round(MARGIN * min(y2 - y1, x2 - x1))
    columns, rows = np.asarray(ink.any(axis=0)), np.asarray(ink.mean(axis=1) > INKED)
    left, right, top, bottom = (_blank(side, most) for side in (columns, columns[::-1], rows, rows[::-1]))
    return replace(word, x1=float(x1 + left), y1=float(y1 + top), x2=float(x2 - right), y2=float(y2 - bottom))


def _blank(inked: NDArray[np.bool_], most: int) -> int:
    """Return the number of rows without ink before the first with some, at most `most`."""
    return min(most, int(inked.argmax())) if inked.any() else 0
