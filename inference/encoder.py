"""A sentence encoder: texts to unit vectors, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from .quiet import quiet
from .weights import resolve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_CHARACTERS = 8_000
"""Maximum characters of a text to encode: more than any sentence encoder reads."""


class SentenceEncoder:
    """A model that turns texts into vectors of their meaning."""

    def __init__(self, name: str, device: str = "auto") -> None:
        """Load an encoder; no code that comes with it is run.

        Raises:
            ModelError: it is missing.
        """
        from sentence_transformers import SentenceTransformer

        with quiet():
            self._model = SentenceTransformer(
                str(resolve(name)),
                device=None if device == "auto" else device,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
                local_files_only=True,
            )

    @property
    def on_gpu(self) -> bool:
        """True if the model's work takes GPU time."""
        return bool(self._model.device.type != "cpu")

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Count the tokens that encoding takes."""
        return sum(len(ids) for ids in self._model.tokenizer(_distinct(texts), truncation=True)["input_ids"])

    def encode(self, texts: Sequence[str], batch_size: int = 64) -> NDArray[np.float32]:
        """Return unit vectors, (len(texts), dimensions); equal texts are encoded once."""
        import numpy as np

        distinct = _distinct(texts)
        vectors = self._model.encode(
            distinct, batch_size=batch_size, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        rows = {text: number for number, text in enumerate(distinct)}
        return np.asarray(vectors[[rows[_readable(text)] for text in texts]], dtype=np.float32)


@lru_cache(maxsize=4)
def shared_encoder(name: str, device: str) -> SentenceEncoder:
    """Load an encoder once per process."""
    return SentenceEncoder(name, device)


def _distinct(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(_readable(text) for text in texts))


def _readable(text: str) -> str:
    """Cut a text to the part that is encoded and replace lone surrogates."""
    return text[:MAX_CHARACTERS].encode("utf-8", errors="replace").decode("utf-8")
