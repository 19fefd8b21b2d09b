"""Images from outside are bounded before they are decoded, and read as a person sees them or refused."""

import io
import random
import struct
import time
import zlib

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from miners.engines.image import MAX_SIDE, QueryImage, open_image
from miners.engines.image_file import MAX_SCANS
from miners.errors import ImageError


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
    with pytest.raises(ImageError, match="not a PNG or JPEG image"):
        open_image(encoded(Image.new("RGB", (30, 20)), form))


def test_a_query_without_an_image_is_refused() -> None:
    with pytest.raises(ImageError, match="no image"):
        open_image(b"")


@pytest.mark.parametrize("size", [(MAX_SIDE + 1, 1), (6000, 6000), (10_000, 10_000), (60_000, 60_000)])
def test_an_image_that_would_unfold_too_far_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="too large|at most"):
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
        open_image(data).grey()
    except ImageError as refused:
        assert "the image has more than" in str(refused)
    assert time.thread_time() - began_s < 0.1


def test_a_jpeg_of_too_many_scans_is_refused() -> None:
    data = encoded(Image.new("L", (30, 20)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert open_image(data[:-2] + last * (MAX_SCANS - data.count(b"\xff\xda")) + data[-2:]).grey()
    with pytest.raises(ImageError, match="the image has 200,006 scans; at most 100 are read"):
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
            assert open_image(data).image.convert("RGBA").tobytes() == whole.convert("RGBA").tobytes()


def png(bits: int, colour: int, samples: tuple[int, ...], *others: bytes) -> bytes:
    """Encode one row of pixels with samples of up to 16 bits."""
    packed = "".join(f"{sample:0{bits}b}" for sample in samples)
    row = int(packed.ljust(-(-len(packed) // 8) * 8, "0"), 2).to_bytes(-(-len(packed) // 8))
    width = len(samples) // {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    header = struct.pack(">IIBBBBB", width, 1, bits, colour, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(others) + body


def transparent(*samples: int) -> bytes:
    return chunk(b"tRNS", struct.pack(f">{len(samples)}H", *samples))


INK, PAPER = 12_000, 60_000
PALETTE = chunk(b"PLTE", bytes([0, 0, 0, 200, 200, 200]))


FORMS_OF_PNG = {
    "1 bit": (png(1, 0, (0, 1)), (0, 255)),
    "1 bit, clear": (png(1, 0, (0, 1), transparent(0)), (255, 255)),
    "2 bits, clear": (png(2, 0, (0, 1, 2, 3), transparent(1)), (0, 255, 170, 255)),
    "4 bits, clear": (png(4, 0, (0, 5, 15), transparent(5)), (0, 255, 255)),
    "8 bits, clear": (png(8, 0, (0, 5, 200), transparent(5)), (0, 255, 200)),
    "16 bits": (png(16, 0, (INK, PAPER)), (46, 234)),
    "16 bits, clear": (png(16, 0, (INK, PAPER, 300), transparent(INK)), (255, 234, 1)),
    "16 bits and alpha": (png(16, 4, (INK, 65_535, INK, 0)), (46, 255)),
    "grey and alpha": (png(8, 4, (0, 255, 0, 0, 100, 51)), (0, 255, 224)),
    "RGB of 16 bits": (png(16, 2, (INK,) * 3 + (PAPER,) * 3), (46, 234)),
    "RGB of 16 bits, clear": (png(16, 2, (INK,) * 3 + (PAPER,) * 3, transparent(INK, INK, INK)), (255, 234)),
    "RGB, clear": (png(8, 2, (9, 9, 9, 90, 90, 90), transparent(9, 9, 9)), (255, 90)),
    "RGBA of 16 bits": (png(16, 6, (INK, INK, INK, 65_535, 0, 0, 0, 0)), (46, 255)),
    "palette": (png(1, 3, (0, 1), PALETTE), (0, 200)),
    "palette, clear": (png(8, 3, (0, 1), PALETTE, chunk(b"tRNS", bytes([0, 255]))), (255, 200)),
}
"""A file, and its pixels as they are seen."""


@pytest.mark.parametrize(("data", "seen"), FORMS_OF_PNG.values(), ids=FORMS_OF_PNG)
def test_every_form_of_png_is_seen_on_white_paper(data: bytes, seen: tuple[int, ...]) -> None:
    image = open_image(data)
    assert tuple(image.grey().tobytes()) == seen
    assert tuple(image.grey().tobytes()) == seen, "a second decoding sees the same"


def test_a_jpeg_in_the_colours_of_print_is_seen_as_its_rgb() -> None:
    picture = Image.linear_gradient("L").convert("RGB")
    printed = open_image(encoded(picture.convert("CMYK"), "JPEG", quality=95)).grey()
    differences = zip(printed.tobytes(), picture.convert("L").tobytes(), strict=True)
    assert max(abs(one - other) for one, other in differences) <= 3


def marked() -> Image.Image:
    """White, 6 pixels wide and 4 high, with a dark corner at the top left and a grey one at the top right."""
    image = Image.new("L", (48, 32), 255)
    image.paste(0, (0, 0, 16, 16))
    image.paste(128, (32, 0, 48, 16))
    return image


def as_a_camera_keeps_it(orientation: int, form: str) -> bytes:
    turns = Image.Transpose
    undo = {
        1: None,
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_90,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x0112] = orientation
    return encoded(marked() if undo is None else marked().transpose(undo), form, exif=exif)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_read_upright_however_the_camera_was_held(orientation: int, form: str) -> None:
    image = open_image(as_a_camera_keeps_it(orientation, form))
    assert image.size == image.grey().size == (48, 32)
    corners = [image.grey().getpixel(place) for place in ((4, 4), (44, 4), (4, 28), (44, 28))]
    assert corners == pytest.approx([0, 128, 255, 255], abs=2)


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II*\0",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff" + bytes(40),
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x05\0\x01\0\0\0\x06\0\0\0",
    ],
    ids=["empty", "cut", "far away", "cut entries", "no such orientation", "of another type"],
)
def test_exif_data_that_name_no_orientation_leave_the_image_as_it_lies(exif: bytes) -> None:
    png_file, jpeg_file = encoded(marked(), "PNG"), encoded(marked(), "JPEG")
    for data in (
        png_file[:33] + chunk(b"eXIf", exif) + png_file[33:],
        jpeg_file[:2] + segment(0xFFE1, b"Exif\0\0" + exif) + jpeg_file[2:],
    ):
        assert open_image(data).orientation == 1


def test_of_a_file_with_several_images_the_first_is_read() -> None:
    frames = [Image.new("L", (30, 20), shade) for shade in (200, 10)]
    for form in ("PNG", "MPO"):
        data = io.BytesIO()
        frames[0].save(data, form, save_all=True, append_images=frames[1:])
        assert open_image(data.getvalue()).grey().getpixel((3, 3)) == pytest.approx(200, abs=2)


PICTURE = Image.radial_gradient("L")
FORMS = {
    "png": encoded(PICTURE, "PNG"),
    "jpeg": encoded(PICTURE, "JPEG"),
    "progressive": encoded(PICTURE, "JPEG", progressive=True),
}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.85, 0.99])
@pytest.mark.parametrize("form", FORMS)
def test_a_file_without_its_end_is_refused(form: str, share: float) -> None:
    data = FORMS[form]
    with pytest.raises(ImageError, match=r"the image is truncated|more than|are not a PNG or JPEG"):
        open_image(data[: int(len(data) * share)] or data[:4])
    with pytest.raises(ImageError, match="the image is truncated"):
        open_image(data[:-1])


def test_no_changed_byte_of_a_png_goes_unnoticed() -> None:
    data = encoded(PICTURE.resize((20, 16)), "PNG")
    for place in range(len(data)):
        with pytest.raises(ImageError):
            open_image(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]).grey()


