import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from rich.console import Console

from lab.record.record import RunRecord
from lab.report.cells import plain
from lab.report.charts import Mark, draw_rows
from lab.report.export import as_dict, write_csv, write_json, write_png
from lab.report.html import page as page_of
from lab.report.images.svg import inline
from lab.report.images.thumbnail import MOST_BYTES, thumbnail
from lab.report.plotting import spread
from lab.report.run_report import SECTIONS, html, write_report
from lab.report.section import Caption, Column, Label, Picture, Publication, Section
from lab.report.sections.bill import draw_bill
from lab.report.sections.incentive import draw_incentive, incentives
from lab.report.sections.pay import draw_pay
from lab.report.sections.scores import draw_scores
from lab.report.terminal import show
from lab.results.customers import CustomerFigures, MinerForCustomers
from lab.results.neurons import by_quality
from lab.results.pay_worth import MinerWorth, PayWorth
from lab.results.run_figures import RunFigures
from lab.results.sample_answers import RANKS, pick
from lab.statistics import Estimate
from tests.lab.records import make_config, make_record

VOID = {"meta", "img", "br", "hr"}
WORTH = PayWorth("2026-08", 0.01, 300.0, True, (MinerWorth(3, "perfect", 120.5, 1.2, 0.004, 360.0),))


@pytest.fixture(scope="module")
def page(run: RunFigures) -> str:
    return html(run)


