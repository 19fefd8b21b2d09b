"""Thumbnails: pictures small enough to be kept inside a page."""

from __future__ import annotations

import base64
from io import BytesIO

MOST_BYTES = 40_000
"""Size that a picture should not exceed."""

SIZES = ((640, 70), (640, 50), (560, 45), (480, 40), (400, 35), (320, 30), (160, 30))
"""Width in pixels and WebP quality, tried in this order until a picture is small enough."""


def data_url(png: bytes) -> str:
    """Return a picture as a URL that holds its thumbnail."""
    return f"data:image/webp;base64,{base64.b64encode(thumbnail(png)).decode()}"


def thumbnail(png: bytes) -> bytes:
    """Return a picture as WebP of at most `MOST_BYTES`, or as small as `SIZES` make it."""
    from PIL import Image

    with Image.open(BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    data = b""
    for width, quality in SIZES:
        size = (min(width, picture.width), max(1, round(picture.height * min(1.0, width / picture.width))))
        encoded = BytesIO()
        picture.resize(size, Image.Resampling.LANCZOS).save(encoded, "WEBP", quality=quality)
        data = encoded.getvalue()
        if len(data) <= MOST_BYTES:
            break
    return data
