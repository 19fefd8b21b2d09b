"""Section on agreement: do the graders agree with each other?"""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.charts import draw_heat
from lab.report.section import Caption, Cell, Column, Picture, Section
from lab.results.words import quoted
from lab.statistics import Estimate, ranked
from lab.studies.grading.cards import Card
from lab.studies.grading.grades import GradingData
from lab.studies.grading.measures import agreement


def agreement_section(data: GradingData, graders: Sequence[Card]) -> Section:
    """Krippendorff's alpha of all graders, and Cohen's kappa of every pair."""
    names = [card.name for card in graders]
    alpha = agreement(data)
    pairs = ranked(
        ((card.name, other, kappa) for card in graders for other, kappa in card.agreement), lambda pair: pair[2].value
    )
    sentence = f"Krippendorff's α of all graders' scores is {alpha.text()} (0.8 is the usual threshold for agreement)."
    if pairs:
        first, second, kappa = pairs[-1]
        sentence += f" On right and wrong answers, {quoted(first)} and {quoted(second)} agree least: κ {kappa.text()}."
    rows: list[tuple[Cell, ...]] = [("all, Krippendorff's α", "each other", alpha, "–", None)]
    for card in graders:
        others = ranked(card.agreement, lambda pair: pair[1].value)
        if others:
            farthest: tuple[Cell, Cell] = others[-1] if len(others) > 1 else ("–", None)
            rows.append((card.name, *others[0], *farthest))
    kappas = [{**dict(card.agreement), card.name: Estimate(1.0, None, None, 0)} for card in graders]
    values = [[by_name[name].value for name in names] for by_name in kappas]
    height = 120.0 + 24 * len(names)
    return Section(
        key="agreement",
        title="Do the graders agree?",
        caption=Caption(
            f"{sentence} The picture shows Cohen's κ of every pair.",
            "κ counts a score as right from the quality that does, a probability from a half. Graders that share a "
            "mistake agree as much as graders that are right. The cards give the interval of every pair.",
        ),
        columns=(
            Column("grader", "grader"),
            Column("closest", "agrees most with"),
            Column("closest_agreement", "κ or α", 2),
            Column("farthest", "agrees least with"),
            Column("farthest_agreement", "κ", 2),
        ),
        rows=tuple(rows),
        picture=Picture(lambda ax: draw_heat(names, names, values, ax, top=1.0), height, height),
    )
