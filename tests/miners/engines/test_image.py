"""Images are bounded before they are decoded."""

import io
import struct
import time
import zlib

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from miners.engines.image import MAX_SCANS, MAX_SIDE, grey, open_image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">HH", marker, len(data) + 2) + data


def png_that_claims(width: int, height: int) -> bytes:
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
    with pytest.raises(ValueError, match="not a PNG or JPEG image"):
        open_image(encoded(Image.new("RGB", (30, 20)), form))


def test_a_query_without_an_image_is_refused() -> None:
    with pytest.raises(ValueError, match="no image"):
        open_image(b"")


@pytest.mark.parametrize("size", [(MAX_SIDE + 1, 1), (6000, 6000), (10_000, 10_000), (60_000, 60_000)])
def test_an_image_that_would_unfold_too_far_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="too large|at most"):
        open_image(png_that_claims(*size))


SMALL_PNG = encoded(Image.new("L", (30, 20)), "PNG")
SMALL_JPEG = encoded(Image.new("L", (30, 20)), "JPEG")
PROFILES = chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(1_000_000))) * 1_500
DIRECTORY = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 5400)
DIRECTORY += b"".join(struct.pack(">HHII", tag, 7, 60_000, 0) for tag in range(1000, 6400))


@pytest.mark.parametrize(
    "data",
    [
        SMALL_PNG[:33] + PROFILES + SMALL_PNG[33:],
        SMALL_PNG[:-12] + PROFILES + SMALL_PNG[-12:],
        SMALL_PNG[:33] + chunk(b"teSt", b"") * 300_000 + SMALL_PNG[33:],
        SMALL_PNG[:33] + chunk(b"IDAT", b"") * 300_000 + SMALL_PNG[33:],
        SMALL_JPEG[:2] + segment(0xFFE3, b"") * 1_000_000 + SMALL_JPEG[2:],
        SMALL_JPEG[:2] + b"\xff" * 4_000_000 + SMALL_JPEG[2:],
        SMALL_JPEG[:2] + segment(0xFFE1, DIRECTORY) * 60 + SMALL_JPEG[2:],
        SMALL_JPEG[:2] + segment(0xFFDB, (b"\0" + bytes(64)) * 1_000) * 90 + SMALL_JPEG[2:],
        b"\xff\xd8" + segment(0xFFDB, (b"\0" + bytes(64)) * 1_000) * 90,
    ],
    ids=["profiles", "late profiles", "chunks", "pieces", "segments", "filling", "directories", "tables", "no scan"],
)
def test_a_file_full_of_what_no_pixel_needs_is_read_or_refused_at_once(data: bytes) -> None:
    began_s = time.thread_time()
    try:
        open_image(data).load()
    except ValueError as refused:
        assert "the image has more than" in str(refused)
    assert time.thread_time() - began_s < 0.1


def test_a_jpeg_of_too_many_scans_is_refused() -> None:
    data = encoded(Image.new("L", (30, 20)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert open_image(data[:-2] + last * (MAX_SCANS - data.count(b"\xff\xda")) + data[-2:]).load()
    with pytest.raises(ValueError, match="the image has 200,006 scans; at most 100 are read"):
        open_image(data[:-2] + last * 200_000 + data[-2:])


def test_what_cameras_and_editors_add_does_no_harm_and_the_pixels_stay() -> None:
    picture = Image.radial_gradient("L").convert("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    notes = PngInfo()
    notes.add_text("note", "words " * 50_000, zip=True)
    exif = Image.Exif()
    exif[0x010E] = "words " * 10_000
    palette = picture.quantize(16)
    camera = encoded(
        picture, "JPEG", exif=exif, icc_profile=bytes(560_000), comment="words " * 10_000, progressive=True
    )
    for data in (
        camera + bytes(200_000),
        camera[:2] + b"\xff" + camera[2:],
        encoded(picture, "JPEG", keep_rgb=True, restart_marker_rows=1),
        encoded(picture.convert("CMYK"), "JPEG"),
        encoded(picture, "PNG", icc_profile=profile, pnginfo=notes) + bytes(200_000),
        encoded(palette, "PNG", transparency=3),
        encoded(palette, "PNG", transparency=bytes(range(16)), bits=4),
    ):
        with Image.open(io.BytesIO(data)) as whole:
            assert open_image(data).convert("RGBA").tobytes() == whole.convert("RGBA").tobytes()


def test_transparent_parts_are_white() -> None:
    image = open_image(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG"))
    assert grey(image).getpixel((1, 1)) == 255


def test_a_scaled_image_has_at_least_one_pixel() -> None:
    assert grey(Image.new("L", (3, 300), 255), 0.1).size == (1, 30)
