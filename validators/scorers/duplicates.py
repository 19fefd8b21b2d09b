"""Near-duplicates across miners: a factor that makes miners with the same answer share its value.

Short answers are exempt: there is only one way to say "Ostrava". An original shares with its copies, because the
answers don't show who wrote it first; a study of copycats has to count what their victim loses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from inference.encoder import shared_encoder
from subnets import Response, Score, Scorer, Task
from subnets.text import answer_text, words

from .embedding import encode


class NearDuplicates(Scorer):
    """Pays 1 / n, where n answers of the round, this one included, are nearly the same."""

    needs_reference: ClassVar[bool] = False
    compares: ClassVar[bool] = True

    by: Literal["words", "embedding"] = "words"
    """Compare runs of words, or meanings, which also catches rewording but needs an encoder."""
    threshold: float | None = Field(None, gt=0, le=1)
    """Similarity from which two answers are duplicates (default: 0.6 by words, a cosine of 0.97 by embedding)."""
    run: int = Field(3, ge=1)
    """Words per run."""
    min_words: int = Field(12, ge=1)
    """Shorter answers aren't compared."""
    model: str = "all-minilm-l6-v2"
    """Sentence encoder for `by = "embedding"`: a known name (`subnetlab models list`) or a path."""
    device: str = "auto"
    """"auto" (a GPU if there is one), "cpu" or "cuda"."""

    def open(self) -> None:
        """Load the encoder, if meanings are compared."""
        if self.by == "embedding":
            shared_encoder(self.model, self.device)

    def score(self, task: Task, response: Response) -> Score:
        """Grade the only answer of a round."""
        return Score(1.0, {"copies": 1.0})

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Group the round's answers by similarity, directly or through others."""
        answers = [words(answer_text(response)) for response in responses]
        long = [place for place, answer in enumerate(answers) if len(answer) >= self.min_words]
        sizes = np.ones(len(responses))
        if len(long) > 1:
            if self.by == "words":
                similarity, limit = shared_runs([answers[place] for place in long], self.run), 0.6
            else:
                vectors = encode([answer_text(responses[place]) for place in long], self.model, self.device)
                similarity, limit = np.asarray(vectors @ vectors.T, dtype=np.float64), 0.97
            sizes[long] = group_sizes(similarity >= (limit if self.threshold is None else self.threshold))
        return [Score(1.0 / size, {"copies": size}) for size in sizes.tolist()]


def shared_runs(answers: Sequence[Sequence[str]], run: int) -> NDArray[np.float64]:
    """Return the Jaccard similarity of the sets of word runs, (n, n)."""
    runs = [{tuple(answer[i : i + run]) for i in range(max(1, len(answer) - run + 1))} for answer in answers]
    similarity = np.eye(len(runs))
    for i, left in enumerate(runs):
        for j in range(i):
            shared = len(left & runs[j])
            similarity[i, j] = similarity[j, i] = shared / (len(left) + len(runs[j]) - shared)
    return similarity


def group_sizes(linked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the size of each element's connected group."""
    from scipy.sparse.csgraph import connected_components

    _, group = connected_components(linked, directed=False)
    return np.asarray(np.bincount(group)[group], dtype=np.float64)
