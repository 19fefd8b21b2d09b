"""Section on cost: what does a grade cost?"""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.charts import draw_scatter
from lab.report.section import Caption, Column, Picture, Section
from lab.results.words import quoted
from lab.statistics import ranked
from lab.studies.grading.cards import Card


def cost_section(graders: Sequence[Card]) -> Section:
    """CPU, dollars and tokens of a grade."""
    marks = [(card.name, card.grader.cpu_s, card.quality.soft_pairwise_accuracy) for card in graders]
    by_cost = ranked(graders, lambda card: card.grader.cpu_s.value)
    sentence = "No grade was metered."
    if by_cost:
        most, least = by_cost[0], by_cost[-1]
        sentence = (
            f"A grade by {quoted(most.name)} takes {most.grader.cpu_s.scaled(1000).text(3, ' ms')} of CPU, a grade by "
            f"{quoted(least.name)} {least.grader.cpu_s.scaled(1000).text(3, ' ms')}."
        )
    return Section(
        key="cost",
        title="What does a grade cost?",
        caption=Caption(
            sentence,
            "CPU of this machine at the prices below. The cost of a validator's own answer is included; loading a "
            "model is not.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("cpu_s", "CPU for one grade", 3, " ms", 1000),
            Column("usd", "$ for a million grades", 2, "", 1_000_000),
            Column("tokens", "tokens", 0),
            Column("unscored", "unscored", 1, " %", 100),
        ),
        rows=tuple(
            (card.name, card.grader.cpu_s, card.grader.usd, card.grader.tokens, card.grader.unscored)
            for card in graders
        ),
        picture=Picture(
            lambda ax: draw_scatter(marks, ax, x="CPU seconds for one grade", title="soft pairwise accuracy", top=1.0),
            360,
            420,
        ),
    )