class Outline(HTMLParser):
    """What a browser would make of a page: its tags, ids and references; unbalanced tags are an error."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("href", "src", "action", "data"):
                self.references.append(value or "")
            assert not name.startswith("on"), f"<{tag} {name}>"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    assert parser.open == []
    return parser


@pytest.mark.slow
def test_the_same_record_gives_the_same_bytes(record: RunRecord, page: str) -> None:
    assert html(RunFigures.of(record)) == page


def test_the_report_is_one_small_file_that_fetches_nothing(run: RunFigures, tmp_path: Path) -> None:
    path = write_report(run, tmp_path / "deep" / "report.html")
    assert path.stat().st_size < 3_000_000
    assert [other.name for other in path.parent.iterdir()] == ["report.html"]
    page = path.read_text()
    assert "default-src 'none'" in page
    for reference in outline(page).references:
        assert reference.startswith(("#", "data:image/")), reference[:80]
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)


def test_ids_are_unique_and_every_reference_finds_its_own(page: str) -> None:
    structure = outline(page)
    assert len(structure.ids) == len(set(structure.ids))
    wanted = {name[1:] for name in structure.references if name.startswith("#")} | set(
        re.findall(r"url\(#([^)]+)\)", page)
    )
    assert wanted == set(structure.ids)


def test_what_miners_wrote_can_do_no_harm(tmp_path: Path) -> None:
    with make_record(tmp_path, make_config(subnet={"kind": "tests.lab.records:Digits", "drawn": False})) as record:
        page = html(RunFigures.of(record))
    assert "script" not in outline(page).tags
    assert "&lt;script&gt;alert(&#39;pwned&#39;)" in page
    assert "\x1b" not in page and "\u202e" not in page
    assert "Say &lt;b&gt;" in page


def test_the_report_shows_what_was_run_and_who_did_how_well(page: str) -> None:
    for words in ("Digits: 6 miners, 3 validators, 4 epochs", "2026-11-02 09:30:00 UTC", "numpy 2.1.0", "seed 7"):
        assert words in page
    for name in ("steady-0", "copier", "perfect", "injector", "mute"):
        assert name in page
    assert "not finished" not in page


def test_the_uid_0_is_a_name_and_no_empty_amount(page: str) -> None:
    assert re.search(r'<td class="">0</td>', page) and '<td class="zero ">0</td>' in page


def test_every_chart_is_there_for_both_screens_with_words_for_those_who_cannot_see_it(page: str) -> None:
    labels = re.findall(r'<svg [^>]*aria-label="([^"]+)"', page)
    assert len(labels) == 8
    assert min(map(len, labels)) > 60


def test_no_style_of_a_chart_reaches_the_page_around_it(page: str) -> None:
    assert page.count("<style>") == 1
    assert "DejaVu Sans'" not in page


def test_an_unfinished_run_has_a_report_that_says_so(tmp_path: Path) -> None:
    with make_record(tmp_path / "some", epochs=1) as record:
        assert "1 of 4 epochs are complete" in html(RunFigures.of(record))
    with make_record(tmp_path / "none", epochs=0) as record:
        page = html(RunFigures.of(record))
    assert "0 of 4 epochs are complete" in page
    assert outline(page).tags.count("svg") == 0


def test_a_single_miner_that_is_never_graded_has_a_report(tmp_path: Path) -> None:
    miners = [{"name": "spoiler", "kind": "tests.lab.records:Spoiler", "stake": 1.0}]
    with make_record(tmp_path, make_config(miners=miners)) as record:
        page = html(RunFigures.of(record))
    outline(page)
    assert "No answer was graded." in page


def test_a_subnet_that_fails_to_draw_costs_the_pictures_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with make_record(tmp_path, make_config(subnet={"kind": "tests.lab.records:Digits", "broken": True})) as record:
        page = html(RunFigures.of(record))
    assert "It could not be drawn: RuntimeError: out of ink" in page
    assert "data:image" not in page


def test_samples_are_the_best_the_median_and_the_worst_answers(run: RunFigures, page: str) -> None:
    picks = pick(run.results.rounds)
    assert [picked.rank for picked in picks] == [rank for rank in RANKS for _ in range(2)]
    scores = [picked.score for picked in picks]
    assert scores[:2] == [1.0, 1.0] and scores[4:] == [0.0, 0.0]
    assert 0.3 < scores[2] < 1.0
    assert len({picked.key for picked in picks}) == 6
    assert page.count("data:image/webp;base64,") == 6


def test_few_answers_give_few_samples(run: RunFigures) -> None:
    graded = run.results.rounds[0]
    single = graded.model_copy(update={"answers": graded.answers[:1]})
    assert [picked.rank for picked in pick([single])] == ["best"]
    assert pick([]) == []


def test_a_thumbnail_of_the_worst_kind_of_picture_is_small() -> None:
    page = BytesIO()
    Image.effect_noise((900, 1200), 100).convert("RGB").save(page, "PNG")
    small = thumbnail(page.getvalue())
    assert len(small) <= MOST_BYTES
    with Image.open(BytesIO(small)) as picture:
        assert picture.width / picture.height == pytest.approx(0.75, abs=0.01)


def test_charts_draw_what_the_data_say(run: RunFigures) -> None:
    results, bill = run.results, run.bill
    miners = by_quality(results.miners)
    names = [f"{miner.name}{'' if miner.honest else '*'}" for miner in miners]
    for figure in (draw_scores(miners), draw_pay(miners)):
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == names
    lines = draw_incentive(results).axes[0].get_lines()
    assert [tuple(line.get_ydata()) for line in lines] == [line.values for line in incentives(results)]
    widths = [bar.get_width() for bar in draw_bill(bill).axes[0].patches]
    assert sum(widths[:-1]) == pytest.approx(bill.subnet_cpu_s / bill.tasks)
    assert widths[-1] == bill.once_cpu_s.value


def test_two_charts_alike_share_no_id(run: RunFigures) -> None:
    miners = run.results.miners
    first, second = (inline(draw_scores(miners), key=key, alt="scores") for key in ("a", "b"))
    assert not set(re.findall(r'id="([^"]+)"', first)) & set(re.findall(r'id="([^"]+)"', second))


def liked(figures: RunFigures) -> CustomerFigures:
    """Make up customers who like every miner."""
    liking = Estimate(0.5, 0.1, 0.9, 7)
    miners = [MinerForCustomers(miner, 9, 8, liking, liking, liking, liking) for miner in figures.results.miners]
    return CustomerFigures(9, 8, 0.25, 7, tuple(miners), liking, liking)


@pytest.mark.parametrize("epochs", [0, None], ids=["no epoch", "a finished run"])
@pytest.mark.parametrize("section_of", SECTIONS, ids=lambda section_of: section_of.__name__)
def test_every_section_has_all_five_forms(
    section_of: Callable[[RunFigures], Section | None], epochs: int | None, run: RunFigures, tmp_path: Path
) -> None:
    if epochs is not None:
        with make_record(tmp_path / "run", epochs=epochs) as record:
            figures = RunFigures.of(record)
    else:
        figures = run
    section = section_of(replace(figures, worth=WORTH, customers=liked(figures)))
    assert section is not None
    page = page_of(Publication("ocr", "A run", (), (section,)))
    outline(page)
    console = Console(width=80, file=StringIO())
    show([section], console=console)
    assert isinstance(console.file, StringIO)
    for text in (page, console.file.getvalue()):
        assert section.title.split()[0] in text
    table = list(csv.reader(write_csv(section, tmp_path / "table.csv").read_text().splitlines()))
    assert len(table) == 1 + len(section.rows)
    assert len(json.loads(write_json(as_dict(section), tmp_path / "section.json").read_text())["rows"]) == len(
        section.rows
    )
    with Image.open(write_png(section, tmp_path / "picture.png")) as picture:
        assert picture.width > 700


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "a\x1b[31mb\u202e\x00c\nd"])
def test_a_name_can_harm_no_spreadsheet_no_page_and_no_chart(name: str, tmp_path: Path) -> None:
    def draw(ax: Axes) -> Figure:
        return draw_rows([Mark(name, "score", Estimate(0.5, 0.4, 0.6, 3))], ax, label="score")

    columns = (Column("miner", "miner"), Column(name, name))
    rows = ((Label(name), name),)
    section = Section("names", name, Caption(name, name), columns, rows, Picture(draw))
    for row in csv.reader(write_csv(section, tmp_path / "table.csv").read_text().splitlines()):
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)
    page = page_of(Publication("names", name, (name,), (section,)))
    outline(page)
    console = Console(width=80, file=StringIO())
    show([section], [name], console=console)
    assert isinstance(console.file, StringIO)
    for text in (page, console.file.getvalue(), (tmp_path / "table.csv").read_text()):
        assert not set(text) & set("\x1b\u202e\x00")
    assert write_png(section, tmp_path / "picture.png").stat().st_size > 0


def test_labels_that_would_overlap_are_moved_apart() -> None:
    assert spread([0.5, 0.1, 0.5], 0.2, 1.0) == pytest.approx([0.5, 0.1, 0.7])
    assert spread([1.0, 1.0, 0.0], 0.2, 1.0) == pytest.approx([0.8, 1.0, 0.0])
    assert spread([], 0.1, 1.0) == []


def test_text_of_unknown_origin_is_cut_and_its_hidden_characters_shown() -> None:
    assert plain("a\u202eb\x00c\nd") == "a�b�c\nd"
    assert plain("x" * 500, 10) == "x" * 10 + "…"
