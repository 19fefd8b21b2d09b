"""A causal language model in this process: loading it, encoding conversations, greedy completions.

Use a model from one thread at a time. `sampling` writes batches token by token, `likelihood` grades given texts.

    model = CausalModel("smollm2-135m-instruct")
    [completion] = model.complete([model.encode(conversation)], max_tokens=32)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from .device import pick_device
from .errors import ModelError, PromptError, first_line
from .quiet import quiet
from .thinking import ThinkingTokens, split
from .weights import resolve


class Turn(Protocol):
    """One turn of a conversation."""

    @property
    def role(self) -> str:
        """The speaker: "system", "user" or "assistant"."""

    @property
    def content(self) -> str:
        """The text."""


@dataclass(frozen=True, slots=True)
class GreedyCompletion:
    """The likeliest continuation of a prompt."""

    text: str
    tokens: int


class CausalModel:
    """Weights, tokenizer and chat template, on a CPU or a GPU."""

    def __init__(
        self,
        name: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        layers: int | None = None,
        threads: int = 0,
        template: str = "",
    ) -> None:
        """Load a model.

        Args:
            name: any name that `weights.resolve` accepts.
            device: "cpu", "cuda", "cuda:1"; "auto" uses a GPU if there is one.
            dtype: "float32", "bfloat16", "float16"; "auto" uses the weights' own on a GPU and float32 on a CPU.
            layers: number of layers to keep, for a weaker model; None keeps all.
            threads: PyTorch threads of this process; 0 leaves them as they are.
            template: chat template in Jinja; empty uses the model's own.

        Raises:
            ModelError: the model is missing, broken, or too large for the device.
        """
        try:
            import torch
            from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer
        except ImportError as error:
            raise ModelError(
                f"language models need {error.name}; get it with: pip install 'subnetlab[text]'"
            ) from error
        if threads:
            torch.set_num_threads(threads)
        folder = resolve(name)
        self.name = name
        self.device = pick_device(device)
        precision = getattr(torch, dtype) if dtype != "auto" else torch.float32 if self.device == "cpu" else "auto"
        try:
            with quiet():
                config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
                written = config.get_text_config()  # that of the language model in a vision-language model
                if layers is not None:
                    if not 1 <= layers <= written.num_hidden_layers:
                        raise ModelError(f"{name} has {written.num_hidden_layers} layers; {layers} can't be kept")
                    written.num_hidden_layers = layers
                self.tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, padding_side="left")
                sees = getattr(config, "vision_config", None) is not None
                architecture = AutoModelForImageTextToText if sees else AutoModelForCausalLM
                self.model, loading = architecture.from_pretrained(
                    folder,
                    config=config,
                    dtype=precision,
                    trust_remote_code=False,
                    use_safetensors=True,
                    output_loading_info=True,
                )
            if loading["missing_keys"]:
                # An embedder or a classifier would get a head of random numbers.
                raise ModelError(f"{name} is not a causal language model: it lacks {min(loading['missing_keys'])}")
            self.model.to(self.device).eval()
        except ModelError:
            raise
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f'{name} does not fit on {self.device}; take a smaller model or dtype = "bfloat16"'
            ) from error
        except Exception as error:  # a broken folder can make transformers raise anything
            raise ModelError(
                f"{name} can't be loaded ({type(error).__name__}: {first_line(error)}); "
                "see what can with: subnetlab models list"
            ) from error
        if template:
            self.tokenizer.chat_template = template
        self.context = int(getattr(written, "max_position_embeddings", 0) or 2048)
        """Tokens of prompt and answer together."""
        self.ends = end_tokens(self.tokenizer, self.model.generation_config, written)
        """Tokens that end an answer."""
        candidates = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, *self.ends, 0)
        self.pad = next(int(token) for token in candidates if token is not None)
        """Token that fills rows up to the same length."""
        self.thinking = ThinkingTokens(self.tokenizer)

    @property
    def on_gpu(self) -> bool:
        """True if the model's work takes GPU time."""
        return self.device != "cpu"

    def encode(self, messages: Sequence[Turn]) -> list[int]:
        """Render a conversation with the chat template, up to where the answer begins.

        Raises:
            PromptError: the template refuses it, or there is none.
        """
        return encode(self.tokenizer, messages, self.name)

    def complete(self, prompts: Sequence[Sequence[int]], max_tokens: int) -> list[GreedyCompletion]:
        """Continue prompts with their likeliest tokens, as one batch; thinking is cut off."""
        import torch

        ids, mask = self.pad_left(prompts)
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                do_sample=False,
                max_new_tokens=max_tokens,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=self.pad,
                eos_token_id=sorted(self.ends) or None,
            )[:, ids.shape[1] :].cpu()
        rows = [row[row != self.pad] for row in output]
        return [
            GreedyCompletion(self._answer(prompt, row.tolist()), len(row))
            for prompt, row in zip(prompts, rows, strict=True)
        ]

    def _answer(self, prompt: Sequence[int], tokens: Sequence[int]) -> str:
        """Decode an answer without the thinking before it."""
        return split(self.text(tokens), begun=self.thinking.begun_by(prompt)).answer.strip()

    def text(self, tokens: Sequence[int]) -> str:
        """Decode an answer without the token that ended it and without special tokens, except those of thinking."""
        ended = bool(tokens) and tokens[-1] in self.ends
        return self.thinking.decoded(tokens[:-1] if ended else tokens)

    def pad_left(self, rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Return token ids and attention mask, (rows, longest), on the model's device."""
        return self._padded(rows, left=True)

    def pad_right(self, rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Do the same as `pad_left`, with the padding behind the tokens."""
        return self._padded(rows, left=False)

    def _padded(self, rows: Sequence[Sequence[int]], *, left: bool) -> tuple[Any, Any]:
        import torch

        width = max(map(len, rows))
        ids = torch.full((len(rows), width), self.pad, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for place, row in enumerate(rows):
            span = slice(width - len(row), width) if left else slice(0, len(row))
            ids[place, span] = torch.tensor(row, dtype=torch.long)
            mask[place, span] = 1
        return ids.to(self.device), mask.to(self.device)


def shared_model(name: str, device: str, dtype: str, template: str = "") -> CausalModel:
    """Load a model once per process."""
    return _loaded(name, device, dtype, template)


@lru_cache(maxsize=2)
def _loaded(name: str, device: str, dtype: str, template: str) -> CausalModel:
    return CausalModel(name, device=device, dtype=dtype, template=template)


def encode(tokenizer: Any, messages: Sequence[Turn], name: str) -> list[int]:
    """Render a conversation with a tokenizer's chat template, up to where the answer begins.

    Raises:
        PromptError: the template refuses it, or there is none.
    """
    if not tokenizer.chat_template:
        raise PromptError(f"{name} has no chat template; give one as `template`, or take an instruction-tuned model")
    turns = [{"role": message.role, "content": encodable(message.content)} for message in messages]
    try:
        rendered = _render(tokenizer, turns)
    except Exception as error:  # a template raises what its author chose
        reason = first_line(error) or type(error).__name__
        raise PromptError(f"the chat template of {name} refuses the prompt: {reason}") from error
    return list(tokenizer.encode(rendered, add_special_tokens=False))


def _render(tokenizer: Any, turns: Sequence[dict[str, str]]) -> str:
    """Render a conversation; system turns go before the user's text if the template refuses or drops them."""
    system = [turn["content"].strip() for turn in turns if turn["role"] == "system"]
    try:
        rendered = str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
    except Exception:
        if not system:
            raise
    else:
        if all(text in rendered for text in system):
            return rendered
    return str(tokenizer.apply_chat_template(merge_system(turns), add_generation_prompt=True, tokenize=False))


def end_tokens(tokenizer: Any, *configs: Any) -> frozenset[int]:
    """Return the tokens that end an answer according to the tokenizer, the configs or the chat template.

    The files of a fine-tuned model often disagree, and a model that is not stopped by the right token goes on.
    """
    ends: set[int] = set()
    for source in (tokenizer, *configs):
        token = getattr(source, "eos_token_id", None)
        ends |= {token} if isinstance(token, int) else set(token or ())
    if tokenizer.chat_template:
        answer = "Two lamps"
        turns = [{"role": "user", "content": "What is there?"}, {"role": "assistant", "content": answer}]
        try:
            after = str(tokenizer.apply_chat_template(turns, tokenize=False)).rpartition(answer)[2].lstrip()
        except Exception:  # a template that can't render an answer reveals no end token
            after = ""
        first = tokenizer.encode(after, add_special_tokens=False)[:1]
        ends |= set(first) & set(tokenizer.added_tokens_decoder)
    return frozenset(ends)


def merge_system(turns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move system turns into the user turn that follows, for models that know no system role.

    A user turn with an image is a list of parts; the system's text becomes one of them.
    """
    merged: list[dict[str, Any]] = []
    waiting: list[str] = []
    for turn in turns:
        if turn["role"] == "system":
            waiting.append(turn["content"])
        elif turn["role"] == "user" and isinstance(turn["content"], list):
            parts = [{"type": "text", "text": text} for text in waiting]
            merged.append({**turn, "content": [*parts, *turn["content"]]})
            waiting = []
        elif turn["role"] == "user":
            merged.append({**turn, "content": "\n\n".join([*waiting, turn["content"]])})
            waiting = []
        else:
            merged.append(dict(turn))
    return [*merged, {"role": "user", "content": "\n\n".join(waiting)}] if waiting else merged


def load_tokenizer(name: str) -> Any:
    """Load a model's tokenizer alone.

    Raises:
        ModelError: the model is missing.
    """
    from transformers import AutoTokenizer

    folder = resolve(name)
    with quiet():
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def encodable(text: str) -> str:
    """Replace lone surrogates, which no tokenizer and no server accepts."""
    return text.encode("utf-8", "replace").decode("utf-8")
