"""The scorer `sections`: an F1 of the share of the page that was found and the share of the answer that is right.

    similarity = text^(w/(w+v)) * IoU^(v/(w+v))          w, v: the weights of text and box
    value      = 2 * sum of matched similarities / (true sections + answered sections)

Each section is matched at most once, so that the sum is largest (Hungarian). Text in the wrong place and
a box around the wrong text are both worth nothing, and a spurious section costs as much as a missed one,
so guessing does not pay. A section without a box earns its text part, w/(w+v) of the similarity of its text,
and only matches that keep the reading order count: a list of what pages often say would match them anywhere.
Where the truth has no boxes, text alone is graded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task

from .answer import MAX_SECTIONS, OCRAnswer, Section
from .page import Line, Page
from .quality import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pairs:
    """Matched pairs of a true and an answered section: arrays of shape (pairs,)."""

    text: NDArray[np.float64]
    """Similarity of the texts."""
    overlap: NDArray[np.float64]
    """Intersection over union of the boxes."""
    similarity: NDArray[np.float64]


class Sections(Scorer):
    """Text and box of each section, one to one, as an F1."""

    text_weight: float = Field(0.7, ge=0, le=1)
    """Weight of the similarity of the texts."""
    box_weight: float = Field(0.3, ge=0, le=1)
    """Also the share that sections without boxes can't earn; 0 grades text alone, with or without boxes."""
    min_similarity: float = Field(0.6, ge=0, le=1)
    """Less similar pairs don't match. At 0.4, guesses at crisp invoices would earn 0.15; at 0.6, half of that."""
    half_life_s: float | None = Field(None, gt=0)
    """Latency that halves the score; omit it to pay nothing for speed."""

    def model_post_init(self, context: Any, /) -> None:
        """Refuse weights that are all 0."""
        if self.text_weight + self.box_weight == 0:
            raise ValueError("text_weight and box_weight are both 0; give one of them some weight")

    @property
    def by_answer(self) -> bool:
        """True unless speed is paid for."""
        return self.half_life_s is None

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer; parts hold means over matched pairs, precision and recall."""
        if not isinstance(task.reference, Page):
            return Score(None, reason=f"task {task.id} has no page for a reference")
        if not isinstance(response.answer, OCRAnswer):
            return Score(0.0, reason="no sections: the answer is not of the OCR subnet's schema")
        truth, answered = task.reference.lines, response.answer.sections
        if not truth:
            return Score(None, reason=f"the truth of task {task.id} has no lines, only tests of its text")
        if not answered:
            return Score(0.0, reason="no sections")
        pairs = self._match(truth, answered[:MAX_SECTIONS])
        total = float(pairs.similarity.sum())
        f1 = 2 * total / (len(truth) + len(answered))
        speed = 1.0 if self.half_life_s is None else 0.5 ** (max(0.0, response.latency_s) / self.half_life_s)
        matched = len(pairs.similarity)
        parts = {
            "text": float(pairs.text.mean()) if matched else 0.0,
            "box": float(pairs.overlap.mean()) if matched else 0.0,
            "precision": total / len(answered),
            "recall": total / len(truth),
            "f1": f1,
            "missed": float(len(truth) - matched),
            "spurious": float(len(answered) - matched),
            "speed": speed,
        }
        return Score(min(1.0, f1 * speed), parts)

    def _match(self, truth: Sequence[Line], answered: Sequence[Section]) -> Pairs:
        import numpy as np
        from rapidfuzz.distance import Levenshtein
        from scipy.optimize import linear_sum_assignment

        text_share = self.text_weight / (self.text_weight + self.box_weight)
        boxes = [section.box for section in answered]
        nowhere = (0.0, 0.0, 0.0, 0.0)
        iou = overlap([line.box or nowhere for line in truth], [box or nowhere for box in boxes])
        placed = np.array([box is not None for box in boxes])
        if any(line.box is None for line in truth):  # only the text can be graded, and earns everything
            iou, placed, text_share = np.zeros_like(iou), np.zeros_like(placed), 1.0
        # Pairs that stay below the minimum even with the right text are not compared.
        bound = np.where(placed, iou ** (1 - text_share), 1.0)
        rows, columns = np.nonzero(bound >= max(self.min_similarity, 1e-12))
        left, right = [fold(line.text) for line in truth], [fold(section.text) for section in answered]
        text = np.zeros_like(iou)
        text[rows, columns] = [
            Levenshtein.normalized_similarity(left[i], right[j])
            for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        similarity = np.where(bound >= self.min_similarity, bound * text ** np.where(placed, text_share, 1.0), 0.0)
        similarity[similarity < self.min_similarity] = 0.0
        if not placed.all():
            similarity[:, ~placed] = in_order(similarity[:, ~placed]) * text_share
        best = linear_sum_assignment(similarity, maximize=True)
        matched = similarity[best] > 0
        return Pairs(text[best][matched], iou[best][matched], similarity[best][matched])


def in_order(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the similarities, (truth, answered), of the best matches that keep the order of both; 0 for all others."""
    import numpy as np

    rows, columns = similarity.shape
    best = np.zeros((rows + 1, columns + 1))
    for row in range(rows):
        reached = np.maximum(best[row, 1:], best[row, :-1] + similarity[row])
        best[row + 1, 1:] = np.maximum.accumulate(reached)
    kept = np.zeros_like(similarity)
    row, column = rows, columns
    while row and column:
        if best[row, column] == best[row, column - 1]:
            column -= 1
        elif best[row, column] == best[row - 1, column]:
            row -= 1
        else:
            row, column = row - 1, column - 1
            kept[row, column] = similarity[row, column]
    return kept


def overlap(left: Sequence[tuple[float, ...]], right: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    """Return intersection over union of every pair of boxes, (len(left), len(right))."""
    import numpy as np

    a, b = np.array(left)[:, None, :], np.array(right)[None, :, :]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    inside = np.clip(width, 0, None) * np.clip(height, 0, None)
    area_a = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
    area_b = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return np.asarray(inside / np.maximum(area_a + area_b - inside, 1e-300), dtype=np.float64)
