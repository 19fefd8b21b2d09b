"""A reward model: any sequence classifier that was trained to tell good answers to a prompt from bad ones."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from pydantic import Field

from inference.children import Children
from inference.environment import vllm_environment
from inference.models import find, quiet
from subnets import Response, Score, Scorer, Task
from subnets.cost import Cost, spend
from subnets.text_prompting.language_model import off_thread
from subnets.text_prompting.truths.truth import answer_text

from .normalise import logistic
from .prompt_fence import clean


@lru_cache(maxsize=2)
def load(model: str, device: str) -> tuple[Any, Any, str]:
    """Load a classifier and its tokenizer once a process. Safetensors alone, and no code that comes with a model."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    path = find(model)
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        classifier = AutoModelForSequenceClassification.from_pretrained(
            path, trust_remote_code=False, use_safetensors=True,
            dtype=torch.float32 if where == "cpu" else torch.bfloat16,
        )  # fmt: skip
    return classifier.to(where).eval(), tokenizer, where


class RewardModel(Scorer):
    """The logit of a classifier on prompt and answer, through a fixed logistic."""

    model: str
    """A name that the models' resolver knows, or a path."""
    engine: Literal["transformers", "vllm"] = "transformers"
    """What runs it: vLLM pools large models batch by batch; as "pair" it takes those with one output alone."""
    template: Literal["pair", "chat"] = "pair"
    """Prompt and answer as the two segments of an encoder, or as a conversation by the model's chat template."""
    label: int = Field(0, ge=0)
    """Which output is the reward; with more than one, its probability is the score."""
    centre: float = 0.0
    scale: float = Field(1.0, gt=0)
    """Raw reward that earns 0.5, and the distance from it that earns 0.73."""
    device: str = "auto"
    batch_size: int = Field(16, ge=1)
    max_tokens: int = Field(512, ge=16)
    """Of prompt and answer together; the longer of the two is cut."""
    max_characters: int = Field(20_000, ge=100)

    needs_reference = False

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer; a round at once is much cheaper."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Grade a round, batch by batch."""
        texts = [clean(answer_text(response), self.max_characters) for response in responses]
        raw: list[list[float]] = []
        rewards = self._rewards if self.engine == "transformers" else self._pooled
        for start in range(0, len(texts), self.batch_size):
            raw += rewards(task, texts[start : start + self.batch_size])
        return [self._score(outputs) for outputs in raw]

    def _score(self, outputs: list[float]) -> Score:
        if self.label >= len(outputs):
            raise ValueError(f"{self.model} has {len(outputs)} outputs; label {self.label} is none of them")
        parts = {"reward": outputs[self.label]}
        if len(outputs) == 1:
            return Score(logistic(outputs[0], self.centre, self.scale), parts)
        highest = max(outputs)
        exponents = [math.exp(output - highest) for output in outputs]
        return Score(exponents[self.label] / math.fsum(exponents), parts)

    def _rewards(self, task: Task, texts: list[str]) -> list[list[float]]:
        import torch

        model, tokenizer, where = load(self.model, self.device)
        options = {"truncation": True, "max_length": self.max_tokens, "padding": True, "return_tensors": "pt"}
        if self.template == "pair":
            batch = tokenizer([task.prompt.text] * len(texts), texts, **options)
        else:
            batch = tokenizer(_filled(tokenizer, task, texts), add_special_tokens=False, **options)
        spend(Cost(input_tokens=int(batch["attention_mask"].sum())))
        with off_thread(where != "cpu"), torch.inference_mode():
            logits = model(**batch.to(where)).logits.float().cpu()
        return [[float(value) for value in row] for row in logits]

    def _pooled(self, task: Task, texts: list[str]) -> list[list[float]]:
        with _one_at_a_time:
            pooling = load_pooling(self.model, self.max_tokens)
        from vllm import PoolingParams

        llm, raw = pooling.llm, PoolingParams(use_activation=False)
        with _one_at_a_time, elsewhere(pooling.children, gpu=self.device != "cpu" and gpu_platform()):
            if self.template == "pair":
                # vLLM takes an empty second segment for none.
                seconds = [text or " " for text in texts]
                found = llm.score(
                    [task.prompt.text] * len(texts), seconds, pooling_params=raw, use_tqdm=False,
                    tokenization_kwargs={"truncation": True, "max_length": self.max_tokens},
                )  # fmt: skip
                spend(Cost(input_tokens=sum(len(one.prompt_token_ids) for one in found)))
                return [[float(one.outputs.score)] for one in found]
            tokenizer = llm.get_tokenizer()
            rows = [
                tokenizer.encode(text, add_special_tokens=False)[-self.max_tokens :]
                for text in _filled(tokenizer, task, texts)
            ]
            prompts = [{"prompt_token_ids": row} for row in rows]
            pooled = llm.encode(prompts, pooling_params=raw, pooling_task="classify", use_tqdm=False)
        spend(Cost(input_tokens=sum(map(len, rows))))
        return [[float(value) for value in one.outputs.data] for one in pooled]


_one_at_a_time = threading.RLock()
"""vLLM is no place for two threads: neither while it starts nor while it works."""


@dataclass(frozen=True, slots=True)
class Pooling:
    """A classifier that runs in vLLM."""

    llm: Any
    children: Children
    """The processes that it lives in."""


@cache
def load_pooling(model: str, max_tokens: int) -> Pooling:
    """Start vLLM for a classifier, once a process, and keep it: where memory is short a second one fails at once.

    Safetensors alone, and no code that comes with a model.
    """
    before = Children.now()
    with vllm_environment():
        from vllm import LLM

        llm = LLM(
            model=str(find(model)),
            runner="pooling",
            dtype="auto" if gpu_platform() else "float32",
            max_model_len=max_tokens,
            enforce_eager=True,
            enable_prefix_caching=False,
            enable_chunked_prefill=False,
            trust_remote_code=False,
            load_format="safetensors",
            disable_log_stats=True,
        )
    return Pooling(llm, Children.born_since(before, "VLLM"))


def gpu_platform() -> bool:
    """Whether the installed vLLM runs on something else than a CPU."""
    from vllm.platforms import current_platform

    return not current_platform.is_cpu()


def _filled(tokenizer: Any, task: Task, texts: list[str]) -> list[str]:
    turns = [{"role": turn.role, "content": turn.content} for turn in task.prompt.messages]
    return [
        tokenizer.apply_chat_template([*turns, {"role": "assistant", "content": text}], tokenize=False)
        for text in texts
    ]


@contextmanager
def elsewhere(children: Children, gpu: bool) -> Iterator[None]:
    """Charge what other threads and these processes use meanwhile."""
    before = children.cpu_s()
    with off_thread(gpu):
        yield
    spend(Cost(cpu_s=max(0.0, children.cpu_s() - before)))
