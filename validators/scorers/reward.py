"""A reward model: any sequence classifier trained to tell good answers to a prompt from bad ones."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from pydantic import Field

from inference.children import Children
from inference.reward import as_conversations, shared_classifier, shared_pooling, vllm_has_gpu
from subnets import Response, Score, Scorer, Task
from subnets.cost import Cost, off_thread, spend
from subnets.text import answer_text

from .judging.prompt_fence import clean
from .normalise import logistic


class RewardModel(Scorer):
    """Pays the logit of a classifier on prompt and answer, through a fixed logistic."""

    model: str
    """A known name (`subnetlab models list`) or a path."""
    engine: Literal["transformers", "vllm"] = "transformers"
    """Engine of the model. vLLM runs large models batch by batch; with template "pair", only models with one output."""
    template: Literal["pair", "chat"] = "pair"
    """Format of prompt and answer: the two segments of an encoder, or the model's chat template."""
    label: int = Field(0, ge=0)
    """Index of the output that is the reward; with several outputs, its probability is the score."""
    centre: float = 0.0
    """Raw reward that earns 0.5."""
    scale: float = Field(1.0, gt=0)
    """Distance above the centre that earns 0.73; `centre` is the raw reward that earns 0.5."""
    device: str = "auto"
    """"auto" (a GPU if there is one), "cpu" or "cuda"."""
    batch_size: int = Field(16, ge=1)
    """Answers run through the model at once."""
    max_tokens: int = Field(512, ge=16)
    """Maximum tokens of prompt and answer together; the longer of the two is cut."""
    max_characters: int = Field(20_000, ge=100)
    """Maximum characters of an answer that the model reads."""

    needs_reference = False

    def open(self) -> None:
        """Load the classifier. Raises ModelError or vLLM's own error if that fails."""
        if self.engine == "transformers":
            shared_classifier(self.model, self.device)
        else:
            with _vllm_lock:
                shared_pooling(self.model, self.max_tokens)

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
            raise ValueError(f"{self.model} has {len(outputs)} outputs; there is no label {self.label}")
        parts = {"reward": outputs[self.label]}
        if len(outputs) == 1:
            return Score(logistic(outputs[0], self.centre, self.scale), parts)
        highest = max(outputs)
        exponents = [math.exp(output - highest) for output in outputs]
        return Score(exponents[self.label] / math.fsum(exponents), parts)

    def _rewards(self, task: Task, texts: list[str]) -> list[list[float]]:
        classifier = shared_classifier(self.model, self.device)
        tokenizer = classifier.tokenizer
        options = {"truncation": True, "max_length": self.max_tokens, "padding": True, "return_tensors": "pt"}
        if self.template == "pair":
            batch = tokenizer([task.prompt.text] * len(texts), texts, **options)
        else:
            conversations = as_conversations(tokenizer, task.prompt.messages, texts)
            batch = tokenizer(conversations, add_special_tokens=False, **options)
        spend(Cost(input_tokens=int(batch["attention_mask"].sum())))
        with off_thread(classifier.on_gpu):
            return classifier.logits(batch)

    def _pooled(self, task: Task, texts: list[str]) -> list[list[float]]:
        with _vllm_lock:
            pooling = shared_pooling(self.model, self.max_tokens)
        from vllm import PoolingParams

        llm, raw = pooling.llm, PoolingParams(use_activation=False)
        with _vllm_lock, elsewhere(pooling.children, gpu=self.device != "cpu" and vllm_has_gpu()):
            if self.template == "pair":
                # vLLM drops an empty second segment.
                seconds = [text or " " for text in texts]
                outputs = llm.score(
                    [task.prompt.text] * len(texts),
                    seconds,
                    pooling_params=raw,
                    use_tqdm=False,
                    tokenization_kwargs={"truncation": True, "max_length": self.max_tokens},
                )
                spend(Cost(input_tokens=sum(len(output.prompt_token_ids) for output in outputs)))
                return [[float(output.outputs.score)] for output in outputs]
            tokenizer = llm.get_tokenizer()
            rows = [
                tokenizer.encode(text, add_special_tokens=False)[-self.max_tokens :]
                for text in as_conversations(tokenizer, task.prompt.messages, texts)
            ]
            prompts = [{"prompt_token_ids": row} for row in rows]
            pooled = llm.encode(prompts, pooling_params=raw, pooling_task="classify", use_tqdm=False)
        spend(Cost(input_tokens=sum(map(len, rows))))
        return [[float(value) for value in output.outputs.data] for output in pooled]


_vllm_lock = threading.RLock()
"""vLLM can't be used by two threads, neither while it starts nor while it works."""


@contextmanager
def elsewhere(children: Children, gpu: bool) -> Iterator[None]:
    """Charge the CPU that native threads and a model's own processes use meanwhile."""
    before = children.cpu_s()
    with off_thread(gpu):
        yield
    spend(Cost(cpu_s=max(0.0, children.cpu_s() - before)))
