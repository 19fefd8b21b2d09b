"""Images are bounded before they are decoded."""

import io
import struct
import zlib

import pytest
from PIL import Image

from miners.image import MAX_SIDE, grey, open_image


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_png_and_jpeg_are_opened(form: str) -> None:
    assert open_image(encoded(Image.new("RGB", (30, 20)), form)).size == (30, 20)


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "WEBP"])
def test_other_formats_are_refused(form: str) -> None:
    with pytest.raises(ValueError, match="no PNG or JPEG image"):
        open_image(encoded(Image.new("RGB", (30, 20)), form))


def test_a_query_without_an_image_is_refused() -> None:
    with pytest.raises(ValueError, match="no image"):
        open_image(b"")


@pytest.mark.parametrize("size", [(MAX_SIDE + 1, 1), (6000, 6000), (10_000, 10_000), (60_000, 60_000)])
def test_an_image_that_would_unfold_too_far_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="too large|at most"):
        open_image(png_that_claims(*size))


def test_transparent_parts_are_white() -> None:
    image = open_image(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG"))
    assert grey(image).getpixel((1, 1)) == 255


def test_a_scaled_image_has_at_least_one_pixel() -> None:
    assert grey(Image.new("L", (3, 300), 255), 0.1).size == (1, 30)
