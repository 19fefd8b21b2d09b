"""The transformers engine: a model in this process that batches the requests of all miners that share it.

Requests that arrive while a batch is written, or within `linger_s` of each other, form the next batch. Batches run in
a separate thread, where every step is metered and charged to the requests that took part in it.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field, PrivateAttr

from inference.causal import CausalModel
from inference.clock import ThreadClock
from inference.device import gpu_here, visible_gpus
from inference.errors import ModelError
from inference.sampling import Batch, Row, prepare, row_of
from inference.vision import ImagePrompt, PageWriter, Vision, load_vision
from inference.weights import resolve
from miners.errors import EngineError
from subnets import Cost, spend

from .attribution import Attribution, Job, Work
from .completion import Completion, Request, Timings, Usage
from .image import open_image
from .language import LanguageEngine
from .power import EnergyCounter


@dataclass(slots=True, eq=False)
class _PendingRequest:
    """One request on its way through the engine."""

    request: Request
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Completion]
    arrived: float = field(default_factory=time.perf_counter)
    job: Job = field(default_factory=Job)
    row: Row | None = None
    prompt: ImagePrompt | None = None
    """The prompt of a request with an image."""
    seen: tuple[int, int] | None = None
    cancelled: bool = False
    """Set by the loop when the caller no longer waits."""

    def settle(self, result: Completion | BaseException) -> None:
        """Pass the outcome from the engine's thread to the loop."""

        def resolve() -> None:
            if self.future.done():
                return
            if isinstance(result, BaseException):
                self.future.set_exception(result)
            else:
                self.future.set_result(result)

        try:
            self.loop.call_soon_threadsafe(resolve)
        except RuntimeError:
            pass  # the loop is closed: nobody waits


class Transformers(LanguageEngine):
    """A causal model through transformers, batching the miners that share it."""

    description = "a language model in process, through transformers"

    device: str = "auto"
    """"cpu", "cuda", "cuda:1"; "auto" takes a GPU where there is one."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """"auto" is the weights' own type on a GPU and float32 on a CPU."""
    layers: int | None = Field(None, ge=1)
    """Keep only the model's first layers, for a weaker one."""
    threads: int = Field(1, ge=1)
    """CPU threads. More than one pays only on otherwise idle cores, because waiting threads spin."""
    max_batch: int = Field(16, ge=1, le=1024)
    """Maximum requests in a batch."""
    linger_s: float = Field(0.01, ge=0.0, le=1.0)
    """Time that the first request of a batch waits for others."""
    template: str = ""
    """Chat template in Jinja, for a model whose own is missing or wrong."""
    gpu_share: float = Field(1.0, gt=0.0, le=1.0)
    """Share of the GPU, so that several engines can be placed on one."""

    _worker: _Worker | None = PrivateAttr(None)

    @property
    def cpus(self) -> float:
        """The engine's threads."""
        return float(self.threads)

    @property
    def gpus(self) -> float:
        """Its share of a GPU, if it uses one."""
        return self.gpu_share if self.device.startswith("cuda") or (self.device == "auto" and gpu_here()) else 0.0

    async def open(self) -> None:
        """Load the model.

        Raises:
            EngineError: the model or a package is missing, or the model does not fit; with the fix.
        """
        worker = _Worker(self)
        try:
            await asyncio.get_running_loop().run_in_executor(None, worker.ready)
        except ModelError as error:
            raise EngineError(str(error)) from error
        self._worker = worker

    async def close(self) -> None:
        """Release the model."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.get_running_loop().run_in_executor(None, worker.stop)

    @property
    def attribution(self) -> Attribution:
        """The engine's usage so far, split among requests."""
        return self._open().attribution

    @property
    def no_images(self) -> str:
        """Why the model takes no images; empty if it does."""
        return self._worker.no_images if self._worker is not None else super().no_images

    async def complete(self, request: Request) -> Completion:
        """Queue the request for the next batch."""
        worker = self._open()
        loop = asyncio.get_running_loop()
        pending = _PendingRequest(request, loop, loop.create_future())
        worker.submit(pending)
        try:
            completion = await pending.future
        except BaseException:
            pending.cancelled = True
            row = pending.row
            spend(
                pending.job.cost + Cost(input_tokens=len(row.prompt), output_tokens=len(row.tokens)) if row else Cost()
            )
            raise
        spend(completion.cost)
        return completion

    def _open(self) -> _Worker:
        if self._worker is None:
            raise RuntimeError("the transformers engine is not open")
        return self._worker


