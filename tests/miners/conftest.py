"""Pages for the engines to read, drawn with the font that Pillow brings along."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from subnets import Caller, Message, Prompt, Query

ROWS = (
    ("Invoice No. 1742",),
    ("Blue paper lamp", "18.50"),
    ("Garden chair", "124.00"),
    ("Total amount due", "142.50"),
)
SENTENCE = "The quick brown fox jumps over the lazy dog"


def draw(rows: tuple[tuple[str, ...], ...], size: int = 24) -> bytes:
    """Draw rows of cells, the second cell of each far to the right."""
    font = ImageFont.load_default(size)
    image = Image.new("L", (26 * size, 2 * size * (len(rows) + 1)), 255)
    canvas = ImageDraw.Draw(image)
    for number, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            canvas.text((size + 18 * size * column, size + 2 * size * number), cell, font=font, fill=0)
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


@pytest.fixture(scope="session")
def page() -> bytes:
    """Seven cells of text."""
    return draw(ROWS)


@pytest.fixture(scope="session")
def dense_page() -> bytes:
    """Text that takes tesseract a good part of a second."""
    return draw(((SENTENCE,),) * 30)


@pytest.fixture(scope="session")
def long_page() -> bytes:
    """Five times as much: a reading of it is not over before it is ended."""
    return draw(((SENTENCE,),) * 160)


@pytest.fixture
def query(page: bytes) -> Query:
    """Ask for the text of the page."""
    return Query("q1", "ocr", Prompt((Message("user", "Read this page."),), page), 20.0, Caller("5Hot", 1000.0, True))
