"""Grader cards: everything that the study measured about one grader, as one JSON file and one page.

for card in cards(data):
    write(card, Path("runs/study-grading/cards"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from lab.files import write_atomically
from lab.report.cells import plain_figure
from lab.report.charts import Mark, draw_rows, series_px
from lab.report.export import write_json
from lab.report.html import page
from lab.report.section import NO_CAPTION, Caption, Column, Fact, Picture, Publication, Section
from lab.results.words import counted, listed, quoted
from lab.statistics import Estimate, ranked
from lab.statistics.paired import TEST
from validators import SCORERS

from .bias import WORDS, Bias, biases
from .exploits import ALPHA, Exploit, exploits
from .grades import Grader, GradingData
from .measures import Quality, kappa, quality_of
from .pay import PayEffect, pay_of

MEASURES = {
    "pairwise_accuracy": "pairwise accuracy, against realised quality",
    "known_accuracy": "pairwise accuracy, against the known accuracies of oracles",
    "soft_pairwise_accuracy": "soft pairwise accuracy",
    "spearman": "Spearman",
    "kendall": "Kendall's tau-b",
    "with_adversaries": "pairwise accuracy with adversaries",
    "auc": "AUC, right against wrong answers",
    "kappa": "Cohen's kappa with the truth",
    "brier": "Brier score",
    "calibration": "calibration error, root mean square",
    "spread": "spread over repeated gradings",
    "tasks_to_separate": "tasks to separate two miners 5 points apart",
}


@dataclass(frozen=True, eq=False)
class Card:
    """Results for one grader."""

    grader: Grader
    quality: Quality
    biases: tuple[Bias, ...]
    exploits: tuple[Exploit, ...]
    best: str
    """The honest miner that the adversaries are compared with."""
    agreement: tuple[tuple[str, Estimate], ...]
    """Cohen's kappa with each other grader."""
    pay: PayEffect | None
    """None if there were too few tasks or no known qualities."""
    tasks: int
    compares: str
    """What the grader compares answers with."""

    @classmethod
    def of(cls, data: GradingData, grader: Grader, exploits: Sequence[Exploit]) -> Self:
        """Measure everything on a grader's card, given its exploits."""
        return cls(
            grader=grader,
            quality=quality_of(data, grader),
            biases=tuple(biases(data, grader)),
            exploits=tuple(exploits),
            best=data.miners[data.best(grader)].name,
            agreement=tuple((other.name, kappa(data, grader, other)) for other in data.graders if other is not grader),
            pay=pay_of(data, grader),
            tasks=data.tasks_of(grader),
            compares=_compares(grader),
        )

    @property
    def name(self) -> str:
        """Name of the grader."""
        return self.grader.name

    @property
    def worst(self) -> Exploit | None:
        """The adversary that earns most; None if no adversary's earnings are known."""
        return next(iter(ranked(self.exploits, lambda exploit: exploit.earned.value)), None)


def verdict(card: Card) -> str:
    """Sum up the grader in a few sentences."""
    accuracy = card.quality.pairwise_accuracy
    sentences = [
        f"It puts {accuracy.percent()} of the pairs of honest miners in the order of the quality of these answers."
        if accuracy.value is not None
        else "Its accuracy on pairs of honest miners is unknown."
    ]
    if card.worst is not None:
        name, earned = card.worst.adversary, card.worst.earned
        sentences.append(
            f"{quoted(name)} earns {earned.text()} times as much as {quoted(card.best)}, the best honest miner."
        )
    if paying := [exploit.adversary for exploit in card.exploits if exploit.pays]:
        sentences.append(
            f"The best honest miner is significantly out-earned by {listed(map(quoted, paying))} ({TEST}, "
            "Holm over all "
            f"adversaries and graders, at {ALPHA:g})."
        )
    clear = [bias for bias in card.biases if bias.clear]
    measured = counted(len(card.biases), "measured effect")
    if clear:
        strongest = max(clear, key=lambda bias: abs(bias.effect.value or 0.0))
        sentences.append(
            f"Of {measured}, the largest whose interval excludes 0 is {strongest.name}: "
            f"{strongest.effect.text(3)} points of score."
        )
    elif card.biases:
        sentences.append(f"Of {measured}, none has an interval that excludes 0.")
    return " ".join(sentences)


