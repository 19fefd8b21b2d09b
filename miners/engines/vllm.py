"""The vLLM engine: continuous batching over all miners that share it, with a cache of common prefixes.

The model runs in separate processes, whose CPU or GPU time is charged to requests by tokens. When one of them ends,
everything in flight raises `EngineDied` at once, and the engine must be closed and opened again.

    engine = { kind = "vllm", model = "Qwen/Qwen3-8B", tensor_parallel_size = 2 }
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from pydantic import Field, PrivateAttr

from inference.causal import encode, end_tokens, load_tokenizer
from inference.children import Children
from inference.device import gpu_here, visible_gpus
from inference.environment import vllm_environment
from inference.errors import ModelError, PromptError, first_line
from inference.thinking import ThinkingTokens
from inference.vision import Vision, load_vision
from inference.weights import resolve
from miners.errors import EngineDied, EngineError
from subnets import Cost, spend

from .attribution import Attribution, Job, Work
from .completion import Completion, Request, Timings, Usage
from .image import open_image
from .language import LanguageEngine
from .usage_window import WindowBill

logger = logging.getLogger(__name__)

WATCH_S = 0.25
"""Seconds between two checks of the engine's processes."""
SHUTDOWN_S = 5


class VLLM(LanguageEngine):
    """A language model in vLLM, on GPUs, or on a CPU if vLLM was built for one."""

    description = "a language model in vLLM, batched continuously over all its miners"

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """"auto" takes a GPU where there is one."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """"auto" is the weights' own type on a GPU and float32 on a CPU."""
    tensor_parallel_size: int = Field(1, ge=1)
    """GPUs that hold the model together."""
    gpu_share: float = Field(0.9, gt=0.0, le=1.0)
    """Share of each GPU: of its memory, and of the whole GPU when hosts are placed."""
    context: int | None = Field(None, ge=16)
    """Tokens of prompt and answer together; omit it to take the model's own limit."""
    max_batch: int = Field(64, ge=1)
    """Requests written at once."""
    prefix_caching: bool = True
    """Keep what was computed for the beginning of a prompt, for other prompts that begin alike."""
    eager: bool | None = None
    """Skip compilation. Omit it to skip it on a CPU alone, where it takes longer than it saves."""
    threads: int = Field(1, ge=1)
    """CPU threads of a model on a CPU."""
    cache_gib: int = Field(1, ge=1)
    """Memory for keys and values of a model on a CPU."""
    template: str = ""
    """Chat template in Jinja, for a model whose own is missing or wrong."""

    _llm: Any = PrivateAttr(None)
    _tokenizer: Any = PrivateAttr(None)
    _ends: frozenset[int] = PrivateAttr(frozenset())
    _thinking: Any = PrivateAttr(None)
    _room: int = PrivateAttr(0)
    _vision: Vision | None = PrivateAttr(None)
    _no_images: str = PrivateAttr("")
    _children: Children | None = PrivateAttr(None)
    _watch: asyncio.Task[None] | None = PrivateAttr(None)
    _died: str = PrivateAttr("")
    _bill: WindowBill | None = PrivateAttr(None)

    @property
    def cpus(self) -> float:
        """One core to drive GPUs, or the model's threads."""
        return 1.0 if self.gpus else float(self.threads)

    @property
    def gpus(self) -> float:
        """GPUs, or the share of one, that the model takes."""
        if self.device == "cpu" or (self.device == "auto" and not gpu_here()):
            return 0.0
        return float(self.tensor_parallel_size) if self.tensor_parallel_size > 1 else self.gpu_share

    @property
    def attribution(self) -> Attribution:
        """The engine's usage so far, split among requests."""
        return self._open()[1].attribution

    @property
    def no_images(self) -> str:
        """Why the model takes no images; empty if it does."""
        return self._no_images

    @property
    def died(self) -> str:
        """The engine's processes that ended; empty while all are alive."""
        return self._died

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the model."""
        return self._children.pids if self._children else ()

    async def open(self) -> None:
        """Start the engine's processes and load the model.

        Raises:
            EngineError: the model or vLLM is missing, or it does not start; with the fix.
        """
        before = Children.now()
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._start)
            self._died, self._children = "", Children.born_since(before, "VLLM")
            gpus = list(range(self.tensor_parallel_size)) if self.gpus else []
            visible = visible_gpus(len(gpus), os.environ.get("CUDA_VISIBLE_DEVICES")) if gpus else []
            self._bill = WindowBill(self.pids, visible, self.gpus)
            self._watch = asyncio.create_task(self._watch_processes())
            await self._write(
                {"prompt_token_ids": [next(iter(self._tokenizer.encode("a")), 0)]},
                Request((), max_tokens=2),
                Job(),
                _Progress(),
            )
            self._bill.forget()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the engine's processes."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
        llm, self._llm = self._llm, None
        if llm is not None:
            await asyncio.get_running_loop().run_in_executor(None, _shut_down, llm)
            await asyncio.sleep(0)  # its sockets are closed on this loop
            await asyncio.get_running_loop().run_in_executor(None, _end_context, llm)
        children, self._children = self._children, None
        if children is not None:
            await asyncio.get_running_loop().run_in_executor(None, children.kill)
        self._bill = None

    async def complete(self, request: Request) -> Completion:
        """Answer the request in the engine's continuous batch."""
        self._open()
        job, progress = Job(), _Progress()
        prompt = await self._prompt(request, progress)
        try:
            await self._write(prompt, request, job, progress)
        finally:
            read = len(progress.prompt)
            spend(job.cost + Cost(input_tokens=read, output_tokens=len(progress.token_ids)))
        text = self._thinking.without_others("".join(progress.texts))
        written = self.written(text, progress.prompt, self._thinking)
        return Completion(
            text=written.text,
            token_ids=tuple(progress.token_ids),
            logprobs=tuple(progress.logprobs),
            likeliest=tuple(progress.likeliest),
            finish="length" if progress.finish == "length" else "stop",
            seen=self._seen(prompt),
            model=self.model,
            usage=Usage(
                len(progress.prompt),
                len(progress.token_ids),
                progress.cached,
                thinking_tokens=min(written.thinking_tokens, len(progress.token_ids)),
            ),
            timings=Timings(0.0, progress.first_token_s, progress.total_s),
            prefill=job.prefill,
            decode=job.decode,
        )

    async def _prompt(self, request: Request, progress: _Progress) -> Mapping[str, Any]:
        """Return the prompt as vLLM takes it: token ids, or a text and an image, whose tokens it counts itself."""
        if request.image:
            return await asyncio.get_running_loop().run_in_executor(None, self._image_prompt, request)
        progress.prompt = encode(self._tokenizer, request.messages, self.model)
        if len(progress.prompt) >= self._room:
            raise PromptError(
                f"the prompt has {len(progress.prompt):,} tokens; {self.model} takes at most {self._room - 1:,}"
            )
        return {"prompt_token_ids": progress.prompt}

    def _seen(self, prompt: Mapping[str, Any]) -> tuple[int, int] | None:
        if self._vision is None or "multi_modal_data" not in prompt:
            return None
        return self._vision.seen_size(prompt["multi_modal_data"]["image"].size)

    def _image_prompt(self, request: Request) -> Mapping[str, Any]:
        assert self._vision is not None  # else `generate` has refused the image
        image = open_image(request.image).grey().convert("RGB")
        return {"prompt": self._vision.render(request.messages), "multi_modal_data": {"image": image}}

    async def _write(self, prompt: Mapping[str, Any], request: Request, job: Job, progress: _Progress) -> None:
        from vllm import SamplingParams
        from vllm.exceptions import VLLMValidationError
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError

        llm, bill = self._open()
        params = SamplingParams(
            temperature=request.temperature,
            top_p=request.top_p,
            seed=request.seed % 2**63,
            max_tokens=min(request.max_tokens, self._room - max(1, len(progress.prompt))),
            stop=list(request.stop),
            stop_token_ids=sorted(self._ends),
            skip_special_tokens=not self._thinking.special,
            logprobs=request.logprobs,
            output_kind=RequestOutputKind.DELTA,
        )
        started = time.perf_counter()
        bill.begin()
        try:
            async for output in llm.generate(prompt, params, request_id=uuid4().hex):
                first = not progress.token_ids
                progress.add(output, request.logprobs)
                if first:
                    progress.first_token_s = time.perf_counter() - started
                    progress.cached = output.num_cached_tokens or 0
                read = max(1, len(progress.prompt) - progress.cached) if first else 0
                # The first token comes with reading the prompt.
                bill.add(Work(job, read, len(output.outputs[0].token_ids) - (1 if first else 0)))
            progress.total_s = time.perf_counter() - started
            await bill.settled()
        except EngineDeadError as error:
            self._died = self._died or f"the vLLM engine of {self.model} died: {str(error)[:200]}"
            raise EngineDied(self._died) from None
        except (ValueError, VLLMValidationError) as error:  # vLLM's own refusal of a prompt or of an option
            raise PromptError(f"vLLM refuses the prompt: {str(error)[:300]}") from error
        finally:
            bill.end()

    def _open(self) -> tuple[Any, WindowBill]:
        if self._died:
            raise EngineDied(self._died)
        if self._llm is None or self._bill is None:
            raise RuntimeError("the vLLM engine is not open")
        return self._llm, self._bill

    async def _watch_processes(self) -> None:
        """Fail everything in flight as soon as one of the engine's processes ends."""
        while True:
            await asyncio.sleep(WATCH_S)
            ended = self._children.gone() if self._children else []
            if not ended and not self._llm.errored:
                continue
            self._died = (
                f"the vLLM engine of {self.model} died: process {', '.join(map(str, ended)) or 'unknown'} ended"
            )
            logger.error("%s", self._died)
            from vllm.v1.engine.exceptions import EngineDeadError

            self._llm.output_processor.propagate_error(EngineDeadError())
            return

    def _start(self) -> None:
        """Load vLLM and start the engine; runs in a thread because it is slow."""
        try:
            folder = resolve(self.model)
            with vllm_environment(cache_gib=self.cache_gib, threads=None if self.gpus else self.threads):
                from vllm import AsyncEngineArgs
                from vllm.platforms import current_platform
                from vllm.v1.engine.async_llm import AsyncLLM

                on_cpu = current_platform.is_cpu()
                if on_cpu and self.device == "cuda":
                    raise EngineError(
                        "this vLLM is built for CPUs; get the other one with: pip install 'subnetlab[vllm]'"
                    )
                self._tokenizer = load_tokenizer(self.model)
                if self.template:
                    self._tokenizer.chat_template = self.template
                self._ends = end_tokens(self._tokenizer)
                self._thinking = ThinkingTokens(self._tokenizer)
                self._load_vision(folder)
                # On a CPU a sampled request whose prompt is read in parts kills the whole engine (vLLM 0.32: "CPU
                # Generator does not use offset"), so prompts are read whole.
                options: dict[str, Any] = {"enable_chunked_prefill": False} if on_cpu else {}
                if self._vision is not None:
                    # A prompt has one image, and no page comes twice, so that nothing of them is worth keeping.
                    options |= {"limit_mm_per_prompt": {"image": 1, "video": 0}, "mm_processor_cache_gb": 0}
                if not on_cpu:
                    options["gpu_memory_utilization"] = self.gpu_share
                self._llm = AsyncLLM.from_engine_args(
                    AsyncEngineArgs(
                        model=str(folder),
                        dtype="float32" if on_cpu and self.dtype == "auto" else self.dtype,
                        tensor_parallel_size=self.tensor_parallel_size,
                        distributed_executor_backend="mp" if self.tensor_parallel_size > 1 else None,
                        max_model_len=self.context,
                        max_num_seqs=self.max_batch,
                        enable_prefix_caching=self.prefix_caching,
                        enforce_eager=on_cpu if self.eager is None else self.eager,
                        trust_remote_code=False,
                        load_format="safetensors",
                        enable_log_requests=False,
                        disable_log_stats=True,
                        **options,
                    )
                )
                self._room = int(self._llm.model_config.max_model_len)
        except (EngineError, ModelError) as error:
            raise EngineError(str(error)) from error
        except ImportError as error:
            raise EngineError(
                f"vLLM can't be imported ({error}); get it with: pip install 'subnetlab[vllm]', "
                "or without a GPU: make text"
            ) from error
        except Exception as error:  # a child's failure arrives as whatever vLLM makes of it
            reason = first_line(error, 300) or type(error).__name__
            raise EngineError(
                f"vLLM can't start {self.model}: {reason}; see its own messages above; "
                "a smaller gpu_share, context or max_batch may help"
            ) from error

    def _load_vision(self, folder: Path) -> None:
        """Load the model's processor of images; without it, a vision-language model still answers text."""
        from transformers import AutoConfig

        self._vision, self._no_images = None, f"{self.model} reads text alone"
        try:
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            self._vision = load_vision(folder, config, self.model, self.template)
        except ModelError as error:
            self._no_images = str(error)
        if self._vision is not None:
            self._no_images = ""


