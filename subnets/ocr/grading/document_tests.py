"""The scorer `document_tests`: the share of a page's unit tests that an answer passes, by olmOCR-bench's rules.

Texts are normalised as published: white space, bold, italics, quotes and dashes. A text is present if its best partial
match, by edit similarity, has no more than `max_diffs` differences; two are in order if some near match of the first
starts before some near match of the second; a table's cell is found by its text and checked by its neighbours. One
thing is not as published: no text is found in an answer that is shorter by more than `max_diffs` characters, because
else a single letter would be found in every text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from subnets.answer import Response
from subnets.ocr.answer import OCRAnswer
from subnets.ocr.document_test import RUN, DocumentTest
from subnets.score import Score, Scorer
from subnets.task import Task

from .markup import TableCells, tables

MAX_TEXT = 50_000
"""Characters of an answer that are tested."""
MIN_CELL_SIMILARITY = 0.5
"""Least similarity of a cell, however many differences its test allows."""
REPLACED = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a", "'"),
        **dict.fromkeys("\u201c\u201d\u201e", '"'),
        "\uff3f": "_",
        **dict.fromkeys("\u2013\u2014\u2011\u2012\u2212", "-"),
        "\u00b5": "\u03bc",
    }
)
_MARKS = (
    (re.compile(r"<br\s*/?>"), " "),
    (re.compile(r"\s+"), " "),
    (re.compile(r"\*\*(.*?)\*\*"), r"\1"),
    (re.compile(r"__(.*?)__"), r"\1"),
    (re.compile(r"</?[bi]>"), ""),
    (re.compile(r"\*(.*?)\*"), r"\1"),
    (re.compile(r"_(.*?)_"), r"\1"),
)


class DocumentTests(Scorer):
    """Unit tests of a page's text, each passed or failed."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer; parts hold the share passed of each type and the number of tests that are not run."""
        tests: tuple[DocumentTest, ...] = getattr(task.reference, "tests", ())
        run = [test for test in tests if test.type in RUN]
        if not run:
            return Score(None, reason=f"task {task.id} has no tests of its text that can be run ({len(tests)} others)")
        if not isinstance(response.answer, OCRAnswer):
            return Score(0.0, reason="no sections: the answer is not of the OCR subnet's schema")
        said = response.answer.text or "\n".join(section.text for section in response.answer.sections)
        if not said.strip():
            return Score(0.0, reason="no text")
        page = TestedPage(said)
        passed = [page.passes(test) for test in run]
        parts = {"not_run": float(len(tests) - len(run))}
        for kind in RUN:
            of_kind = [result for test, result in zip(run, passed, strict=True) if test.type == kind]
            if of_kind:
                parts[kind] = sum(of_kind) / len(of_kind)
        failed = [test.id for test, result in zip(run, passed, strict=True) if not result]
        reason = f"failed: {', '.join(failed[:5])}{', ...' if len(failed) > 5 else ''}" if failed else ""
        return Score(sum(passed) / len(passed), parts, reason)


class TestedPage:
    """The text of an answer, prepared for many tests."""

    __test__ = False  # no test of pytest's

    def __init__(self, text: str) -> None:
        self._source = text[:MAX_TEXT]
        self._text = normalised(self._source)
        self._tables: list[TableCells] | None = None

    def passes(self, test: DocumentTest) -> bool:
        """Return whether the page passes a test of a type that is run."""
        if test.type == "order":
            return self._in_order(test)
        if test.type == "table":
            return self._has_cell(test)
        return self._has(test) == (test.type == "present")

    def _has(self, test: DocumentTest) -> bool:
        from rapidfuzz import fuzz

        text, page = normalised(test.text), self._text
        if not test.case_sensitive:
            text, page = text.lower(), page.lower()
        if test.first_n and test.last_n:
            page = page[: test.first_n] + page[-test.last_n :]
        elif test.first_n:
            page = page[: test.first_n]
        elif test.last_n:
            page = page[-test.last_n :]
        if text in page:
            return True
        if len(page) < len(text) - test.max_diffs:
            return False
        threshold = 1.0 - test.max_diffs / max(1, len(text))
        return fuzz.partial_ratio(text, page) / 100.0 >= threshold

    def _in_order(self, test: DocumentTest) -> bool:
        before, after = normalised(test.before), normalised(test.after)
        first, last = self._text.find(before), self._text.rfind(after)
        if -1 < first < last:
            return True
        starts, ends = (_near_starts(text, self._text, test.max_diffs) for text in (before, after))
        return bool(starts and ends) and min(starts) < max(ends)

    def _has_cell(self, test: DocumentTest) -> bool:
        if self._tables is None:
            self._tables = tables(self._source)
        return any(_cell_fits(table, test) for table in self._tables)


def passed_share(tests: Sequence[DocumentTest], text: str) -> float | None:
    """Return the share of tests that a text passes; None if none can be run."""
    page = TestedPage(text)
    passed = [page.passes(test) for test in tests if test.type in RUN]
    return sum(passed) / len(passed) if passed else None


def normalised(text: str) -> str:
    """Return a text as the benchmark compares it: without marks, and with one form of spaces, quotes and dashes."""
    for pattern, replacement in _MARKS:
        text = pattern.sub(replacement, text)
    return unicodedata.normalize("NFC", text).translate(REPLACED).strip()


def _near_starts(text: str, page: str, differences: int) -> list[int]:
    """Return where near matches of a text start, by at most so many edits."""
    if not differences:
        return [match.start() for match in re.finditer(re.escape(text), page)]
    from fuzzysearch import find_near_matches

    return [match.start for match in find_near_matches(text, page, max_l_dist=differences)]


def _similar(wanted: str, cell: str, differences: int) -> bool:
    from rapidfuzz import fuzz

    wanted = normalised(wanted)
    threshold = max(MIN_CELL_SIMILARITY, 1.0 - differences / max(1, len(wanted)))
    return fuzz.ratio(wanted, normalised(cell)) / 100.0 >= threshold


def _cell_fits(table: TableCells, test: DocumentTest) -> bool:
    return any(
        _similar(test.cell, cell, test.max_diffs) and _neighbours_fit(table, row, column, test)
        for row, cells in enumerate(table.rows)
        for column, cell in enumerate(cells)
    )


def _neighbours_fit(table: TableCells, row: int, column: int, test: DocumentTest) -> bool:
    beside = ((test.up, row - 1, column), (test.down, row + 1, column), (test.left, row, column - 1))
    for wanted, other_row, other_column in (*beside, (test.right, row, column + 1)):
        if not wanted:
            continue
        if not (0 <= other_row < len(table.rows) and 0 <= other_column < len(table.rows[other_row])):
            return False
        if not _similar(wanted, table.rows[other_row][other_column], test.max_diffs):
            return False
    above = [(other, column) for other in range(row)]
    left = [(row, other) for other in range(column)]
    return all(
        not wanted or any(_similar(wanted, cell, test.max_diffs) for cell in _headings(table, places))
        for wanted, places in ((test.top_heading, above), (test.left_heading, left))
    )


def _headings(table: TableCells, places: Sequence[tuple[int, int]]) -> list[str]:
    """Return the headings among cells, or else the first of them that is not empty."""
    filled = [place for place in places if table.rows[place[0]][place[1]].strip()]
    chosen = [place for place in filled if place in table.headings] or filled[:1]
    return [table.rows[row][column] for row, column in chosen]
