"""An image as a part of a message, and the tokens that servers bill for it."""

from __future__ import annotations

import math
from base64 import b64encode
from typing import Any

from inference.pixels import image_size

MOST_IMAGE_TOKENS = 50_000
"""More than any server bills for one image; reserved before the bill is known."""
PATCH_SIDE = 28
"""Side, in pixels, of the square of an image that becomes a token in the Qwen-VL family."""


def with_image(messages: list[dict[str, Any]], image: bytes, detail: str = "") -> list[dict[str, Any]]:
    """Return messages whose last user turn holds the image as a data URI; the same ones without an image."""
    if not image:
        return messages
    url = {"url": data_uri(image)} | ({"detail": detail} if detail else {})
    last = max((number for number, turn in enumerate(messages) if turn["role"] == "user"), default=len(messages))
    said = messages[last]["content"] if last < len(messages) else ""
    parts = [{"type": "image_url", "image_url": url}, *([{"type": "text", "text": said}] if said else [])]
    return [*messages[:last], {"role": "user", "content": parts}, *messages[last + 1 :]]


def data_uri(image: bytes) -> str:
    """Return an encoded PNG or JPEG as a data URI."""
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{b64encode(image).decode()}"


def image_tokens(image: bytes) -> int:
    """Estimate the tokens of an image for a server that does not say what it bills: one for each square patch."""
    size = image_size(image) if image else None
    return 0 if size is None else math.ceil(size[0] / PATCH_SIDE) * math.ceil(size[1] / PATCH_SIDE)
