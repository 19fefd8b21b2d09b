"""A causal language model in this process: batches of prompts in, completions out.

Prompts are padded on the left and rows leave the batch as they end. Sampling is seeded row by row. Use it from one
thread at a time.

    model = CausalModel("smollm2-135m-instruct")
    batch = model.start([model.row(request) for request in requests])
    while batch.rows:
        batch.step()
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from inference.models import ModelError, find, quiet
from subnets import Message, SubnetlabError

from .completion import Completion, Request, Timings, Usage


class PromptError(SubnetlabError, ValueError):
    """A prompt that the model can't take: too long for its context, or in roles that its template refuses."""


@dataclass(slots=True)
class Row:
    """One request in a batch."""

    request: Request
    prompt: list[int]
    limit: int
    """Tokens that it may write."""
    generator: Any = None
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    likeliest: list[dict[int, float]] = field(default_factory=list)
    finish: str = ""
    """Empty while it writes."""
    text: str = ""
    started: float = 0.0
    first_token_s: float = 0.0
    ended: float = 0.0


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
            name: as `models.find` takes it.
            device: "cpu", "cuda", "cuda:1"; "auto" takes a GPU where there is one.
            dtype: "float32", "bfloat16", "float16"; "auto" takes the weights' own on a GPU and float32 on a CPU.
            layers: keep only the first so many, for a weaker model; None keeps all.
            threads: of PyTorch in this process; 0 leaves them as they are.
            template: a chat template in Jinja; empty takes the model's own.

        Raises:
            ModelError: not here, not loadable, or too large for the device.
        """
        try:
            import torch
            from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
        except ImportError as error:
            raise ModelError(
                f"language models need {error.name}; get it with: pip install 'subnetlab[text]'"
            ) from error
        if threads:
            torch.set_num_threads(threads)
        folder = find(name)
        self.name = name
        self.device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        wanted = getattr(torch, dtype) if dtype != "auto" else torch.float32 if self.device == "cpu" else "auto"
        try:
            with quiet():
                config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
                if layers is not None:
                    if not 1 <= layers <= config.num_hidden_layers:
                        raise ModelError(f"{name} has {config.num_hidden_layers} layers; {layers} can't be kept")
                    config.num_hidden_layers = layers
                self.tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, padding_side="left")
                self.model, told = AutoModelForCausalLM.from_pretrained(
                    folder,
                    config=config,
                    dtype=wanted,
                    trust_remote_code=False,
                    use_safetensors=True,
                    output_loading_info=True,
                )
            if told["missing_keys"]:
                # An embedder or a classifier would be given a head of random numbers.
                raise ModelError(f"{name} is no causal language model: it lacks {sorted(told['missing_keys'])[0]}")
            self.model.to(self.device).eval()
        except ModelError:
            raise
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f'{name} does not fit on {self.device}; take a smaller model or dtype = "bfloat16"'
            ) from error
        except Exception as error:  # transformers raises whatever a broken folder leads it to
            said = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
            raise ModelError(
                f"{name} can't be loaded ({type(error).__name__}: {said}); see what can with: subnetlab models list"
            ) from error
        if template:
            self.tokenizer.chat_template = template
        self.context = int(getattr(config, "max_position_embeddings", 0) or 2048)
        """Tokens of prompt and answer together."""
        ends = self.model.generation_config.eos_token_id
        self.ends: frozenset[int] = frozenset([ends] if isinstance(ends, int) else ends or [])
        """Tokens that end an answer."""
        pad = self.tokenizer.pad_token_id
        self._pad = int(pad if pad is not None else next(iter(self.ends), 0))

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Render a conversation with the chat template, up to where the answer begins.

        Raises:
            PromptError: the template refuses it, or there is none.
        """
        return encode(self.tokenizer, messages, self.name)

    def row(self, request: Request) -> Row:
        """Make a request ready for a batch.

        Raises:
            PromptError: longer than the context, or refused by the template.
        """
        import torch

        prompt = self.encode(request.messages)
        room = self.context - len(prompt)
        if room < 1:
            raise PromptError(f"the prompt has {len(prompt):,} tokens; {self.name} takes at most {self.context - 1:,}")
        generator = None
        if request.temperature > 0.0:
            generator = torch.Generator(self.device)
            generator.manual_seed(request.seed)
        return Row(request, prompt, min(request.max_tokens, room), generator)

    def start(self, rows: Sequence[Row]) -> Batch:
        """Read the prompts of a batch and write the first token of each row."""
        return Batch(self, rows)

    def completion(self, row: Row) -> Completion:
        """Make a finished row a completion."""
        return Completion(
            text=row.text,
            token_ids=tuple(row.tokens),
            logprobs=tuple(row.logprobs),
            likeliest=tuple(row.likeliest),
            finish=row.finish,
            model=self.name,
            usage=Usage(len(row.prompt), len(row.tokens)),
            timings=Timings(0.0, row.first_token_s, row.ended - row.started),
        )

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        import torch

        width = max(len(row) for row in rows)
        ids = torch.full((len(rows), width), self._pad, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, width - len(row) :] = torch.tensor(row)
            mask[place, width - len(row) :] = 1
        return ids.to(self.device), mask.to(self.device)


