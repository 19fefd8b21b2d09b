"""Every reader reads an image from outside in the same way at every scale, or refuses it with the reason."""

import asyncio
import io

import numpy as np
import pytest
from PIL import Image

from cluster.hosts.host import Host
from miners import load_engine
from miners.engines.readers.lines import Line
from miners.ocr import OCRReader
from subnets import Fault, Prompt, Query

ENGINES = ("tesseract", "tesserocr")
PROGRAMS = ("gocr", "ocrad")
SCALES = (1.0, 0.75)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def of_16_bits(page: Image.Image) -> bytes:
    samples = np.asarray(page).astype(np.uint16)
    return encoded(Image.fromarray(12_000 + samples * 188), "PNG")


def on_clear_ground(page: Image.Image) -> bytes:
    ink = Image.new("RGBA", page.size, (0, 0, 0, 0))
    ink.putalpha(page.point(lambda value: 255 - value))
    return encoded(ink, "PNG")


def turned(page: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(page.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)


FORMS = {
    "16 bits": of_16_bits,
    "clear ground": on_clear_ground,
    "turned by the camera": turned,
    "colours of print": lambda page: encoded(page.convert("CMYK"), "JPEG", quality=95),
    "palette": lambda page: encoded(page.convert("P"), "PNG"),
    "1 bit": lambda page: encoded(page.convert("1"), "PNG"),
}


async def read(kind: str, image: bytes, scale: float) -> tuple[Line, ...]:
    engine = load_engine(kind)
    await engine.open()
    try:
        return await engine.read(image, scale=scale)
    finally:
        await engine.close()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("form", FORMS)
def test_the_same_page_in_another_form_is_read_alike(form: str, kind: str, scale: float, page: bytes) -> None:
    with Image.open(io.BytesIO(page)) as opened:
        data = FORMS[form](opened)
    lines = {line.text: line for line in asyncio.run(read(kind, data, scale))}
    assert {"Invoice No. 1742", "Garden chair", "Total amount due"} <= set(lines)
    box = lines["Total amount due"]
    assert (box.x1, box.y1) == pytest.approx((24, 172), abs=8)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", ENGINES)
def test_an_image_that_breaks_off_is_refused_with_the_reason(kind: str, scale: float, page: bytes) -> None:
    async def response(image: bytes) -> tuple[Fault | None, str]:
        host = Host("test", {0: OCRReader(engine=load_engine(kind), scale=scale)})
        await host.open()
        served = await host.serve(0, Query("1", "ocr", Prompt((), image)))
        await host.close()
        return served.fault, served.reason

    with Image.open(io.BytesIO(page)) as opened:
        jpeg = encoded(opened, "JPEG")
    cut, strange = jpeg[: int(len(jpeg) * 0.85)], jpeg.replace(b"\xff\xc0", b"\xff\xc3", 1)
    assert asyncio.run(response(cut)) == (
        Fault.REFUSED,
        "the image is truncated: its end is missing; send the whole file",
    )
    fault, reason = asyncio.run(response(strange))
    assert fault == Fault.REFUSED and reason.startswith("the image is broken and can't be decoded: ")
    fault, reason = asyncio.run(response(b""))
    assert (fault, reason) == (Fault.REFUSED, "the query has no image")


@pytest.mark.parametrize("kind", ENGINES + PROGRAMS)
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 900), (900, 3)])
def test_an_image_too_small_for_text_has_none(kind: str, size: tuple[int, int]) -> None:
    assert asyncio.run(read(kind, encoded(Image.new("L", size, 0), "PNG"), 1.0)) == ()
