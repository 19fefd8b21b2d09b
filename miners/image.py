"""Images as miners accept them: PNG or JPEG, and bounded before a single pixel is decoded.

A small file can unfold into gigabytes, so the header is read first.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 20_000_000
MAX_SIDE = 8192


def open_image(data: bytes) -> Image:
    """Open an image by its header alone; the pixels are decoded on first use.

    Raises:
        ValueError: no image, of another format, or larger than `MAX_SIDE` or `MAX_PIXELS`.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise ValueError("the query has no image")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(f"{len(data):,} bytes that are no {' or '.join(FORMATS)} image") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ValueError(f"the image is far too large; at most {MAX_PIXELS:,} pixels are read") from None
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ValueError(
            f"the image has {width} x {height} pixels; at most {MAX_SIDE} a side and {MAX_PIXELS:,} in all are read"
        )
    return image


def grey(image: Image, scale: float = 1.0) -> Image:
    """Decode to 8-bit grey, transparent parts white, resized by `scale`."""
    from PIL import Image

    if image.has_transparency_data:
        backed = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(backed, image.convert("RGBA"))
    image = image.convert("L")
    if scale == 1.0:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def blank() -> bytes:
    """Encode a small white image."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (64, 32), "white").save(file, "PNG")
    return file.getvalue()
