"""A canvas: draws text on a white page and records what it drew where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw

from subnets.ocr.answer import Font
from subnets.ocr.page import Line

from .fonts import load_font

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    header: str
    share: float
    """Share of the table's width."""
    align: Align = "left"


class Canvas:
    """A white page with margins, one type family, and the lines drawn so far."""

    def __init__(self, width: int, height: int, *, family: str, size: int, margin: int, pitch: float) -> None:
        self.image = Image.new("L", (width, height), 255)
        self.lines: list[Line] = []
        self.family = family
        self.em = size
        """Size of running text, in pixels."""
        self.step = round(size * pitch)
        """Distance between baselines, in pixels."""
        self.left, self.right = margin, width - margin
        self.top, self.bottom = margin + size, height - margin
        """The first and the last baseline."""
        self._draw = ImageDraw.Draw(self.image)

    @property
    def gap(self) -> int:
        """Minimum space between two sections on one line, in pixels; well above `COLUMN_GAP_EM`."""
        return 2 * self.em

    def put(
        self,
        x: float,
        baseline: float,
        text: str,
        *,
        align: Align = "left",
        room: float | None = None,
        bold: bool = False,
        scale: float = 1.0,
    ) -> None:
        """Draw a text from, around or up to `x`; words at its end that don't fit into `room` pixels are left out."""
        size = round(self.em * scale)
        font = load_font(self.family, size, bold=bold)
        left, top, right, bottom = (round(edge) for edge in font.getbbox(text, anchor="ls"))
        while room is not None and right - left > room and (" " in text or "-" in text):
            text = text.rpartition(" " if " " in text else "-")[0].rstrip(",")
            left, top, right, bottom = (round(edge) for edge in font.getbbox(text, anchor="ls"))
        origin = round(x) - {"left": left, "center": (left + right) // 2, "right": right}[align]
        y = round(baseline)
        self._draw.text((origin, y), text, fill=0, font=font, anchor="ls")
        x1, y1, x2, y2 = float(origin + left), float(y + top), float(origin + right), float(y + bottom)
        quad = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
        self.lines.append(Line(text, quad, Font(family=self.family, size=float(size))))

    def wrap(self, text: str, room: float) -> list[str]:
        """Break running text into lines of at most `room` pixels."""
        font = load_font(self.family, self.em)
        space = font.getlength(" ")
        lines: list[str] = []
        length = room
        for word in text.split():
            advance = space + font.getlength(word)
            if length + advance > room:
                lines.append(word)
                length = advance - space
            else:
                lines[-1] += f" {word}"
                length += advance
        return lines

    def rule(self, x1: float, y1: float, x2: float, y2: float, *, width: int = 1) -> None:
        """Draw a straight line."""
        self._draw.line((round(x1), round(y1), round(x2), round(y2)), fill=0, width=width)

    def frame(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw an empty box."""
        self._draw.rectangle((round(x1), round(y1), round(x2), round(y2)), outline=0, width=1)

    def table(
        self, baseline: float, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, ruled: bool = False
    ) -> float:
        """Draw a header and rows; return the baseline below the last one."""
        for number, row in enumerate([tuple(column.header for column in columns), *rows]):
            x = float(self.left)
            for column, text in zip(columns, row, strict=True):
                room = column.share * (self.right - self.left) - self.gap
                anchor = x + {"left": 0.0, "center": room / 2, "right": room}[column.align]
                self.put(anchor, baseline, text, align=column.align, room=room, bold=number == 0)
                x += room + self.gap
            if number == 0 or ruled:
                below = baseline + 0.4 * self.em
                self.rule(self.left, below, self.right, below, width=2 if number == 0 else 1)
            baseline += self.step + (0.4 * self.em if number == 0 else 0)
        return baseline
