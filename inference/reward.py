"""Reward models: sequence classifiers that grade an answer to a prompt, in transformers or vLLM.

Where no reward model is available, `fit_head` fits a linear head on a sentence encoder in closed form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from .causal import Turn
from .children import Children
from .device import pick_device, pick_dtype
from .environment import vllm_environment
from .quiet import quiet
from .weights import resolve

RIDGE = 3.0
"""Weight of the penalty in the head's ridge regression."""
MAX_TOKENS = 384
"""Maximum tokens of prompt and answer to which the head is fitted."""
BATCH = 32


@dataclass(frozen=True, slots=True)
class Classifier:
    """A classifier in this process."""

    model: Any
    tokenizer: Any
    device: str

    @property
    def on_gpu(self) -> bool:
        """True if the model's work takes GPU time."""
        return self.device != "cpu"

    def logits(self, batch: Any) -> list[list[float]]:
        """Return the raw outputs for a batch of encoded texts, (rows, labels)."""
        import torch

        with torch.inference_mode():
            logits = self.model(**batch.to(self.device)).logits.float().cpu()
        return [[float(value) for value in row] for row in logits]


@lru_cache(maxsize=2)
def shared_classifier(name: str, device: str) -> Classifier:
    """Load a classifier once per process. Only safetensors are read, and no code that comes with the model is run."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = resolve(name)
    target = pick_device(device)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, trust_remote_code=False, use_safetensors=True, dtype=getattr(torch, pick_dtype("auto", target))
        )
    return Classifier(model.to(target).eval(), tokenizer, target)


@dataclass(frozen=True, slots=True)
class PoolingClassifier:
    """A classifier that runs in vLLM. Use it from one thread at a time."""

    llm: Any
    children: Children
    """The processes in which it runs."""


@cache
def shared_pooling(name: str, max_tokens: int) -> PoolingClassifier:
    """Start vLLM for a classifier once per process and keep it: a second one fails where memory is short.

    Only safetensors are read, and no code that comes with the model is run.
    """
    before = Children.now()
    with vllm_environment():
        from vllm import LLM

        llm = LLM(
            model=str(resolve(name)),
            runner="pooling",
            dtype="auto" if vllm_has_gpu() else "float32",
            max_model_len=max_tokens,
            enforce_eager=True,
            enable_prefix_caching=False,
            enable_chunked_prefill=False,
            trust_remote_code=False,
            load_format="safetensors",
            disable_log_stats=True,
        )
    return PoolingClassifier(llm, Children.born_since(before, "VLLM"))


def vllm_has_gpu() -> bool:
    """Return True unless the installed vLLM was built for CPUs."""
    from vllm.platforms import current_platform

    return not current_platform.is_cpu()


def as_conversations(tokenizer: Any, messages: Sequence[Turn], answers: Sequence[str]) -> list[str]:
    """Render a conversation with each answer as its last turn, using the model's chat template."""
    turns = [{"role": turn.role, "content": turn.content} for turn in messages]
    return [
        tokenizer.apply_chat_template([*turns, {"role": "assistant", "content": answer}], tokenize=False)
        for answer in answers
    ]


def fit_head(
    encoder: str, prompts: Sequence[str], answers: Sequence[str], labels: Sequence[float], folder: Path
) -> None:
    """Fit a linear head to labelled answers and save it with encoder and tokenizer, as a sequence classifier.

    The head is a ridge regression on the encoder's pooled output of prompt and answer, the same each time on one
    machine.

    Raises:
        ModelError: the encoder is not on this machine.
    """
    import numpy as np
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    path = resolve(encoder)
    with quiet():
        tokenizer: Any = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model: Any = AutoModelForSequenceClassification.from_pretrained(
            path, num_labels=1, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
        ).eval()
    features = np.concatenate(list(_pooled(model, tokenizer, prompts, answers)))
    centre = features.mean(axis=0)
    shifted = features - centre
    weights = np.linalg.solve(shifted.T @ shifted + RIDGE * np.eye(shifted.shape[1]), shifted.T @ np.array(labels))
    with torch.no_grad():
        model.classifier.weight.copy_(torch.tensor(weights)[None])
        model.classifier.bias.fill_(float(-centre @ weights))
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _pooled(model: Any, tokenizer: Any, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Any]:
    """Yield the head's input, (batch, width), as float64."""
    import torch

    for start in range(0, len(prompts), BATCH):
        span = slice(start, start + BATCH)
        batch = tokenizer(
            list(prompts[span]),
            list(answers[span]),
            truncation=True,
            max_length=MAX_TOKENS,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            yield model.base_model(**batch).pooler_output.double().numpy()
