"""Similarity of an answer to the reference, by characters and by words; case and white space are ignored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from subnets import Response, Score, Scorer, Task
from subnets.text import answer_text, content, fold, reference_text, rouge_l, token_f1, words


class Exact(Scorer):
    """Pays for the words of the reference, or of one of its aliases, in the same order; articles don't count."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        accepted = (reference_text(task), *getattr(task.reference, "aliases", ()))
        answer = content(answer_text(response))
        return Score(float(any(answer == content(text) for text in accepted)))


class EditSimilarity(Scorer):
    """1 - Levenshtein distance / length of the longer text."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Grade a round, folding the reference once."""
        from rapidfuzz.distance import Levenshtein

        reference = fold(reference_text(task))
        similarity = Levenshtein.normalized_similarity
        return [Score(similarity(reference, fold(answer_text(response)))) for response in responses]


class TokenF1(Scorer):
    """F1 over words, repeats counted, without articles (SQuAD's measure); order is ignored."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Grade a round, splitting the reference once."""
        reference = content(reference_text(task))
        return [Score(token_f1(reference, content(answer_text(response)))) for response in responses]


class Rouge(Scorer):
    """ROUGE F1 over the longest common subsequence of words, or over single words."""

    variant: Literal["l", "1"] = "l"
    """"l" compares the longest common subsequence, "1" single words."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Grade a round, splitting the reference once."""
        measure = rouge_l if self.variant == "l" else token_f1
        reference = words(reference_text(task))
        return [Score(measure(reference, words(answer_text(response)))) for response in responses]


class Length(Scorer):
    """A factor: 1.0 within a range of words, falling as exp(-10 e^2) outside, e the excess relative to the bound."""

    min_words: int = Field(1, ge=0)
    """Fewest words that are not marked down."""
    max_words: int = Field(400, ge=1)
    """Most words that are not marked down."""
    needs_reference = False

    def model_post_init(self, context: Any, /) -> None:
        """Refuse a range that runs backwards."""
        if self.min_words > self.max_words:
            raise ValueError(f"min_words {self.min_words} is above max_words {self.max_words}")

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        import math

        count = len(words(answer_text(response)))
        bound = min(max(count, self.min_words), self.max_words)
        return Score(math.exp(-10.0 * ((count - bound) / max(bound, 1)) ** 2), {"words": float(count)})
