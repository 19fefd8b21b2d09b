"""The validator's own language model: it writes references, judges answers and tells how likely they are.

One method is required, `complete`. Miners have engines of their own: a validator has no part in those.

    class Parrot(LanguageModel):
        def complete(self, conversations, max_tokens):
            return [turns[-1].content for turns in conversations]
"""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from inference.clock import native_cpu_s
from subnets.cost import Cost, process_cpu_s, spend
from subnets.plugin import Plugin, Plugins
from subnets.task import Message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Conversation = Sequence[Message]

HEAD_ROWS = 256
"""Positions for which the head's output, a number for every word of the vocabulary, is held at once."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """A conversation and the assistant's turn that ends it."""

    messages: Conversation
    text: str


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely a text's tokens were, each given all before it: arrays of shape (positions,)."""

    tokens: int
    """Of the whole text, looked at or not."""
    log_probabilities: NDArray[np.float64]
    entropies: NDArray[np.float64]
    """Of the model's own choice at the position, in nats: the mean of -log p if the model wrote it."""
    variances: NDArray[np.float64]
    """Of log p if the model wrote it."""
    ranks: NDArray[np.int64]
    """0 where the token was the model's first choice."""


class LanguageModel(Plugin, ABC):
    """A model that a validator runs or calls. Equal inputs give equal outputs."""

    likelihoods_known: ClassVar[bool] = False
    """Whether `likelihoods` works: an API that only completes has none."""

    @abstractmethod
    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        """Continue each conversation with its most likely answer."""

    def likelihoods(
        self,
        continuations: Sequence[Continuation],
        positions: Sequence[Sequence[float]] | None = None,
        temperature: float = 1.0,
    ) -> list[Likelihood]:
        """Return how likely each text is if it was sampled at a temperature above 0.

        `positions` are places in [0, 1) along each text; None looks at every token.
        """
        raise NotImplementedError(f"{type(self).__name__} tells no likelihoods; kind transformers does")


@contextmanager
def off_thread(gpu: bool = False, **tokens: int) -> Iterator[None]:
    """Charge to whoever pays the CPU seconds that threads of libraries use meanwhile, and GPU time.

    One at a time in a process, for nobody can tell for whom such a thread works; who waits is charged nothing. Threads
    of Python's are left out: validators that work in them are metered there.
    """
    with _apart:
        others = {one: native_cpu_s([one]) for one in _other_threads()}
        wall, rest_s = time.perf_counter(), process_cpu_s() - time.thread_time()
        try:
            yield
        finally:
            rest_s = process_cpu_s() - time.thread_time() - rest_s
            # What a thread used that ended meanwhile is not known any more: it stays with the rest.
            rest_s -= sum(max(0.0, native_cpu_s([one]) - before_s) for one, before_s in others.items())
            gpu_s = (time.perf_counter() - wall) if gpu else 0.0
            spend(Cost(cpu_s=max(0.0, rest_s), gpu_s=gpu_s, **tokens))


_apart = threading.RLock()