class Batch:
    """Rows that are written together, one token a step; a row leaves when it ends."""

    def __init__(self, model: CausalModel, rows: Sequence[Row]) -> None:
        import torch
        from transformers import DynamicCache

        self.model = model
        self.rows = list(rows)
        """Those that still write."""
        started = time.perf_counter()
        for row in self.rows:
            row.started = started
        with torch.inference_mode():
            ids, self._mask = model._padded([row.prompt for row in self.rows])
            self._cache = DynamicCache(config=model.model.config)
            self._read(ids, _positions(self._mask))

    def step(self) -> None:
        """Write one more token of each row."""
        import torch

        with torch.inference_mode():
            ids = torch.tensor([[row.tokens[-1]] for row in self.rows], device=self._mask.device)
            positions = torch.tensor(
                [[len(row.prompt) + len(row.tokens) - 1] for row in self.rows], device=self._mask.device
            )
            self._mask = torch.cat([self._mask, self._mask.new_ones((len(self.rows), 1))], dim=1)
            self._read(ids, positions)

    def drop(self, rows: Sequence[Row]) -> None:
        """Let rows go unfinished: nobody waits for them any more."""
        for row in rows:
            if not row.finish:
                self._end(row, "cut")
        self._keep()

    def _read(self, ids: Any, positions: Any) -> None:
        logits = self.model.model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            logits_to_keep=1,
            use_cache=True,
        ).logits[:, -1]
        for row, token in zip(self.rows, self._choose(logits.float()), strict=True):
            self._write(row, token)
        self._keep()

    def _choose(self, logits: Any) -> list[int]:
        import torch

        sampled = [place for place, row in enumerate(self.rows) if row.generator is not None]
        chosen: list[int] = [0] * len(self.rows)
        if len(sampled) < len(self.rows):
            chosen = logits.argmax(dim=-1).tolist()
        if sampled:
            drawn = _sample(logits[sampled], [self.rows[place] for place in sampled])
            for place, token in zip(sampled, drawn, strict=True):
                chosen[place] = token
        wanted = [place for place, row in enumerate(self.rows) if row.request.logprobs is not None]
        if wanted:
            told = torch.log_softmax(logits[wanted], dim=-1)
            for own, place in zip(told, wanted, strict=True):
                row = self.rows[place]
                row.logprobs.append(float(own[chosen[place]]))
                if row.request.logprobs:
                    values, tokens = own.topk(row.request.logprobs)
                    row.likeliest.append(dict(zip(tokens.tolist(), values.tolist(), strict=True)))
        return chosen

    def _write(self, row: Row, token: int) -> None:
        row.tokens.append(token)
        if len(row.tokens) == 1:
            row.first_token_s = time.perf_counter() - row.started
        if token in self.model.ends or any(stop in self._tail(row) for stop in row.request.stop):
            self._end(row, "stop")
        elif len(row.tokens) >= row.limit:
            self._end(row, "length")

    def _tail(self, row: Row) -> str:
        """Decode the end of an answer: a stop string has no more tokens than characters, each at least one."""
        longest = max(len(stop) for stop in row.request.stop)
        return str(self.model.tokenizer.decode(row.tokens[-longest - 4 :], skip_special_tokens=True))

    def _end(self, row: Row, finish: str) -> None:
        text = str(self.model.tokenizer.decode(row.tokens, skip_special_tokens=True))
        cuts = [place for stop in row.request.stop if (place := text.find(stop)) >= 0]
        row.text = text[: min(cuts)] if cuts else text
        row.finish, row.ended = finish, time.perf_counter()

    def _keep(self) -> None:
        """Drop the rows that have ended, from the cache as well."""
        import torch

        kept = [place for place, row in enumerate(self.rows) if not row.finish]
        if len(kept) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in kept]
        if not kept:
            self._cache = None
            return
        index = torch.tensor(kept, device=self._mask.device)
        self._mask = self._mask[index]
        self._cache.batch_select_indices(index)


def encode(tokenizer: Any, messages: Sequence[Message], name: str) -> list[int]:
    """Render a conversation with a tokenizer's chat template, up to where the answer begins.

    Raises:
        PromptError: the template refuses it, or there is none.
    """
    if not tokenizer.chat_template:
        raise PromptError(f"{name} has no chat template; give one as `template`, or take an instruction-tuned model")
    turns = [{"role": message.role, "content": _unicode(message.content)} for message in messages]
    try:
        rendered = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    except Exception as error:  # a template raises what its author chose
        said = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise PromptError(f"the chat template of {name} refuses the prompt: {said}") from error
    return list(tokenizer.encode(rendered, add_special_tokens=False))


def _unicode(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _positions(mask: Any) -> Any:
    return (mask.cumsum(dim=-1) - 1).clamp(min=0)


def _sample(logits: Any, rows: Sequence[Row]) -> list[int]:
    """Draw a token for each row, from the smallest set that holds `top_p` of its probability.

    By inversion of the cumulated probabilities: one random number a row, of the row's own generator.
    """
    import torch

    temperatures = torch.tensor([[row.request.temperature] for row in rows], device=logits.device)
    probabilities = torch.softmax(logits / temperatures, dim=-1)
    for place, row in enumerate(rows):
        if row.request.top_p < 1.0:
            ordered, tokens = probabilities[place].sort(descending=True)
            beyond = ordered.cumsum(dim=-1) - ordered >= row.request.top_p
            probabilities[place, tokens[beyond]] = 0.0
    cumulated = probabilities.cumsum(dim=-1)
    numbers = torch.cat([torch.rand(1, generator=row.generator, device=logits.device) for row in rows])
    drawn = torch.searchsorted(cumulated, (numbers * cumulated[:, -1])[:, None], right=True)
    return list(drawn[:, 0].clamp(max=logits.shape[-1] - 1).tolist())