def as_dict(card: Card) -> dict[str, Any]:
    """Return a card as in its JSON file; an estimate becomes its value, interval and n."""
    pay = card.pay
    return {
        "grader": card.name,
        "kind": card.grader.kind,
        "scorer": None if card.grader.table.scorer is None else SCORERS.spec(card.grader.table.scorer),
        "compares": card.compares,
        "tasks": card.tasks,
        "verdict": verdict(card),
        "quality": {each.name: plain_figure(getattr(card.quality, each.name)) for each in fields(card.quality)},
        "bias": {bias.name: plain_figure(bias.effect) for bias in card.biases},
        "exploitability": {
            "relative_to": card.best,
            "earned": {exploit.adversary: plain_figure(exploit.earned) for exploit in card.exploits},
            "gain": {
                exploit.adversary: plain_figure(exploit.gain) | {"p_all": exploit.p_value} for exploit in card.exploits
            },
        },
        "agreement": {name: plain_figure(estimated) for name, estimated in card.agreement},
        "pay": None
        if pay is None
        else {
            "rank_correlation": plain_figure(pay.ranking),
            "by_epoch": [plain_figure(epoch) for epoch in pay.by_epoch],
            "points_per_point": plain_figure(pay.moved),
            "misplaced_share": plain_figure(pay.misplaced),
            "misplaced_by_bias": plain_figure(pay.biased),
        },
        "cost": {
            "cpu_s_per_grade": plain_figure(card.grader.cpu_s),
            "usd_per_grade": plain_figure(card.grader.usd),
            "tokens_per_grade": plain_figure(card.grader.tokens),
            "unscored_share": plain_figure(card.grader.unscored),
        },
    }


def write(card: Card, folder: Path) -> Path:
    """Write `NAME.json` and `NAME.html` into a folder; return the page's path."""
    write_json(as_dict(card), folder / f"{card.name}.json")
    publication = Publication(
        name=card.name,
        title=card.name,
        findings=(
            verdict(card),
            f"Scorer {card.grader.kind}, comparing {card.compares}; {counted(card.tasks, 'task')}.",
        ),
        sections=tuple(section for section in _sections(card) if section.facts),
        links=(("the study", "../index.html"), ("JSON", f"{card.name}.json")),
        kind="grader card",
    )
    return write_atomically(folder / f"{card.name}.html", page(publication))


def _sections(card: Card) -> list[Section]:
    """Return the card's sections; one without facts has nothing to show."""
    pay, grader = card.pay, card.grader
    return [
        Section(
            "quality",
            "Quality",
            NO_CAPTION,
            facts=tuple(
                Fact(Column(key, title, 0 if key == "tasks_to_separate" else 3), getattr(card.quality, key))
                for key, title in MEASURES.items()
            ),
        ),
        Section(
            "bias",
            "Bias, in points of score",
            NO_CAPTION,
            facts=tuple(Fact(Column(b.name, f"{b.name}: {WORDS[b.name]}"), b.effect) for b in card.biases),
        ),
        _exploitability(card),
        Section(
            "pay",
            "From error to pay",
            NO_CAPTION,
            facts=()
            if pay is None
            else (
                Fact(Column("ranking", "rank correlation of pay with true quality", 2), pay.ranking),
                Fact(Column("moved", "points of pay share for each point of error", 2), pay.moved),
                Fact(Column("misplaced", "misplaced pay", 1, " %", 100), pay.misplaced),
                Fact(Column("biased", "of that by bias, not noise", 1, " %", 100), pay.biased),
            ),
        ),
        Section(
            "cost",
            "Cost",
            NO_CAPTION,
            facts=(
                Fact(Column("cpu_s", "CPU for one grade", 2, " ms", 1000), grader.cpu_s),
                Fact(Column("usd", "dollars for a million grades", 2, "", 1_000_000), grader.usd),
                Fact(Column("tokens", "tokens for one grade", 0), grader.tokens),
                Fact(Column("unscored", "unscored", 1, " %", 100), grader.unscored),
            ),
        ),
    ]


def _exploitability(card: Card) -> Section:
    marks = [
        Mark(exploit.adversary, "earned", exploit.earned)
        for exploit in card.exploits
        if exploit.earned.value is not None
    ]
    height = series_px(len(marks))
    label = f"score over that of {card.best}"
    return Section(
        "exploits",
        "Exploitability",
        Caption(
            f"Each adversary's earnings over those of {card.best}, the best honest miner, on the same tasks.",
            "Beyond the dashed line, cheating pays better than the best honest work. Other adversaries may earn more "
            "or less.",
        ),
        picture=Picture(lambda ax: draw_rows(marks, ax, label=label, at=1.0), height, height) if marks else None,
        facts=tuple(Fact(Column(e.adversary, e.adversary, 2, "×"), e.earned) for e in card.exploits),
    )


def _compares(grader: Grader) -> str:
    if grader.table.reference is not None:
        return f"with the answers of {quoted(grader.table.reference)}, as a validator would that works like that miner"
    scorer = grader.table.scorer
    spec = {} if scorer is None else SCORERS.spec(scorer)
    uses = scorer is None or scorer.needs_reference or spec.get("reference", False) is True
    return "with the truth" if uses else "with no reference"


def cards(data: GradingData) -> list[Card]:
    """Return the cards of all graders."""
    by_grader = exploits(data)
    return [Card.of(data, grader, by_grader[grader.name]) for grader in data.graders]


def links(cards: Sequence[Card]) -> tuple[tuple[str, str], ...]:
    """Return the names of the cards and the paths of their pages in the study's folder."""
    return tuple((card.name, f"cards/{card.name}.html") for card in cards)