def _other_threads() -> list[int]:
    me = threading.get_native_id()
    return [one.native_id for one in threading.enumerate() if one.native_id and one.native_id != me]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory."""

    model: Any
    tokenizer: Any
    device: str

    @property
    def gpu(self) -> bool:
        """Whether its work is GPU time."""
        return self.device != "cpu"


@lru_cache(maxsize=2)
def load(model: str, device: str, dtype: str) -> Loaded:
    """Load a causal model once a process. Safetensors alone, and no code that comes with a model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from inference.models import find, quiet

    path = find(model)
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    # Half precision is slow on most CPUs, and its rounding differs between them.
    precision = ("bfloat16" if where != "cpu" else "float32") if dtype == "auto" else dtype
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        loaded = AutoModelForCausalLM.from_pretrained(
            path, trust_remote_code=False, use_safetensors=True, dtype=getattr(torch, precision)
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Loaded(loaded.to(where).eval(), tokenizer, where)


class TransformersModel(LanguageModel):
    """A causal model through transformers, greedy, on CPU or GPU."""

    likelihoods_known: ClassVar[bool] = True

    model: str = "smollm2-135m-instruct"
    """A name that the models' resolver knows, or a path."""
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    batch_size: int = Field(8, ge=1)
    max_input_tokens: int = Field(2_000, ge=64)
    """A longer conversation is cut at its beginning, a longer text at its end."""

    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        """Continue greedily, batch by batch, padded on the left."""
        import torch

        loaded = load(self.model, self.device, self.dtype)
        prompts = [self._prompt(loaded, messages)[-self.max_input_tokens :] for messages in conversations]
        texts: list[str] = []
        for start in range(0, len(prompts), self.batch_size):
            batch = prompts[start : start + self.batch_size]
            ids, mask = _padded(batch, loaded.tokenizer.pad_token_id, left=True)
            with off_thread(loaded.gpu), torch.inference_mode():
                out = loaded.model.generate(
                    input_ids=ids.to(loaded.device), attention_mask=mask.to(loaded.device), do_sample=False,
                    max_new_tokens=max_tokens, temperature=None, top_p=None, top_k=None,
                    pad_token_id=loaded.tokenizer.pad_token_id,
                )[:, ids.shape[1] :].cpu()  # fmt: skip
            new = [row[row != loaded.tokenizer.pad_token_id] for row in out]
            spend(Cost(input_tokens=sum(map(len, batch)), output_tokens=sum(map(len, new))))
            texts += [text.strip() for text in loaded.tokenizer.batch_decode(new, skip_special_tokens=True)]
        return texts

    def likelihoods(
        self,
        continuations: Sequence[Continuation],
        positions: Sequence[Sequence[float]] | None = None,
        temperature: float = 1.0,
    ) -> list[Likelihood]:
        """Run prompt and text through the model at once; the head is evaluated at the positions alone."""
        loaded = load(self.model, self.device, self.dtype)
        found: list[Likelihood] = []
        for start in range(0, len(continuations), self.batch_size):
            stop = start + self.batch_size
            at = positions and positions[start:stop]
            found += self._likelihoods(loaded, continuations[start:stop], at, temperature)
        return found

    def _likelihoods(
        self,
        loaded: Loaded,
        continuations: Sequence[Continuation],
        positions: Sequence[Sequence[float]] | None,
        temperature: float,
    ) -> list[Likelihood]:
        import numpy as np
        import torch

        rows: list[list[int]] = []
        looked: list[list[int]] = []
        sizes: list[int] = []
        for place, continuation in enumerate(continuations):
            prompt = self._prompt(loaded, continuation.messages)[-self.max_input_tokens :]
            text = loaded.tokenizer(continuation.text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
            text = text[: self.max_input_tokens]
            if positions is None:
                at = list(range(len(text)))
            else:
                at = sorted({int(share * len(text)) for share in positions[place]} & set(range(len(text))))
            last = at[-1] + 1 if at else 0
            # What lies behind the last position is not needed.
            rows.append(prompt + text[:last])
            looked.append([len(prompt) + i for i in at])
            sizes.append(len(text))
        # A round's rows begin alike: what they share is run once.
        shared = min((at[0] - 1 for at in looked if at), default=0) if len(rows) > 1 else 0
        shared = min(shared, len(os.path.commonprefix(rows)))
        ids, mask = _padded([row[shared:] for row in rows], loaded.tokenizer.pad_token_id, left=False)
        found = []
        run = shared + sum(len(row) - shared for row in rows)
        with off_thread(loaded.gpu, input_tokens=run), torch.inference_mode():
            cache = None
            if shared:
                prefix = torch.tensor([rows[0][:shared]], device=loaded.device)
                cache = loaded.model.base_model(input_ids=prefix, use_cache=True).past_key_values
                cache.batch_repeat_interleave(len(rows))
                mask = torch.cat([torch.ones((len(rows), shared), dtype=mask.dtype), mask], dim=1)
            body = loaded.model.base_model(
                input_ids=ids.to(loaded.device), attention_mask=mask.to(loaded.device), past_key_values=cache,
                use_cache=cache is not None,
            )  # fmt: skip
            head = loaded.model.get_output_embeddings()
            for place, at in enumerate(looked):
                if not at:
                    empty = np.zeros(0)
                    found.append(Likelihood(sizes[place], empty, empty, empty, np.zeros(0, dtype=np.int64)))
                    continue
                own, entropies, variances, ranks = [], [], [], []
                for start in range(0, len(at), HEAD_ROWS):
                    index = torch.tensor(at[start : start + HEAD_ROWS], device=loaded.device) - shared
                    logits = head(body.last_hidden_state[place, index - 1]).float()
                    log_p = torch.log_softmax(logits / temperature, dim=-1)
                    p = log_p.exp()
                    entropy = -(p * log_p).sum(-1)
                    chosen = log_p.gather(1, ids[place].to(loaded.device)[index][:, None])
                    own += chosen.squeeze(1).tolist()
                    entropies += entropy.tolist()
                    variances += ((p * log_p**2).sum(-1) - entropy**2).clamp(min=0.0).tolist()
                    ranks += (log_p > chosen).sum(-1).tolist()
                found.append(
                    Likelihood(sizes[place], np.array(own), np.array(entropies), np.array(variances), np.array(ranks))
                )
        return found

    def _prompt(self, loaded: Loaded, messages: Conversation) -> list[int]:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        text = loaded.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return list(loaded.tokenizer(text, add_special_tokens=False)["input_ids"])


def _padded(rows: Sequence[Sequence[int]], pad: int, *, left: bool) -> tuple[Any, Any]:
    import torch

    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        span = slice(width - len(row), width) if left else slice(0, len(row))
        ids[place, span] = torch.tensor(row, dtype=torch.long)
        mask[place, span] = 1
    return ids, mask


LANGUAGE_MODELS: Plugins[LanguageModel] = Plugins(
    sort="language model",
    group="subnetlab.language_models",
    base=LanguageModel,  # type: ignore[type-abstract]
    builtin={"transformers": "subnets.text_prompting.language_model:TransformersModel"},
    default="transformers",
)
