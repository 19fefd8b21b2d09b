"""The truth beside an image: plain text, hOCR, ALTO 2 to 4, or PAGE 2010 to 2019.

Boxes are scaled to the image if the file was made for one of another size and the same shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from subnets.errors import PluginError
from subnets.ocr.answer import MAX_SECTIONS, MAX_TEXT
from subnets.ocr.page import Line

from .document import upright

SUFFIXES = (".gt.txt", ".txt", ".hocr", ".html", ".xml", ".alto.xml", ".page.xml")
"""Names of files of truth: the image's name with one of these endings instead of its own."""
MAX_BYTES = 20_000_000
SHAPE_TOLERANCE = 0.02
"""Relative difference of the scales in x and y, beyond which truth and image are not of the same page."""
_HOCR_LINES = {"ocr_line", "ocr_header", "ocr_caption", "ocr_textfloat", "ocrx_line"}
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}

Box = tuple[float, float, float, float]


def read_truth(path: Path, width: int, height: int) -> tuple[Line, ...]:
    """Return the lines of a file of truth to an image of this size.

    Raises:
        PluginError: it can't be read, has no text, or does not fit the image; with the file's name.
    """
    if path.stat().st_size > MAX_BYTES:
        raise PluginError(f"documents: {path}: {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
    try:
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PluginError(f"documents: {path}: it is not UTF-8 ({error.reason} at byte {error.start})") from None
    lines: list[tuple[str, Box | None]]
    if path.suffix == ".txt":
        lines = [(" ".join(line.split()), None) for line in source.splitlines()]
        size = (0.0, 0.0)
    elif path.suffix in (".hocr", ".html"):
        parser = _Hocr()
        parser.feed(source)
        lines, size = parser.lines, parser.size
    else:
        lines, size = _xml(path, source)
    placed = [_placed(path, text, box, size, (width, height)) for text, box in lines if text.strip()]
    if not placed:
        raise PluginError(f"documents: {path}: it has no text")
    if len(placed) > MAX_SECTIONS:
        raise PluginError(f"documents: {path}: {len(placed):,} lines; at most {MAX_SECTIONS:,} are read")
    return tuple(placed)


def _placed(path: Path, text: str, box: Box | None, size: tuple[float, float], image: tuple[int, int]) -> Line:
    text = " ".join(text.split())[:MAX_TEXT]
    if box is None:
        return Line(text, None)
    across, down = (actual / made if made > 0 else 1.0 for actual, made in zip(image, size, strict=True))
    if abs(across / down - 1.0) > SHAPE_TOLERANCE:
        raise PluginError(
            f"documents: {path}: made for an image of {size[0]:g} x {size[1]:g} pixels, but this one has "
            f"{image[0]} x {image[1]}: is it the truth of another image?"
        )
    x1, y1, x2, y2 = box[0] * across, box[1] * down, box[2] * across, box[3] * down
    slack = 0.01 * max(image)
    if x1 < -slack or y1 < -slack or x2 > image[0] + slack or y2 > image[1] + slack or x1 >= x2 or y1 >= y2:
        raise PluginError(
            f"documents: {path}: the box [{x1:g}, {y1:g}, {x2:g}, {y2:g}] of {text[:30]!r} is not inside the image "
            f"({image[0]} x {image[1]} pixels): is it the truth of another image?"
        )
    return Line(text, upright(max(0.0, x1), max(0.0, y1), min(float(image[0]), x2), min(float(image[1]), y2)))


def _xml(path: Path, source: str) -> tuple[list[tuple[str, Box | None]], tuple[float, float]]:
    try:
        root = ElementTree.fromstring(source)
    except ElementTree.ParseError as error:
        raise PluginError(f"documents: {path}: it is not XML: {error}") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    page = root.find(".//Page")
    if page is None or root.tag not in ("alto", "PcGts"):
        raise PluginError(f"documents: {path}: the XML is neither ALTO nor PAGE: its root is {root.tag[:40]!r}")
    if root.tag == "alto":
        size = (_number(page, "WIDTH"), _number(page, "HEIGHT"))
        return list(_alto(page)), size
    return list(_page(page)), (_number(page, "imageWidth"), _number(page, "imageHeight"))


def _alto(page: ElementTree.Element) -> Iterator[tuple[str, Box | None]]:
    for line in page.iter("TextLine"):
        text = ""
        for part in line:
            if part.tag == "String":
                text += part.get("CONTENT", "")
            elif part.tag == "SP":
                text += " "
            elif part.tag == "HYP":
                text += part.get("CONTENT", "-")
        x, y = _number(line, "HPOS"), _number(line, "VPOS")
        box = (x, y, x + _number(line, "WIDTH"), y + _number(line, "HEIGHT")) if line.get("HPOS") else None
        yield text, box


def _page(page: ElementTree.Element) -> Iterator[tuple[str, Box | None]]:
    regions = {region.get("id", ""): region for region in page.iter("TextRegion")}
    ordered = [reference.get("regionRef", "") for reference in page.iter("RegionRefIndexed")]
    names = [name for name in ordered if name in regions] + [name for name in regions if name not in ordered]
    for name in names:
        for line in regions[name].findall("TextLine"):
            readings = sorted(line.findall("TextEquiv"), key=lambda each: int(each.get("index") or 0))
            unicode = readings[0].find("Unicode") if readings else None
            coords = line.find("Coords")
            points = [] if coords is None else _points(coords)
            box = None
            if points:
                xs, ys = zip(*points, strict=True)
                box = (min(xs), min(ys), max(xs), max(ys))
            yield (unicode.text or "") if unicode is not None else "", box


def _points(coords: ElementTree.Element) -> list[tuple[float, float]]:
    pairs = re.findall(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", coords.get("points", ""))
    pairs = pairs or [(point.get("x", "0"), point.get("y", "0")) for point in coords.findall("Point")]
    return [(float(x), float(y)) for x, y in pairs]


def _number(element: ElementTree.Element, name: str) -> float:
    try:
        return float(element.get(name, "0"))
    except ValueError:
        return 0.0


class _Hocr(HTMLParser):
    """Lines of an hOCR file: elements of class ocr_line and the like, with `bbox` in their titles."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, Box | None]] = []
        self.size = (0.0, 0.0)
        self._depth = 0
        """Open elements inside the current line, itself included."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth:
            self._depth += tag not in _VOID
            return
        attributes = dict(attrs)
        classes = set((attributes.get("class") or "").split())
        match = re.search(r"\bbbox\s+(-?[\d.]+)\s+(-?[\d.]+)\s+(-?[\d.]+)\s+(-?[\d.]+)", attributes.get("title") or "")
        box = tuple(map(float, match.groups())) if match else None
        if "ocr_page" in classes and box is not None:
            self.size = (box[2], box[3])
        if classes & _HOCR_LINES:
            self.lines.append(("", None if box is None else (box[0], box[1], box[2], box[3])))
            self._depth = 1

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag not in _VOID:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            text, box = self.lines[-1]
            self.lines[-1] = (text + data, box)
