"""Word slots: the words of several readings of one page, aligned, so that readings can be compared word by word.

    slots([["Total", "$12.50"], ["Tota1", "$12.50"], ["$12.50"]])  ->  [{0: "Total", 1: "Tota1"}, {0: "$12.50", ...}]

Readings are merged one after another into one sequence of slots, the way that ROVER joins transcripts of speech (Fiscus
1997). Only words that resemble each other share a slot, so a reading of something else takes slots of its own and moves
nobody's words. Boxes decide the order of the words and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from subnets.items import NOTHING, SILENT, Items
from subnets.ocr.answer import Box, OCRAnswer, Section
from subnets.ocr.quality import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Slot = dict[int, str]
"""The word of each reading that has one there, by the reading's number."""

MAX_WORDS = 500
"""Words of a reading that are aligned; a page of this subnet has at most half as many."""
MAX_SLOTS = 2_000
"""Slots after which a reading can only fill slots and open no more."""
RESEMBLES = 50
"""Least similarity in percent of two words in one slot."""
GAP = 100
"""Cost of a word without a counterpart; that of a pair is twice its dissimilarity in percent."""
FORBIDDEN = 1_000_000


def compare(answers: Sequence[OCRAnswer | None], truth: OCRAnswer | None, wrong: int) -> Items:
    """Compare readings of a page in the slots that two of them fill, the truth among them if it is known."""
    import numpy as np

    readings = [[] if answer is None else words_of(answer.sections) for answer in answers]
    known = None if truth is None else len(readings)
    shared = [slot for slot in slots([*readings, words_of(truth.sections)] if truth else readings) if len(slot) > 1]
    classes = np.full((len(shared), len(readings)), NOTHING, dtype=np.int64)
    right = np.zeros(classes.shape)
    for row, slot in enumerate(shared):
        numbers: dict[str, int] = {}
        for number, word in sorted(slot.items()):
            if number != known:
                classes[row, number] = numbers.setdefault(word, len(numbers) + 1)
        right[row] = classes[row] == (NOTHING if known not in slot else numbers.get(slot[known], SILENT))
    silent = [answer is None for answer in answers]
    classes[:, silent], right[:, silent] = SILENT, 0.0
    filled = (classes > NOTHING).sum(axis=0)
    return Items(
        classes=classes,
        wrong=wrong,
        unshared=np.array([len(reading) for reading in readings], dtype=np.int64) - filled,
        right=right if truth else None,
        parts=len(words_of(truth.sections)) if truth else None,
    )


def words_of(sections: Sequence[Section]) -> list[str]:
    """Return the words of a page from left to right and row by row, whatever the order of its sections.

    Sections without boxes follow in the order of the answer.
    """
    placed = [(section.box, section.text) for section in sections if section.box is not None]
    rows: list[list[tuple[Box, str]]] = []
    for box, text in sorted(placed, key=lambda each: _middle(each[0])):
        if rows and _middle(box) - sum(_middle(other) for other, _ in rows[-1]) / len(rows[-1]) < (box[3] - box[1]) / 2:
            rows[-1].append((box, text))
        else:
            rows.append([(box, text)])
    texts = [text for row in rows for _, text in sorted(row, key=lambda each: each[0][0])]
    texts += [section.text for section in sections if section.box is None]
    return [word for text in texts for word in fold(text).split()]


def slots(readings: Sequence[Sequence[str]]) -> list[Slot]:
    """Align readings; the result does not depend on their order, apart from how equal ones are numbered."""
    merged: list[Slot] = []
    for number in _most_typical_first(readings):
        merged = _merge(merged, number, readings[number][:MAX_WORDS])
    return merged


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2


def _most_typical_first(readings: Sequence[Sequence[str]]) -> list[int]:
    """Order readings by how many words they share with all others, so that those come first that fix the order."""
    counts = [Counter(reading[:MAX_WORDS]) for reading in readings]
    total = sum(counts, Counter[str]())
    shared = [sum(min(count, total[word] - count) for word, count in own.items()) for own in counts]
    return sorted(range(len(readings)), key=lambda number: (-shared[number], list(readings[number]), number))


def _merge(merged: list[Slot], number: int, words: Sequence[str]) -> list[Slot]:
    """Add a reading: its words fill the slots that they resemble and otherwise open new ones."""
    partner = _align([sorted(set(slot.values())) for slot in merged], words)
    room = max(0, MAX_SLOTS - len(merged))
    result: list[Slot] = []
    taken = 0
    for word, place in zip(words, partner, strict=True):
        if place is not None:
            result += [*merged[taken:place], merged[place] | {number: word}]
            taken = place + 1
        elif room:
            result.append({number: word})
            room -= 1
    return result + merged[taken:]


def _align(slots: Sequence[Sequence[str]], words: Sequence[str]) -> list[int | None]:
    """Return the slot of each word, in ascending order, at the lowest cost; None for a word without one."""
    import numpy as np

    partner: list[int | None] = [None] * len(words)
    if not slots or not words:
        return partner
    pairs = _pair_costs(slots, words)
    steps = GAP * np.arange(len(words) + 1)
    costs = np.zeros((len(slots) + 1, len(words) + 1), dtype=np.int64)
    costs[0] = steps
    for row in range(1, len(slots) + 1):
        costs[row, 0] = GAP * row
        costs[row, 1:] = np.minimum(costs[row - 1, :-1] + pairs[row - 1], costs[row - 1, 1:] + GAP)
        # A word without a slot costs a step to the right, from the cheapest cell on the left.
        costs[row] = np.minimum.accumulate(costs[row] - steps) + steps
    row, column = len(slots), len(words)
    while row and column:
        if costs[row, column] == costs[row - 1, column - 1] + pairs[row - 1, column - 1]:
            row, column = row - 1, column - 1
            partner[column] = row
        elif costs[row, column] == costs[row - 1, column] + GAP:
            row -= 1
        else:
            column -= 1
    return partner


def _pair_costs(slots: Sequence[Sequence[str]], words: Sequence[str]) -> NDArray[np.int64]:
    """Return the cost of putting each word into each slot, (slots, words): by the word there that it resembles most."""
    import numpy as np
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    present = [word for slot in slots for word in slot]
    first = np.cumsum([0, *map(len, slots[:-1])])
    likeness = cdist(present, words, scorer=Levenshtein.normalized_similarity, score_cutoff=RESEMBLES / 100)
    percent = np.rint(100 * np.maximum.reduceat(likeness, first, axis=0)).astype(np.int64)
    return np.where(percent >= RESEMBLES, 2 * (100 - percent), FORBIDDEN)