class _Worker:
    """The thread that loads the model, gathers batches and runs them."""

    def __init__(self, engine: Transformers) -> None:
        self._engine = engine
        self._requests: queue.SimpleQueue[_PendingRequest | None] = queue.SimpleQueue()
        self._loaded = threading.Event()
        self._failure: BaseException | None = None
        self._stopping = False
        self._vision: Vision | None = None
        self.no_images = ""
        self.attribution = Attribution()
        self._thread = threading.Thread(target=self._run, name=f"transformers {engine.model}", daemon=True)
        self._thread.start()

    def ready(self) -> None:
        """Wait for the model; raises the error of loading it."""
        self._loaded.wait()
        if self._failure is not None:
            raise self._failure

    def submit(self, pending: _PendingRequest) -> None:
        self._requests.put(pending)

    def stop(self) -> None:
        """Stop after the current batch; requests still waiting fail."""
        self._stopping = True
        self._requests.put(None)
        self._thread.join()

    def _run(self) -> None:
        self._clock = ThreadClock()
        engine = self._engine
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            self._model = CausalModel(
                engine.model,
                device=engine.device,
                dtype=engine.dtype,
                layers=engine.layers,
                threads=engine.threads,
                template=engine.template,
            )
            self._load_vision()
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._loaded.set()
        self._on_gpu = self._model.device != "cpu"
        number = int(self._model.device.partition(":")[2] or 0)
        seen = visible_gpus(number + 1, os.environ.get("CUDA_VISIBLE_DEVICES"))[number:] if self._on_gpu else []
        self._energy = EnergyCounter(seen)
        self._read = Cost(cpu_s=self._clock.cpu_s(), wall_s=time.perf_counter(), energy_j=self._energy.energy_j())
        self.attribution.idle += replace(self._read, wall_s=0.0)
        while (first := self._requests.get()) is not None and not self._stopping:
            gathered = self._gather(first)
            self._charge([])
            self._serve(gathered)
        waiting = [first]
        while not self._requests.empty():
            waiting.append(self._requests.get())
        for pending in waiting:
            if pending is not None:
                pending.settle(RuntimeError("the engine was closed"))

    def _load_vision(self) -> None:
        """Load the model's processor of images; without it, a vision-language model still answers text."""
        name = self._engine.model
        try:
            self._vision = load_vision(resolve(name), self._model.model.config, name, self._engine.template)
            self.no_images = "" if self._vision is not None else f"{name} reads text alone"
        except ModelError as error:
            self.no_images = str(error)

    def _gather(self, first: _PendingRequest) -> list[_PendingRequest]:
        """Collect a batch."""
        requests = [first]
        until = time.perf_counter() + self._engine.linger_s
        while len(requests) < self._engine.max_batch:
            try:
                pending = self._requests.get(timeout=max(0.0, until - time.perf_counter()))
            except queue.Empty:
                break
            if pending is None:
                self._requests.put(None)  # for the loop in _run
                break
            requests.append(pending)
        return requests

    def _serve(self, requests: Sequence[_PendingRequest]) -> None:
        rows: list[_PendingRequest] = []
        for pending in requests:
            if pending.cancelled:
                continue
            try:
                if pending.request.image:
                    self._see(pending)
                else:
                    pending.row = prepare(self._model, pending.request)
                rows.append(pending)
            except Exception as error:
                pending.settle(error)
        texts = [pending for pending in rows if pending.prompt is None]
        for batch in ([texts] if texts else []) + [[pending] for pending in rows if pending.prompt is not None]:
            self._run_batch(batch)

    def _see(self, pending: _PendingRequest) -> None:
        """Decode the image of a request and encode its prompt."""
        assert self._vision is not None  # else `generate` has refused the image
        image = open_image(pending.request.image).grey().convert("RGB")
        prompt = self._vision.encode(pending.request.messages, image)
        pending.row = row_of(self._model, pending.request, prompt.tokens)
        pending.prompt, pending.seen = prompt, self._vision.seen_size(image.size)

    def _run_batch(self, rows: Sequence[_PendingRequest]) -> None:
        """Run rows to their end, or fewer of them where memory is short."""
        try:
            if rows[0].prompt is not None:
                self._write_page(rows[0])
            else:
                self._write(rows)
        except Exception as error:
            self._charge([Work(pending.job, 1) for pending in rows])
            if type(error).__name__ in ("OutOfMemoryError", "MemoryError") or "allocate memory" in str(error):
                self._serve_fewer(rows, error)
                return
            for pending in rows:
                pending.settle(RuntimeError(f"the model failed: {type(error).__name__}: {str(error)[:300]}"))

    def _serve_fewer(self, requests: Sequence[_PendingRequest], error: Exception) -> None:
        """Retry the halves of a batch that did not fit in memory; a single request fails."""
        waiting = [pending for pending in requests if not pending.future.done()]
        if self._on_gpu:
            import torch

            torch.cuda.empty_cache()
        if len(requests) == 1:
            for pending in waiting:
                length = len(pending.row.prompt) if pending.row else 0
                pending.settle(
                    MemoryError(
                        f"out of memory for a prompt of {length:,} tokens; take a smaller model or fewer engines"
                    )
                )
            return
        half = (len(requests) + 1) // 2
        for part in (requests[:half], requests[half:]):
            self._serve(part)

    def _write(self, requests: Sequence[_PendingRequest]) -> None:
        """Run one batch to its end."""
        began = time.perf_counter()
        rows = {id(pending.row): pending for pending in requests}
        batch = Batch(self._model, [pending.row for pending in requests if pending.row is not None])
        self._charge([Work(pending.job, read_tokens=len(pending.row.prompt)) for pending in requests if pending.row])
        settled: set[int] = set()
        while True:
            for key, pending in rows.items():
                if pending.row is not None and pending.row.finish and key not in settled:
                    settled.add(key)
                    pending.settle(self._completion(pending, pending.row, began))
            if not batch.rows:
                return
            if gone := [row for row in batch.rows if rows[id(row)].cancelled]:
                batch.drop(gone)
                continue
            writing = [rows[id(row)] for row in batch.rows]
            batch.step()
            self._charge([Work(pending.job, written_tokens=1) for pending in writing])

    def _write_page(self, pending: _PendingRequest) -> None:
        """Write the answer to one prompt with an image."""
        row, prompt = pending.row, pending.prompt
        assert row is not None and prompt is not None
        began = time.perf_counter()

        def goes_on() -> bool:
            first = len(row.tokens) == 1
            read, written = (len(row.prompt), 0) if first else (0, 1)
            self._charge([Work(pending.job, read, written)])
            return not pending.cancelled

        PageWriter(self._model, row).write(prompt, goes_on)
        pending.settle(self._completion(pending, row, began))

    def _completion(self, pending: _PendingRequest, row: Row, began: float) -> Completion:
        queued_s = began - pending.arrived
        written = self._engine.written(row.text, row.prompt, self._model.thinking)
        thinking = min(written.thinking_tokens, len(row.tokens))
        return Completion(
            text=written.text,
            token_ids=tuple(row.tokens),
            logprobs=tuple(row.logprobs),
            likeliest=tuple(row.likeliest),
            finish=row.finish,
            seen=pending.seen,
            model=self._model.name,
            usage=Usage(len(row.prompt), len(row.tokens), thinking_tokens=thinking),
            timings=Timings(queued_s, queued_s + row.first_token_s, row.ended - pending.arrived),
            prefill=pending.job.prefill,
            decode=pending.job.decode,
        )

    def _charge(self, works: Sequence[Work]) -> None:
        """Charge the usage since the last reading."""
        now = Cost(cpu_s=self._clock.cpu_s(), wall_s=time.perf_counter(), energy_j=self._energy.energy_j())
        used, self._read = now - self._read, now
        gpu_s = used.wall_s * self._engine.gpu_share if self._on_gpu and works else 0.0
        self.attribution.charge(replace(used, wall_s=0.0, gpu_s=gpu_s), works)


Transformers.model_rebuild()
