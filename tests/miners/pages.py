"""Pages for the engines to read, drawn with the font that Pillow contains."""

import io

from PIL import Image, ImageDraw, ImageFont


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