def test_a_jpeg_that_no_decoder_takes_is_refused_when_it_is_decoded() -> None:
    image = open_image(FORMS["jpeg"].replace(b"\xff\xc0", b"\xff\xc3", 1))  # a lossless frame
    with pytest.raises(ImageError, match="the image is broken and can't be decoded: "):
        image.grey()


def test_a_png_whose_pixels_are_no_pixels_is_refused_when_it_is_decoded() -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50, 50, 8, 0, 0, 0, 0))
    for pixels in (b"", b"nothing of this kind", zlib.compress(b"\0" * 40)):
        data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
        with pytest.raises(ImageError, match="the image is broken and can't be decoded"):
            open_image(data).grey()


@pytest.mark.parametrize("behind_ihdr", [b"", chunk(b"tRNS", b"\0\x80"), chunk(b"tRNS", b"")])
def test_colours_of_a_palette_that_the_file_lacks_are_refused(behind_ihdr: bytes) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 3, 0, 0, 0)) + behind_ihdr
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 20)) + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match="the image is broken.*: its pixels name colours of a palette"):
        open_image(b"\x89PNG\r\n\x1a\n" + header + pixels).grey()


def test_a_file_of_noise_behind_a_right_beginning_is_refused() -> None:
    noise = random.Random(0)
    for _ in range(200):
        for beginning in (b"\x89PNG\r\n\x1a\n", SMALL_PNG[:33], b"\xff\xd8", SMALL_JPEG[:200]):
            with pytest.raises(ImageError):
                open_image(beginning + noise.randbytes(noise.randrange(300))).grey()


def test_many_scans_of_many_pixels_are_refused() -> None:
    data = encoded(Image.new("L", (4400, 4400)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(ImageError, match="the image has 26 scans of 4400 x 4400 pixels; at most 300,000,000 pixels"):
        open_image(data[:-2] + last * 20 + data[-2:])


def test_a_scaled_image_has_at_least_one_pixel() -> None:
    assert QueryImage(Image.new("L", (3, 300), 255)).grey(0.1).size == (1, 30)
