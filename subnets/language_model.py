"""The validator's own language model: it writes references, judges answers and computes their likelihoods.

Only `complete` is required. Miners don't use it; they have engines of their own.

    class Parrot(LanguageModel):
        def complete(self, conversations, max_tokens):
            return [turns[-1].content for turns in conversations]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from inference.causal import CausalModel, shared_model
from inference.device import pick_device, pick_dtype
from inference.likelihood import GivenText, Likelihood, LikelihoodBatch, tokenize

from .cost import Cost, off_thread, spend
from .plugin import Plugin, Plugins
from .task import Message

Conversation = Sequence[Message]


@dataclass(frozen=True, slots=True)
class Continuation:
    """A conversation and the assistant's turn that ends it."""

    messages: Conversation
    text: str


class LanguageModel(Plugin, ABC):
    """A model that a validator runs or calls. Equal inputs give equal outputs."""

    def open(self) -> None:  # noqa: B027  an API has nothing to load
        """Load the model. Raise with the fix in the message if it can't take a conversation."""

    @abstractmethod
    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        """Continue each conversation with its most likely answer."""


class LikelihoodModel(LanguageModel):
    """A model that can also be asked how likely a given text is; an API that only completes can't."""

    @abstractmethod
    def likelihoods(
        self,
        continuations: Sequence[Continuation],
        positions: Sequence[Sequence[float]] | None = None,
        temperature: float = 1.0,
    ) -> list[Likelihood]:
        """Return how likely each text is if it was sampled at a temperature above 0.

        `positions` lie in [0, 1) along each text; None evaluates every token.
        """


class TransformersModel(LikelihoodModel):
    """A causal model through transformers, greedy, on CPU or GPU."""

    model: str = "smollm2-135m-instruct"
    """A path, a known name (`subnetlab models list`), `package:NAME` or a Hub id."""
    device: str = "auto"
    """"auto" (a GPU if there is one), "cpu" or "cuda"."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """"auto" is bfloat16 on a GPU, float32 on a CPU."""
    batch_size: int = Field(8, ge=1)
    """Texts run through the model at once."""
    max_input_tokens: int = Field(2_000, ge=64)
    """A longer conversation is cut at its beginning, a longer text at its end."""
    template: str = ""
    """Chat template in Jinja, for a model whose own is missing or wrong."""

    def open(self) -> None:
        """Load the model and try its chat template.

        Raises:
            ModelError: the model is missing or can't be loaded.
            PromptError: it has no chat template, or one that takes no conversation.
        """
        self._loaded().encode((Message("system", "Be brief."), Message("user", "Hello.")))

    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        """Continue greedily, batch by batch; thinking is cut off."""
        model = self._loaded()
        prompts = [self._prompt(model, messages) for messages in conversations]
        texts: list[str] = []
        for start in range(0, len(prompts), self.batch_size):
            batch = prompts[start : start + self.batch_size]
            with off_thread(model.on_gpu):
                completions = model.complete(batch, max_tokens)
            output_tokens = sum(completion.tokens for completion in completions)
            spend(Cost(input_tokens=sum(map(len, batch)), output_tokens=output_tokens))
            texts += [completion.text for completion in completions]
        return texts

    def likelihoods(
        self,
        continuations: Sequence[Continuation],
        positions: Sequence[Sequence[float]] | None = None,
        temperature: float = 1.0,
    ) -> list[Likelihood]:
        """Run prompts and texts through the model, batch by batch."""
        model = self._loaded()
        texts = [
            GivenText(
                self._prompt(model, continuation.messages),
                tokenize(model, continuation.text)[: self.max_input_tokens],
                None if positions is None else positions[place],
            )
            for place, continuation in enumerate(continuations)
        ]
        likelihoods: list[Likelihood] = []
        for start in range(0, len(texts), self.batch_size):
            batch = LikelihoodBatch(model, texts[start : start + self.batch_size])
            with off_thread(model.on_gpu, input_tokens=batch.tokens):
                likelihoods += batch.run(temperature)
        return likelihoods

    def _loaded(self) -> CausalModel:
        device = pick_device(self.device)
        return shared_model(self.model, device, pick_dtype(self.dtype, device), self.template)

    def _prompt(self, model: CausalModel, messages: Conversation) -> list[int]:
        return model.encode(messages)[-self.max_input_tokens :]


LANGUAGE_MODELS: Plugins[LanguageModel] = Plugins(
    sort="language model",
    group="subnetlab.language_models",
    base=LanguageModel,  # type: ignore[type-abstract]
    builtin={"transformers": "subnets.language_model:TransformersModel"},
    default="transformers",
)


def require_likelihoods(model: object) -> object:
    """Refuse a model without likelihoods while a plug-in that needs them is built."""
    if isinstance(model, LanguageModel) and not isinstance(model, LikelihoodModel):
        raise ValueError(f'{type(model).__name__} returns no likelihoods; take a model of kind "transformers"')
    return model


AnyLikelihoodModel = Annotated[LikelihoodModel, BeforeValidator(require_likelihoods), *LANGUAGE_MODELS.field()]
"""A field of a plug-in that takes a model with likelihoods, by name or as a table."""
