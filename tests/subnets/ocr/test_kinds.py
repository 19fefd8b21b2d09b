"""Layouts: what every kind of page promises, over many seeds."""

from functools import cache
from typing import get_args

import pytest

from subnets import Seed
from subnets.ocr import COLUMN_GAP_EM, Line
from subnets.ocr.subnet import Kind
from subnets.ocr.synthetic.fonts import FAMILIES, path_of
from subnets.ocr.synthetic.kinds import KINDS
from subnets.ocr.synthetic.printing import FACES, SLIP_FACES, print_page

SEEDS = range(20)


@cache
def printed(kind: str, seed: int, width: int = 1000) -> list[Line]:
    return print_page(kind, "en_US", width, Seed(seed))[1]


def test_every_kind_that_can_be_asked_for_can_be_drawn() -> None:
    assert set(get_args(Kind)) == set(KINDS)


@pytest.mark.parametrize("width", [500, 1000])
def test_all_ink_is_on_the_page(kind: str, width: int) -> None:
    for seed in SEEDS:
        for line in printed(kind, seed, width):
            x1, y1, x2, y2 = line.box
            assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= width * 4 // 3, (seed, line)


def test_sections_on_one_line_stand_clearly_apart(kind: str) -> None:
    for seed in SEEDS:
        lines = printed(kind, seed)
        for place, one in enumerate(lines):
            for other in lines[place + 1 :]:
                (a1, b1, a2, b2), (c1, d1, c2, d2) = one.box, other.box
                if min(b2, d2) > max(b1, d1):
                    em = min(one.font.size, other.font.size)
                    assert max(a1, c1) - min(a2, c2) >= COLUMN_GAP_EM * em, (seed, one.text, other.text)


def test_text_is_what_a_reader_can_write_down(kind: str) -> None:
    for seed in SEEDS:
        for line in printed(kind, seed):
            assert line.text == " ".join(line.text.split())
            assert any(letter.isalnum() for letter in line.text)


def test_layout_type_and_words_vary_from_page_to_page(kind: str) -> None:
    pages = [printed(kind, seed) for seed in SEEDS]
    assert len({page[0].font.family for page in pages}) >= 3
    assert len({max(line.font.size for line in page) for page in pages}) >= 3
    assert len({page[0].box[:2] for page in pages}) >= 16
    assert len({tuple(line.text for line in page) for page in pages}) == len(pages)


def test_lines_come_in_reading_order(kind: str) -> None:
    for seed in SEEDS:
        lines = printed(kind, seed)
        tops = [line.box[1] for line in lines]
        assert all(later > earlier - 1.5 * lines[0].font.size for earlier, later in zip(tops, tops[1:], strict=False))


def test_fonts_are_files_of_installed_packages() -> None:
    assert set(FACES) | set(SLIP_FACES) == set(FAMILIES)
    for family in FAMILIES:
        for bold in (False, True):
            path = path_of(family, bold=bold)
            assert path.is_file() and "site-packages" in path.parts
