"""Sentence embeddings, computed in batches: texts to unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from inference.models import find, quiet
from subnets.text_prompting.language_model import off_thread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_READ = 8_000
"""Characters of a text that are encoded: more than any sentence encoder looks at."""


@lru_cache(maxsize=4)
def load(model: str, device: str) -> Any:
    """Load a sentence encoder once a process; no code that comes with it is run."""
    from sentence_transformers import SentenceTransformer

    with quiet():
        return SentenceTransformer(
            str(find(model)), device=None if device == "auto" else device, trust_remote_code=False,
            model_kwargs={"use_safetensors": True}, local_files_only=True,
        )  # fmt: skip


def encode(texts: Sequence[str], model: str, device: str = "auto", batch_size: int = 64) -> NDArray[np.float32]:
    """Return unit vectors, (len(texts), dimensions); equal texts are encoded once."""
    import numpy as np

    encoder = load(model, device)
    distinct = list(dict.fromkeys(readable(text) for text in texts))
    tokens = sum(len(ids) for ids in encoder.tokenizer(distinct, truncation=True)["input_ids"])
    with off_thread(encoder.device.type != "cpu", input_tokens=tokens):
        vectors = encoder.encode(
            distinct, batch_size=batch_size, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
    place = {text: number for number, text in enumerate(distinct)}
    return np.asarray(vectors[[place[readable(text)] for text in texts]], dtype=np.float32)


def readable(text: str) -> str:
    """Cut a text to what is read and replace what is no Unicode, such as lone surrogates."""
    return text[:MAX_READ].encode("utf-8", errors="replace").decode("utf-8")
