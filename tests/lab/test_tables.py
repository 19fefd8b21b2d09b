"""Sections in a terminal of any width: nothing is cut, and a narrow one says what it leaves out."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from lab.report.cells import compact, full
from lab.report.run_report import IN_SHORT, SECTIONS, as_json
from lab.report.section import Caption, Cell, Column, Label, Section
from lab.report.sections.summary import findings, summary
from lab.report.terminal import show
from lab.results.run_figures import RunFigures
from lab.statistics import Estimate
from tests.lab.records import make_config, make_record

WIDTHS = (60, 80, 120, 200)


def printed(*sections: Section, width: int = 80, wide: bool = False) -> str:
    console = Console(width=width, file=StringIO())
    show(sections, wide=wide, console=console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def tables(run: RunFigures, width: int = 80) -> str:
    console = Console(width=width, file=StringIO())
    show([made for section in IN_SHORT if (made := section(run)) is not None], findings(run), console=console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


names = st.text(st.sampled_from("abcXYZ019_.-"), min_size=1, max_size=40)
values = st.floats(-1e6, 1e6).map(lambda value: round(value, 4))
figures = st.one_of(
    values,
    st.integers(-(10**9), 10**9),
    st.none(),
    st.booleans(),
    st.builds(
        lambda value, spread, n: Estimate(value, value - spread, value + spread, n),
        values,
        st.floats(0, 1e3),
        st.integers(2, 10**6),
    ),
    st.builds(Estimate, st.none(), st.none(), st.none(), st.integers(0, 9)),
)


@st.composite
def sections(draw: st.DrawFn) -> Section:
    columns = [Column("name", "name")]
    columns += [
        Column(f"c{place}", title, draw(st.integers(0, 6)), draw(st.sampled_from(["", " %", "×"])))
        for place, title in enumerate(draw(st.lists(names, min_size=1, max_size=9)))
    ]
    rows: list[tuple[Cell, ...]] = [
        (Label(name, draw(st.sampled_from(["", "not honest"]))), *(draw(figures) for _ in columns[1:]))
        for name in draw(st.lists(names, min_size=1, max_size=6))
    ]
    return Section("table", "A table", Caption("", ""), tuple(columns), tuple(rows))


@settings(max_examples=150, deadline=None)
@given(section=sections(), width=st.sampled_from(WIDTHS))
def test_no_name_and_no_figure_is_ever_cut(section: Section, width: int) -> None:
    text = printed(section, width=width)
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())
    words = " ".join(text.split())
    left_out = re.search("Left out for lack of room: (.*); --wide prints everything.", words)
    shown = len(section.columns) - (left_out[1].count(", ") + 1 if left_out else 0)
    for column in section.columns[1:] if shown > 1 else ():
        assert column.title in words
    for row in section.rows:
        assert str(row[0]) in words
        for cell, column in zip(row[:shown], section.columns, strict=False):
            forms = (full(cell, column), compact(cell, column, n=True), compact(cell, column, n=False))
            assert any(form in words for form in forms)


@settings(max_examples=50, deadline=None)
@given(section=sections())
def test_wide_prints_every_row_and_column_in_full(section: Section) -> None:
    words = " ".join(printed(section, wide=True).split())
    assert "Left out" not in words and "±" not in words
    for row in section.rows:
        assert all(full(cell, column) in words for cell, column in zip(row, section.columns, strict=True))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_tables_of_a_run_fit_any_terminal_and_name_every_neuron(run: RunFigures, width: int) -> None:
    text = tables(run, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for name in ("steady-0", "steady-1", "copier*", "perfect", "good", "fair", "poor", "injector*", "mute"):
        assert name in text
    for part in ("miner perfect", "transport and scheduling", "not billed: idle cores", "Overhead: "):
        assert part in text
    assert "Pay follows the quality of the answers closely" in text


@pytest.mark.parametrize(("width", "lines"), [(61, 1), (60, 2), (39, 2), (38, 3), (36, 4)])
def test_titles_wrap_only_as_far_as_the_terminal_needs(width: int, lines: int) -> None:
    columns = (Column("part", "part"), *(Column(f"c{place}", "CPU seconds for a task", 2) for place in range(2)))
    section = Section("bill", "Bill", Caption("", ""), columns, ((Label("transport and"), 1.0, 2.0),))
    head = printed(section, width=width).splitlines()[2:]
    assert next(place for place, line in enumerate(head) if line.startswith("─")) == lines


def test_long_names_are_whole_and_of_many_miners_some_are_printed(tmp_path: Path) -> None:
    miners = [
        {"name": f"a-miner-with-a-name-that-is-long-{place}", "kind": "tests.lab.records:Sayer", "stake": 1.0}
        for place in range(45)
    ]
    with make_record(tmp_path, make_config(miners=miners, chain={"epochs": 1, "rounds_per_epoch": 1})) as record:
        run = RunFigures.of(record)
    for width in WIDTHS:
        text = tables(run, width)
        assert max(map(len, text.splitlines())) <= width
        assert "a-miner-with-a-name-that-is-long-0" in text and "its 45 miners" in text
        assert "5 more are in the report; --wide prints all" in " ".join(text.split())
    wide = printed(*(made for section in SECTIONS if (made := section(run)) is not None), wide=True)
    for miner in miners:
        assert wide.count(f"{miner['name']} ") >= 7


def test_a_run_without_an_epoch_has_its_tables_too(tmp_path: Path) -> None:
    with make_record(tmp_path, epochs=0) as record:
        run = RunFigures.of(record)
        assert "before the first epoch" in tables(run)
        assert as_json(run)["epochs"] == 0


def test_the_json_form_is_json_and_has_the_figures_of_the_tables(run: RunFigures) -> None:
    plain = json.loads(json.dumps(as_json(run), allow_nan=False))
    assert plain["neurons"][3]["name"] == "perfect"
    low = pytest.approx(0.862, abs=1e-3)  # of a share of 24 of 24
    assert plain["neurons"][3]["score"] == {"value": 1.0, "low": low, "high": 1.0, "n": 24, "method": "Wilson score"}
    assert plain["pay_follows_quality"]["emission"]["n"] == 24 and plain["pay_follows_quality"]["miners"] == 6
    assert plain["bill"]["overhead"]["n"] == 24
    assert plain["bill"]["prices"]["cpu_hour_usd"] == 0.04


def test_weights_that_the_chain_refused_are_named_under_the_metagraph(tmp_path: Path) -> None:
    rules = {"min_allowed_weights": 8}
    config = make_config(chain={"epochs": 1, "rounds_per_epoch": 2, "hyperparameters": rules})
    with make_record(tmp_path, config) as record:
        section = summary(RunFigures.of(record))
    assert "The chain refused the weights of 'steady-0' once" in section.caption.shows
