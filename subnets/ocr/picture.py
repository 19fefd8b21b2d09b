"""Pictures for the report: a page with true and answered boxes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from .answer import Section
from .page import Page

TRUE = (0, 140, 70)
ANSWERED = (215, 40, 40)


def draw_boxes(image: bytes, page: Page, sections: Sequence[Section]) -> bytes:
    """Return a PNG of the page with true quadrilaterals, answered boxes and a legend above."""
    from PIL import Image, ImageDraw

    from .synthetic.fonts import load_font

    band = 34
    with Image.open(BytesIO(image)) as picture:
        drawing = Image.new("RGB", (picture.width, picture.height + band), (255, 255, 255))
        drawing.paste(picture, (0, band))
    draw = ImageDraw.Draw(drawing)
    for line in page.lines:
        if line.quad is not None:
            draw.polygon([(x, y + band) for x, y in line.quad], outline=TRUE, width=2)
    for section in sections:
        if section.box is None:
            continue
        x1, y1, x2, y2 = section.box
        draw.rectangle((x1, y1 + band, x2, y2 + band), outline=ANSWERED, width=1)
    font = load_font("DejaVu Sans", 16)
    x = 10.0
    for colour, words in ((TRUE, f"{len(page.lines)} true sections"), (ANSWERED, f"{len(sections)} answered")):
        draw.rectangle((x, 10, x + 14, 24), outline=colour, width=2)
        draw.text((x + 22, 23), words, fill=colour, font=font, anchor="ls")
        x += 22 + font.getlength(words) + 24
    png = BytesIO()
    drawing.save(png, "PNG")
    return png.getvalue()
