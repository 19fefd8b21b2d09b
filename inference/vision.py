"""Vision-language models: prompts with an image, as the model's own processor encodes them.

vision = load_vision(folder, config, name)          # None for a model that reads text alone
prompt = vision.encode(messages, image)
row = row_of(model, request, prompt.tokens)
PageWriter(model, row).write(prompt, lambda: True)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .causal import CausalModel, Turn, encodable, merge_system
from .errors import ModelError, PromptError, first_line
from .quiet import quiet
from .sampling import Row, Sampler

if TYPE_CHECKING:
    from PIL.Image import Image

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class ImagePrompt:
    """A conversation with an image, ready for the model."""

    tokens: list[int]
    inputs: Mapping[str, Any]
    """What the model's `forward` takes: token ids, pixels and whatever else its processor makes."""


class Vision:
    """The processor of a vision-language model: its chat template, and how it resizes and cuts images."""

    def __init__(self, processor: Any, name: str) -> None:
        self.processor = processor
        self.name = name

    def render(self, messages: Sequence[Turn]) -> str:
        """Render a conversation whose last user turn has an image before its text.

        Raises:
            PromptError: the template refuses it, or there is none.
        """
        if not self.processor.chat_template:
            raise PromptError(
                f"{self.name} has no chat template; give one as `template`, or take an instruction-tuned model"
            )
        last = max((place for place, turn in enumerate(messages) if turn.role == "user"), default=None)
        if last is None:
            raise PromptError("an image needs a turn of the user; the conversation has none")
        token = getattr(self.processor, "image_token", None)
        if token and any(token in turn.content for turn in messages):
            raise PromptError(f"the conversation contains {token!r}, which stands for an image in {self.name}")
        turns = [
            {"role": turn.role, "content": self._parts(turn, with_image=place == last)}
            for place, turn in enumerate(messages)
        ]
        try:
            try:
                rendered = self._rendered(turns)
            except Exception:  # a template raises what its author chose, for instance at a system turn
                rendered = self._rendered(merge_system(turns))
        except Exception as error:
            reason = first_line(error) or type(error).__name__
            raise PromptError(f"the chat template of {self.name} refuses the prompt: {reason}") from error
        return rendered

    def encode(self, messages: Sequence[Turn], image: Image) -> ImagePrompt:
        """Encode a conversation and the RGB image of its last user turn.

        Raises:
            PromptError: the template or the processor refuses them.
        """
        rendered = self.render(messages)
        try:
            inputs = dict(self.processor(text=[rendered], images=[image], return_tensors="pt"))
        except Exception as error:  # a processor may fail in any way at a text that contains its own tokens
            reason = first_line(error) or type(error).__name__
            raise PromptError(f"the processor of {self.name} refuses the prompt: {reason}") from error
        return ImagePrompt(inputs["input_ids"][0].tolist(), inputs)

    def seen_size(self, size: Size) -> Size:
        """Return the size to which the model's processor resizes an image.

        Qwen2.5-VL and dots.ocr, whose boxes are in pixels of the resized image, both have Qwen2-VL's processor.
        Other models count on grids or give no boxes, and for them the size remains as it is.
        """
        images = self.processor.image_processor
        if not type(images).__name__.startswith("Qwen2VLImageProcessor"):
            return size
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

        width, height = size
        limits = images.size
        down, across = smart_resize(
            height,
            width,
            factor=images.patch_size * images.merge_size,
            min_pixels=limits["shortest_edge"],
            max_pixels=limits["longest_edge"],
        )
        return across, down

    def _parts(self, turn: Turn, *, with_image: bool) -> str | list[dict[str, str]]:
        """Return a turn's content; a system turn stays a text, so that it can be moved into the user's turn."""
        if turn.role == "system":
            return encodable(turn.content)
        image = [{"type": "image"}] if with_image else []
        return [*image, {"type": "text", "text": encodable(turn.content)}]

    def _rendered(self, turns: Sequence[dict[str, Any]]) -> str:
        system = [turn["content"].strip() for turn in turns if turn["role"] == "system"]
        rendered = str(self.processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
        if not all(text in rendered for text in system):
            raise PromptError("the template drops the system turn")
        return rendered


def load_vision(folder: Path, config: Any, name: str, template: str = "") -> Vision | None:
    """Load the processor of a vision-language model; None for a model that reads text alone.

    `template` replaces the processor's chat template unless it is empty.

    Raises:
        ModelError: the processor is missing, or it needs a package that is missing; with the fix.
    """
    if getattr(config, "vision_config", None) is None:
        return None
    from transformers import AutoProcessor

    try:
        with quiet():
            processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # a broken folder can make transformers raise anything
        if "torchvision" in str(error).lower():
            raise ModelError(
                f"the processor of {name} needs torchvision; get it with: pip install torchvision"
            ) from error
        raise ModelError(
            f"the processor of {name} can't be loaded ({type(error).__name__}: {first_line(error)}); "
            "its folder needs preprocessor_config.json or processor_config.json"
        ) from error
    if template:
        processor.chat_template = template
    return Vision(processor, name) if hasattr(processor, "image_processor") else None


class PageWriter(Sampler):
    """One prompt with an image, written to its end by the model's own `generate`, which knows its positions and caches.

    The tokens are chosen here, as in every batch: by the row's own seed, stop strings and limit.
    """

    def __init__(self, model: CausalModel, row: Row) -> None:
        super().__init__(model, [row])
        self._row = row

    def write(self, prompt: ImagePrompt, goes_on: Callable[[], bool]) -> None:
        """Write the answer; `goes_on` is called after each token and ends it by returning False."""
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        row = self._row

        def choose(ids: Any, scores: Any) -> Any:
            [token] = self._choose(scores.float())
            self._append(row, token)
            if not goes_on() and not row.finish:
                self._end(row, "cut")
            return torch.full_like(scores, float("-inf")).index_fill(-1, scores.new_tensor([token]).long(), 0.0)

        def ended(ids: Any, scores: Any, **options: Any) -> Any:
            return torch.full((ids.shape[0],), bool(row.finish), device=ids.device)

        inputs = {
            name: value.to(self.model.device, dtype=self.model.model.dtype if value.is_floating_point() else None)
            for name, value in prompt.inputs.items()
            if isinstance(value, torch.Tensor)
        }
        with torch.inference_mode():
            self.model.model.generate(
                **inputs,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                max_new_tokens=row.limit,
                pad_token_id=self.model.pad,
                logits_processor=LogitsProcessorList([choose]),
                stopping_criteria=StoppingCriteriaList([ended]),
            )
