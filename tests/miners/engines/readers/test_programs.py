"""Readers that are small programs: what they read, what they cost, and how they fail."""

import asyncio
import os
import time
from pathlib import Path

import psutil
import pytest

from miners import EngineError, load_engine, load_miner
from miners.engines.readers.gocr import Gocr
from miners.engines.readers.lines import Word
from miners.engines.readers.ocrad import Ocrad
from subnets import Meter, Response
from subnets.cost import process_cpu_s
from subnets.ocr import OCR
from tests.miners.pages import draw

PROGRAMS = pytest.mark.parametrize("kind", ["gocr", "ocrad"])


@PROGRAMS
def test_large_clean_type_is_read_with_its_boxes(kind: str) -> None:
    lines = asyncio.run(load_engine(kind).read(draw((("GARDEN LAMP", "124"),), size=40)))
    words = {line.text: line for line in lines}
    assert "GARDEN LAMP" in words and "124" in words
    assert (words["GARDEN LAMP"].x1, words["GARDEN LAMP"].y1) == pytest.approx((42, 50), abs=8)


@PROGRAMS
def test_what_it_charges_is_what_the_kernel_counted(kind: str, dense_page: bytes) -> None:
    before, meter = process_cpu_s(), Meter()
    asyncio.run(meter.run(load_engine(kind).read(dense_page)))
    assert meter.cost.cpu_s == pytest.approx(process_cpu_s() - before, rel=0.3, abs=0.01)


@PROGRAMS
def test_a_missing_program_is_named_with_the_command_that_installs_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineError, match=f"{kind} is not installed; get it with: apt-get install {kind}"):
        asyncio.run(load_engine(kind).open())


@PROGRAMS
def test_a_failure_is_told_in_its_own_words(
    kind: str, page: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(kind, "echo 'bad magic number' >&2; exit 2", tmp_path, monkeypatch)
    with pytest.raises(RuntimeError, match=f"{kind} ended with 2: bad magic number"):
        asyncio.run(load_engine(kind).read(page))


@PROGRAMS
def test_a_late_reading_is_killed(kind: str, page: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(kind, "exec sleep 20", tmp_path, monkeypatch)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"not read within 0\.2 s"):
        asyncio.run(load_engine(kind).read(page, timeout_s=0.2))
    assert time.monotonic() - started < 5
    assert [child for child in psutil.Process().children() if child.name() == "sleep"] == []


def test_the_engines_are_a_ladder_of_strength() -> None:
    subnet = OCR(difficulty=0.3, kinds=("form",))
    task = subnet.task(4)

    def earned(kind: str) -> float:
        answer = asyncio.run(load_miner(kind).forward(task.query()))
        assert subnet.read(answer.body()) == answer
        return subnet.scorer().score(task, Response(0, answer=answer)).value or 0.0

    assert earned("tesseract") > earned("gocr") + 0.05 > earned("ocrad") + 0.05


def test_the_words_of_gocr_end_where_it_saw_a_space() -> None:
    output = (
        '<line x="1" y="2" dx="50" dy="9" value="1">\n <space x="0" y="0" dx="1" dy="1" />\n'
        ' <box x="1" y="2" dx="4" dy="8" value="&amp;" numac="1" weights="97" achars="x" />\n'
        ' <box x="6" y="1" dx="4" dy="9" value="b" numac="1" weights="99" achars="b" />\n'
        ' <space x="10" y="1" dx="9" dy="9" />\n <box x="20" y="2" dx="4" dy="8" value="c" />\n'
        ' <box x="30" y="2" dx="90" dy="8" value="(PICTURE)" />\n'
    )
    assert Gocr().words(output) == [Word("&b", 1, 1, 10, 10, 98.0, 1), Word("c", 20, 2, 24, 10, 0.0, 1)]


def test_the_words_of_ocrad_hold_a_mark_for_what_it_did_not_recognise() -> None:
    output = (
        "line 1 chars 4 height 9\n  1   2  4  8; 1, 'a'0\n  6   1  4  9; 0\n"
        " 10   1  9  9; 1, ' '0\n 20 2 4 8; 2, '''1, 'l'0\n"
    )
    assert Ocrad().words(output) == [Word("a_", 1, 1, 10, 10, 50.0, 1), Word("'", 20, 2, 24, 10, 100.0, 1)]


def program(name: str, script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a script in the program's place."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
