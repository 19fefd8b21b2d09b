"""A reward model: any sequence classifier that was trained to tell good answers to a prompt from bad ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field

from subnets import Response, Score, Scorer, Task
from subnets.cost import Cost, spend
from subnets.models import find
from subnets.text_prompting.language_model import off_thread
from subnets.text_prompting.truth import answer_text

from .fence import clean
from .normalise import logistic


@lru_cache(maxsize=2)
def load(model: str, device: str) -> tuple[Any, Any, str]:
    """Load a classifier and its tokenizer once a process. Safetensors alone, and no code that comes with a model."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    path = find(model)
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    classifier = AutoModelForSequenceClassification.from_pretrained(
        path, trust_remote_code=False, use_safetensors=True, dtype=torch.float32 if where == "cpu" else torch.bfloat16
    )
    return classifier.to(where).eval(), tokenizer, where


class RewardModel(Scorer):
    """The logit of a classifier on prompt and answer, through a fixed logistic."""

    model: str
    """A name that the models' resolver knows, or a path."""
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
        for start in range(0, len(texts), self.batch_size):
            raw += self._rewards(task, texts[start : start + self.batch_size])
        return [self._score(outputs) for outputs in raw]

    def _score(self, outputs: list[float]) -> Score:
        if self.label >= len(outputs):
            raise ValueError(f"{self.model} has {len(outputs)} outputs; label {self.label} is none of them")
        parts = {"reward": outputs[self.label]}
        if len(outputs) == 1:
            return Score(logistic(outputs[0], self.centre, self.scale), parts)
        import math

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
            turns = [{"role": turn.role, "content": turn.content} for turn in task.prompt.messages]
            filled = [
                tokenizer.apply_chat_template([*turns, {"role": "assistant", "content": text}], tokenize=False)
                for text in texts
            ]
            batch = tokenizer(filled, add_special_tokens=False, **options)
        spend(Cost(input_tokens=int(batch["attention_mask"].sum())))
        with off_thread(where != "cpu"), torch.inference_mode():
            logits = model(**batch.to(where)).logits.float().cpu()
        return [[float(value) for value in row] for row in logits]
