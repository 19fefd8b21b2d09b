"""The grading study's sentences where graders are equally good."""

from types import SimpleNamespace
from typing import cast

import pytest

from lab.statistics import Estimate
from lab.studies.grading.cards import Card
from lab.studies.grading.page.quality import AUC, leading


def cards(**figures: float | None) -> list[Card]:
    """Make cards that have an AUC and nothing else."""
    return [
        cast(Card, SimpleNamespace(name=name, quality=SimpleNamespace(auc=Estimate(value, None, None, 9))))
        for name, value in figures.items()
    ]


@pytest.mark.parametrize(
    ("graders", "sentence"),
    [
        (cards(a=0.9, b=0.8, c=None), "'a' tells"),
        (cards(a=0.8, b=1.0, c=0.999), "'b' and 'c' tell"),
        (cards(a=1.0, b=1.0, c=1.0), "'a', 'b' and 'c' tell"),
    ],
)
def test_all_that_lead_with_the_figure_that_is_printed_are_named(graders: list[Card], sentence: str) -> None:
    assert leading(graders, AUC, "tell") == sentence
