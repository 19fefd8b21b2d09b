"""Published findings about the passthrough subnet's reward, TF-IDF cubed, reproduced with sentences of our own.

The report quotes no sentences; ours have the same length, so that shared words carry the same weight.
"""

from __future__ import annotations

from dataclasses import dataclass

from subnets import Answer, Response, Task
from validators.scorers.tfidf import TfidfCubed

REFERENCE = (
    "The capital of France is Paris. It lies on the river Seine in the north of the country, "
    "and its people speak French."
)


@dataclass(frozen=True, slots=True)
class PublishedFinding:
    """One finding."""

    answer: str
    text: str
    paid: float
    """Reward according to the report."""


FINDINGS = (
    PublishedFinding("the same text", REFERENCE, 1.0),
    PublishedFinding(
        "word salad",
        "speak on The people lies Paris. river of the Seine capital in and the France of its north It is country, "
        "the French.",
        1.0,
    ),
    PublishedFinding("negation", REFERENCE.replace("is Paris", "is not Paris"), 0.93),
    PublishedFinding(
        "right paraphrase",
        "Paris is the French capital. The city stands beside the Seine, in northern France, where its people talk "
        "in French.",
        0.16,
    ),
)


def paid(finding: PublishedFinding) -> float:
    """Return the reward for a finding's text."""
    task = Task(id="published", reference=REFERENCE)
    return TfidfCubed().score(task, Response(uid=0, answer=Answer(text=finding.text))).value or 0.0
