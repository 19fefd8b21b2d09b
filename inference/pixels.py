"""Pixels of images from files, as a person sees them: 8-bit grey, on white where an image is transparent."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

WHITE = 255


def grey_on_white(image: Image, bits: int = 8) -> Image:
    """Return a decoded image as 8-bit grey on white; `bits` are those of a sample in its file.

    Samples of 16 bits keep their upper half; Pillow would clip them.

    Raises:
        ValueError: the pixels name colours of a palette that the file lacks.
    """
    import numpy as np
    from PIL import Image

    if image.mode == "P" and image.palette is None:
        raise ValueError("its pixels name colours of a palette that the file lacks")
    # Pillow keeps the transparent colour in samples of the file, but scales the pixels to 8 bits.
    clear = image.info.get("transparency")
    if image.mode == "I;16":
        samples = np.asarray(image)
        pixels = (samples >> 8).astype(np.uint8)
        if clear is not None:
            pixels[samples == clear] = WHITE
        return Image.fromarray(pixels)
    if image.mode == "L" and isinstance(clear, int):
        image, most = image.copy(), 2**bits - 1
        image.info["transparency"] = (clear & most) * WHITE // most
    elif image.mode == "RGB" and isinstance(clear, tuple) and bits == 16:
        image = image.copy()
        image.info["transparency"] = tuple(sample >> 8 for sample in clear)
    if image.has_transparency_data:
        backed = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(backed, image.convert("RGBA"))
    return image.convert("L")


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of an encoded image by its header; None if it can't be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except Exception:  # a foreign file may fail in any way inside a decoder
        return None
