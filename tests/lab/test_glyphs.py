"""Names in scripts that the font of charts lacks are drawn in another font, or spelled out, but never as boxes."""

import warnings
from io import BytesIO

import pytest

from lab.report.charts import Mark, draw_rows
from lab.report.glyphs import spelled
from lab.report.plotting import draw
from lab.report.section import Picture
from lab.statistics import Estimate

NAMES = ("miner", "矿工", "ขุด", "\U00013080")


def test_no_character_of_a_png_is_missing() -> None:
    marks = [Mark(name, f"{name} score", Estimate(0.5, 0.4, 0.6, 3)) for name in NAMES]
    figure = draw(Picture(lambda ax: draw_rows(marks, ax, label=NAMES[1])), 760, 300, spell=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(BytesIO(), format="png")


def test_what_no_font_has_is_written_as_its_code_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.report.glyphs._drawable", str.isascii)
    assert spelled("a 矿\n") == "a [U+77FF]\n"
