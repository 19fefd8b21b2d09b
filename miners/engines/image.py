"""Images from outside, decoded in this one place: PNG or JPEG, of bounded size.

A small file can decode to gigabytes, so its header is checked before any pixel is decoded. Engines get the pixels that
a person sees: upright, in 8-bit grey, on white where the image is transparent. Of the file itself they get nothing.

    open_image(data).grey(scale=0.5)
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.errors import first_line
from inference.pixels import grey_on_white
from miners.errors import ImageError

from .image_file import reduce_file

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 20_000_000
MAX_SIDE = 8192
MAX_SCANNED_PIXELS = 300_000_000
"""Maximum pixels times scans of a JPEG; decoding so many takes two seconds."""


@dataclass(frozen=True, slots=True)
class QueryImage:
    """The image of a query; only its header has been read."""

    image: Image
    orientation: int = 1
    """How its pixels lie, as Exif counts it."""
    bits: int = 8
    """Bits of a sample in the file."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright image."""
        width, height = self.image.size
        return (height, width) if self.orientation >= 5 else (width, height)

    def grey(self, scale: float = 1.0) -> Image:
        """Decode to 8-bit grey, upright, transparent parts white, resized by `scale`.

        Raises:
            ImageError: the pixels can't be decoded.
        """
        from PIL import Image

        try:
            self.image.load()
            image = grey_on_white(self.image, self.bits)
        except Exception as error:  # a foreign file may fail in any way inside a decoder
            reason = first_line(error) or type(error).__name__
            raise ImageError(f"the image is broken and can't be decoded: {reason}") from error
        turn = Image.Transpose
        turns = {
            2: turn.FLIP_LEFT_RIGHT,
            3: turn.ROTATE_180,
            4: turn.FLIP_TOP_BOTTOM,
            5: turn.TRANSPOSE,
            6: turn.ROTATE_270,
            7: turn.TRANSVERSE,
            8: turn.ROTATE_90,
        }
        if self.orientation in turns:
            image = image.transpose(turns[self.orientation])
        if scale == 1.0:
            return image
        width, height = (max(1, round(side * scale)) for side in image.size)
        return image.resize((width, height), Image.Resampling.LANCZOS)


def open_image(data: bytes) -> QueryImage:
    """Open an image by its header; the pixels are decoded later.

    Raises:
        ImageError: missing, cut off, damaged, of another format, or beyond the bounds.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise ImageError("the query has no image")
    file = reduce_file(data)
    try:
        image = Image.open(io.BytesIO(file.data), formats=FORMATS)
    except UnidentifiedImageError:
        raise ImageError(f"{len(data):,} bytes that are not a {' or '.join(FORMATS)} image") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageError(f"the image is far too large; at most {MAX_PIXELS:,} pixels are read") from None
    except Exception as error:  # a foreign file may fail in any way inside a decoder
        reason = first_line(error) or type(error).__name__
        raise ImageError(f"the header of the image can't be read: {reason}") from error
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ImageError(
            f"the image has {width} x {height} pixels; at most {MAX_SIDE} a side and {MAX_PIXELS:,} in all are read"
        )
    if file.scans * width * height > MAX_SCANNED_PIXELS:
        raise ImageError(
            f"the image has {file.scans} scans of {width} x {height} pixels; "
            f"at most {MAX_SCANNED_PIXELS:,} pixels are read in all scans together"
        )
    return QueryImage(image, file.orientation, file.bits)


def blank() -> bytes:
    """Encode a small white image."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (64, 32), "white").save(file, "PNG")
    return file.getvalue()


def sample() -> bytes:
    """Encode a small image with a word on it, for engines that load a part of theirs at the first word."""
    from PIL import Image, ImageDraw, ImageFont

    file, image = io.BytesIO(), Image.new("L", (240, 80), "white")
    ImageDraw.Draw(image).text((20, 20), "sample", font=ImageFont.load_default(32), fill=0)
    image.save(file, "PNG")
    return file.getvalue()
