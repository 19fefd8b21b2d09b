"""Names that strangers chose, in all five renderers: terminal, page, SVG, PNG and CSV."""

import csv
import re
import unicodedata
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from rich.console import Console

from lab.report.cells import clean, cut
from lab.report.charts import Mark, Series, draw_heat, draw_lines, draw_rows, draw_scatter
from lab.report.export import write_csv, write_png
from lab.report.html import page
from lab.report.images.svg import inline
from lab.report.plotting import draw
from lab.report.section import Caption, Column, Fact, Label, Picture, Publication, Section
from lab.report.terminal import show
from lab.statistics import Estimate

FRAGMENTS = (
    *("[red]", "[/]", "[bold", "\x1b[31m", "\x1b]0;title\x07", "\u202e", "\u2066", "\u200d", "\u2028", "\x9b", "\x00"),
    *("\ufffe", "$", "$x^2$", "\\frac{", "_", "=1+1", "+", "-", "@SUM(A1)", "\t=1", "\r", "\n", "\uff1d1"),
    *("<script>", "</text>", "]]>", "&amp;", '"', "'", "{", "%s", "\u77ff\u5de5", "\U0001f916", "a", "name"),
)
HOSTILE = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.characters()), min_size=1, max_size=8).map("".join)
ESTIMATE = Estimate(0.5, 0.4, 0.6, 3)


def section_of(name: str) -> Section:
    def picture(ax: Axes) -> Figure:
        return draw_rows([Mark(name, name, ESTIMATE), Mark(name, "other", ESTIMATE)], ax, label=name)

    columns = (
        Column("miner", "miner"),
        Column(name, name),
        Column("value", "value", 2),
        Column("difference", "change"),
    )
    rows = ((Label(name, "not honest", name), name, ESTIMATE, -0.5),)
    facts = (Fact(Column("fact", name), Label(name)),)
    return Section("names", name, Caption(name, name), columns, rows, Picture(picture), facts)


def hidden(text: str) -> set[str]:
    """Return the characters that could act on what shows the text."""
    return {mark for mark in text if unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")} - {"\n"}


def squeezed(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=150, deadline=None)
@given(HOSTILE)
def test_a_terminal_prints_names_as_they_are_without_markup_and_control_characters(name: str) -> None:
    console = Console(width=80, file=StringIO(), force_terminal=True, color_system=None)
    show([section_of(name)], [name], heading=(name,), console=console)
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert not hidden(text)
    assert squeezed(text).count(squeezed(clean(name))) >= 5


@settings(max_examples=150, deadline=None)
@given(HOSTILE)
@example("=1+1")
@example("\t=1+1")
@example("\r@SUM(A1)")
@example(" -1")
def test_a_csv_holds_no_formula_and_numbers_stay_numbers(name: str) -> None:
    with TemporaryDirectory() as folder:
        text = write_csv(section_of(name), Path(folder) / "table.csv").read_text(encoding="utf-8")
    assert not hidden(text)
    _, row = csv.reader(StringIO(text, newline=""))
    for cell in (row[0], row[1]):
        assert cell in (clean(name), f"'{clean(name)}")
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert not name.startswith(("\t", "\r")) or row[0].startswith("'")
    assert [float(cell) for cell in row[2:]] == [0.5, 0.4, 0.6, 3, -0.5]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(HOSTILE)
@example("_under")
@example("$x^2$")
@example("\x1b[31m[red]\u202e\x00</text><script>\u77ff")
def test_a_page_and_its_charts_show_names_and_nothing_else(name: str) -> None:
    text = page(Publication(name, name, (name,), (section_of(name),), ((name, name),), appendices=((name, name),)))
    assert not hidden(text.replace("\t", " "))
    assert "<script" not in text
    charts = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(charts) == 2
    for chart in charts:
        words = "".join(element.text or "" for element in ElementTree.fromstring(chart).iter() if "text" in element.tag)
        assert squeezed(words).count(squeezed(clean(name))) >= 3  # row, legend and axis


@settings(max_examples=10, deadline=None)
@given(HOSTILE)
@example("$x^2$")
@example("\\frac{\n\t\u77ff\x00")
def test_a_png_of_a_chart_or_of_a_table_can_be_drawn(name: str) -> None:
    drawn = section_of(name)
    table = Section(drawn.key, drawn.title, drawn.caption, drawn.columns, drawn.rows)
    with TemporaryDirectory() as folder:
        for section in (drawn, table):
            with Image.open(write_png(section, Path(folder) / "picture.png")) as picture:
                assert picture.width > 700


LONG = [f"{start}-{'x' * 20}-of.a_very-long.family-{'y' * 10}-{end}"[-60:] for start in "ab" for end in "0123"]
SOLID = [mark * 60 for mark in "MW"]


@pytest.mark.parametrize("width_px", [780, 358])
@pytest.mark.parametrize("names", [LONG, SOLID, ["short", *LONG[:2]]], ids=["long", "solid", "mixed"])
@pytest.mark.parametrize("kind", ["rows", "heat", "lines", "scatter"])
def test_a_name_of_sixty_characters_is_whole_and_inside_of_every_chart(
    kind: str, names: list[str], width_px: int
) -> None:
    draws = {
        "rows": lambda ax: draw_rows([Mark(n, s, ESTIMATE) for n in names for s in names[:3]], ax, label="score"),
        "heat": lambda ax: draw_heat(names, names, [[0.5 for _ in names] for _ in names], ax, top=1.0),
        "lines": lambda ax: draw_lines(
            [Series(n, ((1, ESTIMATE), (2, ESTIMATE))) for n in names], ax, x="x", title="y"
        ),
        "scatter": lambda ax: draw_scatter([(name, ESTIMATE, ESTIMATE) for name in names], ax, x="x", title="y"),
    }
    figure = draw(Picture(draws[kind]), width_px, 300)
    inline(figure, key="k", alt="chart")  # lays it out
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
    written = {text.get_text().replace("\n", "") for text in texts}
    assert set(names) <= written
    for text in texts:
        box = text.get_window_extent()
        if text.get_text().replace("\n", "") in names:
            assert box.x0 >= -2 and box.x1 <= width_px + 2
            assert box.y0 >= -2 and box.y1 <= figure.get_figheight() * 72 + 2
    (ax,) = figure.axes
    labels = [label for label in ax.get_yticklabels() if label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.y0)
    assert all(lower.y1 <= upper.y0 + 1 for lower, upper in zip(boxes, boxes[1:], strict=False))


def test_a_long_text_is_cut_between_words_if_it_has_some() -> None:
    assert cut("a reason of many words", 12) == "a reason of…"
    assert cut("a reason of many words", 11) == "a reason of…"
    assert cut("short", 12) == "short"
    assert cut("x" * 20, 12) == "x" * 12 + "…"
