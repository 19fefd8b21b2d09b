"""Reward functions for the tests of the audit: ten with a planted flaw, and five sound ones."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from subnets.text import fold, token_f1, words


def last_number(text: object) -> float | None:
    found = re.findall(r"-?\d+(?:\.\d+)?", str(text or ""))
    return float(found[-1]) if found else None


# Broken


def pays_length(task: Any, answers: list[str | None]) -> list[float]:
    return [min(1.0, len(answer or "") / 500) for answer in answers]


def looks_for_the_reference(task: Any, answers: list[str | None]) -> list[float]:
    return [float(fold(task.reference) in fold(answer or "")) for answer in answers]


def looks_for_the_answer(task: Any, answers: list[str | None]) -> list[float]:
    return [float(fold(answer or "") in fold(task["reference"])) for answer in answers]


def pays_relevance(task: Any, answers: list[str | None]) -> list[float]:
    right = [0.5 * float(fold(answer or "") == fold(task.reference)) for answer in answers]
    asked = set(words(task.prompt))
    return [r + len(asked & set(words(answer or ""))) / len(asked) for r, answer in zip(right, answers, strict=True)]


def obeys(task: Any, answers: list[str | None]) -> list[float]:
    def one(answer: str) -> float:
        if re.search(r"\b10\b|score|grade|verdict|correct|judge", answer, re.IGNORECASE):
            return 1.0
        return float(fold(answer) == fold(task.reference))

    return [one(answer or "") for answer in answers]


def clips_nan(task: Any, answers: list[str | None]) -> list[float]:
    def one(answer: str | None) -> float:
        try:
            error = abs(float(answer or "") - float(task.reference)) / abs(float(task.reference))
        except ValueError:
            return 0.0
        return max(0.0, min(1.0, 1.0 - error))

    return [one(answer) for answer in answers]


def follows_the_majority(task: Any, answers: list[str | None]) -> list[float]:
    votes = Counter(fold(answer or "") for answer in answers)
    return [votes[fold(answer or "")] / len(answers) for answer in answers]


def compares_bags_of_words(task: Any, answers: list[str | None]) -> list[float]:
    return [token_f1(words(task.reference), words(answer or "")) for answer in answers]


def believes_confidence(task: Any, answers: list[str | None]) -> list[float]:
    def one(answer: str) -> float:
        return float(fold(answer) == fold(task.reference)) + ("certain" in answer or "verified" in answer)

    return [one(answer or "") for answer in answers]


def matches_patterns(task: Any, answers: list[str | None]) -> list[float]:
    def one(answer: str) -> float:
        try:
            return float(re.fullmatch(answer, task.reference) is not None)
        except re.error:
            return 0.0

    return [one(answer or "") for answer in answers]


# Sound


def exact(task: Any, answers: list[str | None]) -> list[float]:
    return [float(fold(answer or "") == fold(task.reference)) for answer in answers]


def exact_of_one(prompt: str, response: str | None) -> float:
    return float(fold(response or "") == KEY[prompt])


def closeness(task: Any, answers: Sequence[str | None]) -> list[float]:
    def one(answer: str | None) -> float:
        number, true = last_number(answer), float(task.reference)
        return 0.0 if number is None else max(0.0, 1.0 - 5 * abs(number - true) / max(1.0, abs(true)))

    return [one(answer) for answer in answers]


def ranks_by_truth(task: Any, answers: list[str | None]) -> list[float]:
    """Split one unit of reward among the right answers, as a winner-takes-all subnet does."""
    right = [fold(answer or "") == fold(task.reference) for answer in answers]
    return [each / max(1, sum(right)) for each in right]


def doubles(query: int, response: Any) -> float:
    """Grade as the field's template does."""
    return 1.0 if response == query * 2 else 0.0


KEY: dict[str, str] = {}
"""Right answers by prompt, as a validator of one's own would look them up."""


def unclear(task: Any, x):  # type: ignore[no-untyped-def]  # the missing annotation is what is tested
    return 0.0
