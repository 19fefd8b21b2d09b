"""What was published about the passthrough subnet's reward, TF-IDF cubed, computed again on sentences of our own.

The report gives no sentences: these are as long, so that the same words make up as much of them.
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
class Published:
    """One finding."""

    answer: str
    text: str
    paid: float
    """What it earned by the report."""


FINDINGS = (
    Published("the same text", REFERENCE, 1.0),
    Published(
        "word salad",
        "speak on The people lies Paris. river of the Seine capital in and the France of its north It is country, "
        "the French.",
        1.0,
    ),
    Published("negation", REFERENCE.replace("is Paris", "is not Paris"), 0.93),
    Published(
        "right paraphrase",
        "Paris is the French capital. The city stands beside the Seine, in northern France, where its people talk "
        "in French.",
        0.16,
    ),
)


def paid(finding: Published) -> float:
    """Grade a finding's text by the reward."""
    task = Task(id="published", reference=REFERENCE)
    return TfidfCubed().score(task, Response(uid=0, answer=Answer(text=finding.text))).value or 0.0
