"""Typefaces of the pages: files from pinned packages, never from the machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont


@dataclass(frozen=True, slots=True)
class Typeface:
    """Location of the files of one family."""

    package: str
    folder: str
    regular: str
    bold: str
    scripts: tuple[str, ...] = ("latin", "greek", "cyrillic")
    """Scripts of which it has all letters."""


_MATPLOTLIB = ("matplotlib", "mpl-data/fonts/ttf")
_SOURCE = ("font_source_serif_pro", "files")

FAMILIES: Mapping[str, Typeface] = {
    "DejaVu Sans": Typeface(*_MATPLOTLIB, "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    "DejaVu Serif": Typeface(*_MATPLOTLIB, "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf"),
    "DejaVu Sans Mono": Typeface(*_MATPLOTLIB, "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"),
    "STIX": Typeface(*_MATPLOTLIB, "STIXGeneral.ttf", "STIXGeneralBol.ttf"),
    "Lato": Typeface("font_lato", "files", "Lato-Regular.ttf", "Lato-Bold.ttf", ("latin",)),
    "Source Serif Pro": Typeface(*_SOURCE, "SourceSerifPro-Regular.ttf", "SourceSerifPro-Bold.ttf"),
}


@cache
def path_of(family: str, *, bold: bool = False) -> Path:
    """Find a font file without importing its package."""
    face = FAMILIES[family]
    spec = find_spec(face.package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"font {family!r} comes with the package {face.package}, which is not installed")
    return Path(spec.submodule_search_locations[0]) / face.folder / (face.bold if bold else face.regular)


# FreeType's faces may not be used by two threads at once.
_open = threading.local()


def load_font(family: str, size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Open a font at a size in pixels, once in each thread."""
    fonts: dict[tuple[str, int, bool], ImageFont.FreeTypeFont] = _open.__dict__.setdefault("fonts", {})
    key = (family, size, bold)
    if key not in fonts:
        # The basic engine is in every build of Pillow; the other one depends on the machine's libraries.
        fonts[key] = ImageFont.truetype(path_of(family, bold=bold), size, layout_engine=ImageFont.Layout.BASIC)
    return fonts[key]
