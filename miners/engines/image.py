"""Images that miners accept: PNG or JPEG, of bounded size.

A small file can decode to gigabytes, so its header is checked before any pixel is decoded. Texts, profiles and other
parts that no pixel needs are removed first, because a file full of them takes half a minute to read.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 20_000_000
MAX_SIDE = 8192
MAX_CHUNKS = 10_000
"""Maximum chunks of a PNG."""
MAX_SEGMENTS = 1_000
"""Maximum segments of a JPEG before its first scan."""
MAX_TABLE_BYTES = 100_000
"""Maximum bytes of the segments that a decoder needs; ordinary files have 1,000 or 2,000, more with a thumbnail."""
MAX_SCANS = 100
"""Maximum scans of a JPEG, each a pass over all pixels; ordinary progressive files have ten."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_SCAN = 0xFFDA
_SEGMENTS = {*range(0xFFC0, 0xFFD0), 0xFFDB, 0xFFDD, 0xFFE0, 0xFFEE}
"""Frames, tables, the restart interval, and the two that define the colours: JFIF and Adobe."""


def open_image(data: bytes) -> Image:
    """Open an image by its header; the pixels are decoded on first use.

    Raises:
        ValueError: missing, of another format, or beyond the bounds above.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise ValueError("the query has no image")
    bare = _bare_png if data.startswith(_PNG) else _bare_jpeg if data.startswith(_JPEG) else bytes
    try:
        image = Image.open(io.BytesIO(bare(data)), formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(f"{len(data):,} bytes that are not a {' or '.join(FORMATS)} image") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ValueError(f"the image is far too large; at most {MAX_PIXELS:,} pixels are read") from None
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ValueError(
            f"the image has {width} x {height} pixels; at most {MAX_SIDE} a side and {MAX_PIXELS:,} in all are read"
        )
    return image


def _bare_png(data: bytes) -> bytes:
    parts, at = [_PNG], len(_PNG)
    kinds: set[bytes] = set()
    for _ in range(MAX_CHUNKS + 1):
        if at + 8 > len(data) or b"IEND" in kinds:
            return b"".join(parts)
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in _CHUNKS and (kind == b"IDAT" or kind not in kinds):
            parts.append(data[at : at + length + 12])
            kinds.add(kind)
        at += length + 12
    raise ValueError(f"the image has more than {MAX_CHUNKS:,} chunks")


def _bare_jpeg(data: bytes) -> bytes:
    parts, at = [_JPEG], len(_JPEG)
    for _ in range(MAX_SEGMENTS + 1):
        if at + 4 > len(data):
            break
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _SCAN:
            break
        if marker < 0xFFC0 or 0xFFD0 <= marker <= 0xFFD9 or marker == 0xFFFF:  # a stray byte or padding
            at += 1
            continue
        if marker in _SEGMENTS:
            parts.append(data[at : at + 2 + length])
        at += 2 + length
    else:
        raise ValueError(f"the image has more than {MAX_SEGMENTS:,} segments before its first scan")
    if sum(map(len, parts)) > MAX_TABLE_BYTES:
        raise ValueError(f"the image has more than {MAX_TABLE_BYTES:,} bytes of tables")
    bare = b"".join([*parts, data[at:]])
    if (scans := bare.count(_SCAN.to_bytes(2))) > MAX_SCANS:
        raise ValueError(f"the image has {scans:,} scans; at most {MAX_SCANS} are read")
    return bare


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
