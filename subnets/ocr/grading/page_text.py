"""The scorer `page_text`: the text of a page in reading order, wherever its boxes are.

    text  = 1 - edits / characters          both summed over matched and unmatched blocks of truth and answer
    order = 1 - edits between the order of the matched blocks and the right one / number of matched blocks
    value = text * (1 - w + w * order)      w: order_weight

Blocks are matched as OmniDocBench does (Ouyang et al. 2024): a block of one side may match a run of blocks of the
other, because a paragraph can be one line of Markdown, and a printed line several sections. Cells of tables are blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop

from pydantic import Field

from subnets.answer import Response
from subnets.ocr.answer import MAX_SECTIONS, OCRAnswer
from subnets.ocr.page import Page
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import unify

from .markup import blocks

MIN_SIMILARITY = 0.5
"""Less similar blocks don't match."""
MAX_BLOCKS = 400
"""Blocks of an answer that are matched; the rest count as characters too many."""


@dataclass(frozen=True, slots=True)
class BlockMatch:
    """A run of true blocks and the run of answered blocks that says the same."""

    truth: range
    answered: range
    edits: int
    length: int
    """Characters of the longer side."""


class PageText(Scorer):
    """Edit distance of the page's text, with its order apart."""

    order_weight: float = Field(0.2, ge=0, le=1)
    """Share of the value that a page in the wrong order loses at most."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer; parts hold text, order, and the share of true blocks without any error."""
        if not isinstance(task.reference, Page) or not task.reference.lines:
            return Score(None, reason=f"task {task.id} has no lines of text for a reference")
        if not isinstance(response.answer, OCRAnswer):
            return Score(0.0, reason="no sections: the answer is not of the OCR subnet's schema")
        truth = [line.text for line in task.reference.lines]
        said = [section.text for section in response.answer.sections[:MAX_SECTIONS]] or blocks(response.answer.text)
        if not said:
            return Score(0.0, reason="no text")
        left, right = [_folded(text) for text in truth], [folded for text in said if (folded := _folded(text))]
        matches = match_blocks(left, right)
        text, order = _text(left, right, matches), _order(matches)
        exact = sum(len(match.truth) for match in matches if match.edits == 0) / len(left)
        value = text * (1.0 - self.order_weight + self.order_weight * order)
        return Score(value, {"text": text, "order": order, "exact": exact})


def match_blocks(truth: Sequence[str], answered: Sequence[str]) -> list[BlockMatch]:
    """Match runs of blocks, the most similar first, each block at most once; sorted by the truth."""
    answered = answered[:MAX_BLOCKS]
    candidates = _candidates(truth, answered, turned=False) + _candidates(answered, truth, turned=True)
    waiting = [
        (match.edits / match.length, -match.length, match.truth.start, match.answered.start, number)
        for number, match in enumerate(candidates)
    ]
    heapify(waiting)
    taken_truth: set[int] = set()
    taken_answered: set[int] = set()
    matches = []
    while waiting:
        match = candidates[heappop(waiting)[-1]]
        if taken_truth.isdisjoint(match.truth) and taken_answered.isdisjoint(match.answered):
            taken_truth.update(match.truth)
            taken_answered.update(match.answered)
            matches.append(match)
    return sorted(matches, key=lambda match: match.truth.start)


def _candidates(parts: Sequence[str], wholes: Sequence[str], *, turned: bool) -> list[BlockMatch]:
    """Return the matches of each whole with runs of parts of about its length; `turned` if the wholes are the truth."""
    from rapidfuzz.distance import Levenshtein

    matches = []
    for number, whole in enumerate(wholes):
        for start in range(len(parts)):
            run, end = "", start
            while end < len(parts) and len(run) < len(whole):
                longer = f"{run} {parts[end]}" if run else parts[end]
                if run and abs(len(longer) - len(whole)) > abs(len(run) - len(whole)):
                    break
                run, end = longer, end + 1
            if turned and end - start == 1:
                continue  # single blocks were compared the other way round
            length = max(len(run), len(whole))
            edits = Levenshtein.distance(run, whole, score_cutoff=int(length * (1 - MIN_SIMILARITY)))
            if edits <= length * (1 - MIN_SIMILARITY):
                run_of_parts, run_of_whole = range(start, end), range(number, number + 1)
                truth, answered = (run_of_whole, run_of_parts) if turned else (run_of_parts, run_of_whole)
                matches.append(BlockMatch(truth, answered, edits, length))
    return matches


def _text(truth: Sequence[str], answered: Sequence[str], matches: Sequence[BlockMatch]) -> float:
    matched_truth = {number for match in matches for number in match.truth}
    matched_answered = {number for match in matches for number in match.answered}
    alone = sum(len(text) for number, text in enumerate(truth) if number not in matched_truth)
    alone += sum(len(text) for number, text in enumerate(answered) if number not in matched_answered)
    length = alone + sum(match.length for match in matches)
    return 1.0 - (alone + sum(match.edits for match in matches)) / length if length else 0.0


def _order(matches: Sequence[BlockMatch]) -> float:
    """Return 1 for matches that the answer lists in the order of the truth."""
    from rapidfuzz.distance import Levenshtein

    if not matches:
        return 0.0
    answered = sorted(range(len(matches)), key=lambda number: matches[number].answered.start)
    return 1.0 - Levenshtein.distance(answered, range(len(matches))) / len(matches)


def _folded(text: str) -> str:
    return " ".join(unify(text).split())
