"""The scorer `tutorial`: the OCR tutorial subnet's published reward, which shows what its flaws pay.

    section = (a_t * text + a_p * position + a_f * font) / (a_t + a_p + a_f)
    value   = (a_pred * mean(section) + a_time * max(1 - t / timeout, 0)) / (a_pred + a_time)

Each true section gets one answered section; surplus sections cost nothing, an empty answer earns the whole
time term, boxes are counted in whole pixels, and the matching ignores the weights. Answers that crashed
the original never get here: the answer's schema refuses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task

from .answer import MAX_SECTIONS, Font, OCRAnswer
from .page import Page

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Entry:
    """A true or answered section as the original sees it; missing parts earn nothing."""

    text: str = ""
    position: tuple[float, float, float, float] | None = None
    font: Font | None = None


@dataclass(frozen=True, slots=True)
class Reward:
    """The total and its parts, each a mean over true sections."""

    total: float
    text: float
    position: float
    font: float
    time: float


class Tutorial(Scorer):
    """The published reward with the constants of its concept notebook."""

    alpha_text: float = Field(1.0, ge=0)
    """Weight of the text of a section."""
    alpha_position: float = Field(1.0, ge=0)
    """Weight of the position of a section."""
    alpha_font: float = Field(1.0, ge=0)
    """Weight of the font of a section."""
    alpha_prediction: float = Field(0.8, gt=0)
    """Weight of the sections against the time."""
    alpha_time: float = Field(0.2, ge=0)
    """Weight of the time."""
    timeout_s: float = Field(5.0, gt=0)
    """Seconds after which the time earns nothing."""
    frame: Literal["fractions", "pixels"] = "fractions"
    """Frame of the true boxes: page fractions with the bottom first, as the subnet shipped, where an honest box in
    pixels never meets its label; or pixels, as its notebook intended."""

    def model_post_init(self, context: Any, /) -> None:
        """Refuse weights that are all 0."""
        if self.alpha_text + self.alpha_position + self.alpha_font == 0:
            raise ValueError("alpha_text, alpha_position and alpha_font are all 0; give one of them some weight")

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer; the part `raw` is the reward before clipping to [0, 1]."""
        if not isinstance(task.reference, Page):
            return Score(None, reason=f"task {task.id} has no page for a reference")
        if not isinstance(response.answer, OCRAnswer):
            return Score(0.0, reason="no sections: the answer is not of the OCR subnet's schema")
        if not task.reference.lines:
            return Score(None, reason=f"the truth of task {task.id} has no lines, only tests of its text")
        answered = [Entry(part.text, part.box, part.font) for part in response.answer.sections[:MAX_SECTIONS]]
        reward = self.reward(self.labels(task.reference), answered, response.latency_s)
        parts = {
            "text": reward.text,
            "position": reward.position,
            "font": reward.font,
            "time": reward.time,
            "raw": reward.total,
        }
        return Score(min(1.0, max(0.0, reward.total)), parts)

    def labels(self, page: Page) -> list[Entry]:
        """Return the truth in this scorer's frame."""
        if self.frame == "pixels":
            return [Entry(line.text, line.box, line.font) for line in page.lines]
        entries = []
        for line in page.lines:
            fractions = None
            if line.box is not None:
                x1, y1, x2, y2 = line.box
                fractions = x1 / page.width, y2 / page.height, x2 / page.width, y1 / page.height
            entries.append(Entry(line.text, fractions, line.font))
        return entries

    def reward(self, labels: Sequence[Entry], answered: Sequence[Entry], latency_s: float) -> Reward:
        """Compute the published formula; `labels` may not be empty."""
        import numpy as np
        from scipy.optimize import linear_sum_assignment

        padded = [*answered, *[Entry()] * (len(labels) - len(answered))]
        terms = np.stack([texts(labels, padded), positions(labels, padded), fonts(labels, padded)])
        rows, columns = linear_sum_assignment(terms.sum(axis=0), maximize=True)
        text, position, font = terms[:, rows, columns].mean(axis=1).tolist()
        alphas = self.alpha_text + self.alpha_position + self.alpha_font
        prediction = (self.alpha_text * text + self.alpha_position * position + self.alpha_font * font) / alphas
        time = max(1.0 - latency_s / self.timeout_s, 0.0)
        total = (self.alpha_prediction * prediction + self.alpha_time * time) / (
            self.alpha_prediction + self.alpha_time
        )
        return Reward(total, text, position, font, time)


def texts(labels: Sequence[Entry], answered: Sequence[Entry]) -> NDArray[np.float64]:
    """Return 1 - edits / longer length of every pair, (labels, answered)."""
    import numpy as np
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    left, right = [entry.text for entry in labels], [entry.text for entry in answered]
    similarity = cdist(left, right, scorer=Levenshtein.normalized_similarity, dtype=np.float64)
    return np.where([bool(text) for text in right], similarity, 0.0)


def positions(labels: Sequence[Entry], answered: Sequence[Entry]) -> NDArray[np.float64]:
    """Return the overlap of every pair of boxes, both ends of a box counted as pixels."""
    import numpy as np

    nowhere = (np.nan,) * 4
    a = np.array([entry.position or nowhere for entry in labels])[:, None, :]
    b = np.array([entry.position or nowhere for entry in answered])[None, :, :]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]) + 1
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]) + 1
    inside = np.maximum(0, width) * np.maximum(0, height)
    area_a = (a[..., 2] - a[..., 0] + 1) * (a[..., 3] - a[..., 1] + 1)
    area_b = (b[..., 2] - b[..., 0] + 1) * (b[..., 3] - b[..., 1] + 1)
    return np.asarray(np.nan_to_num(inside / (area_a + area_b - inside)), dtype=np.float64)


def fonts(labels: Sequence[Entry], answered: Sequence[Entry]) -> NDArray[np.float64]:
    """Return the mean of size similarity and equal family of every pair; 0 without a font."""
    import numpy as np

    a = np.array([entry.font.size if entry.font else np.nan for entry in labels])[:, None]
    b = np.array([entry.font.size if entry.font else np.nan for entry in answered])[None, :]
    likeness = 1 - np.abs(a - b) / np.maximum(a, b)
    ours = np.array([entry.font.family if entry.font else "" for entry in labels])[:, None]
    theirs = np.array([entry.font.family if entry.font else "" for entry in answered])[None, :]
    return np.asarray(np.nan_to_num((likeness + (ours == theirs)) / 2), dtype=np.float64)