class _Progress:
    """The answer to one request so far."""

    def __init__(self) -> None:
        self.prompt: list[int] = []
        """Tokens of the prompt; those of an image are known once the model has read it."""
        self.texts: list[str] = []
        self.token_ids: list[int] = []
        self.logprobs: list[float] = []
        self.likeliest: list[dict[int, float]] = []
        self.finish = ""
        self.cached = 0
        self.first_token_s = 0.0
        self.total_s = 0.0

    def add(self, output: Any, logprobs: int | None) -> None:
        if not self.prompt:
            self.prompt = list(output.prompt_token_ids or ())
        piece = output.outputs[0]
        self.texts.append(piece.text)
        self.token_ids.extend(piece.token_ids)
        self.finish = piece.finish_reason or ""
        if logprobs is None:
            return
        for token, entries in zip(piece.token_ids, piece.logprobs or (), strict=False):
            self.logprobs.append(float(entries[token].logprob))
            ranked = sorted(((entry.rank, other) for other, entry in entries.items()), key=lambda pair: pair[0])
            if logprobs:
                self.likeliest.append({other: float(entries[other].logprob) for _, other in ranked[:logprobs]})


def _shut_down(llm: Any) -> None:
    try:
        llm.shutdown(timeout=SHUTDOWN_S)
    except Exception as error:  # an engine that died can't be shut down cleanly
        logger.info("vLLM did not shut down cleanly: %s", error)


def _end_context(llm: Any) -> None:
    """End the ZeroMQ context that vLLM leaves to the garbage collector; its sockets must be closed before."""
    shadow = getattr(llm.engine_core, "ctx", None)
    context = getattr(shadow, "_shadow_obj", None) or shadow
    if context is None:
        return
    ending = threading.Thread(target=context.term, daemon=True)  # term() waits for sockets, possibly for ever
    ending.start()
    ending.join(SHUTDOWN_S)


VLLM.model_rebuild()
