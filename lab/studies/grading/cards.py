"""Grader cards: everything that the study measured about one grader, as one JSON file and one page.

for card in cards(data):
    write(card, Path("runs/study-grading/cards"))
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from lab.report.cells import estimate, plain_figure
from lab.report.html import chart, render
from lab.report.html import write as write_page
from lab.report.plotting import Mark, draw_rows, series_px
from lab.report.section import Caption, Column
from lab.results.words import counted
from lab.statistics import Estimate, ranked
from validators import SCORERS

from .bias import WORDS, Bias, biases
from .exploits import ALPHA, Exploit, exploits
from .grades import Grader, GradingData
from .measures import Quality, kappa, quality_of
from .pay import PayEffect, pay_of

MEASURES = {
    "pairwise_accuracy": "pairwise accuracy",
    "soft_pairwise_accuracy": "soft pairwise accuracy",
    "spearman": "Spearman",
    "kendall": "Kendall's tau-b",
    "with_adversaries": "pairwise accuracy with adversaries",
    "auc": "AUC, right against wrong answers",
    "kappa": "Cohen's kappa with the truth",
    "brier": "Brier score",
    "calibration": "expected calibration error",
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
            agreement=tuple((other.name, kappa(grader, other)) for other in data.graders if other is not grader),
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
        f"It puts {accuracy.percent()} of the pairs of honest miners in the right order."
        if accuracy.value is not None
        else "Its accuracy on pairs of honest miners is unknown."
    ]
    if card.worst is not None:
        name, earned = card.worst.adversary, card.worst.earned
        sentences.append(f"{name} earns {earned.text()} times as much as {card.best}, the best honest miner.")
    if paying := [exploit.adversary for exploit in card.exploits if exploit.pays]:
        sentences.append(
            f"The best honest miner is significantly out-earned by {', '.join(paying)} (sign-flip test, Holm over all "
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
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_dict(card), indent=2, ensure_ascii=False) + "\n"
    write_page(text, folder / f"{card.name}.json")
    charts = {}
    earned = [
        Mark(exploit.adversary, "earned", exploit.earned)
        for exploit in card.exploits
        if exploit.earned.value is not None
    ]
    if earned:
        alt = "Each adversary's earnings over those of the best honest miner. The figures are in the table."
        height = series_px(len(earned))
        charts["exploits"] = chart(
            "exploits",
            alt,
            lambda ax: draw_rows(earned, ax, label=f"score over that of {card.best}", at=1.0),
            height_px=height,
            phone_px=height,
        )
    page = render(
        "card.html",
        title=f"Grader card: {card.name}",
        card=card,
        verdict=verdict(card),
        charts=charts,
        groups=_groups(card),
        caption=Caption(
            f"Each adversary's earnings over those of {card.best}, the best honest miner, on the same tasks.",
            "Beyond the dashed line, cheating pays better than the best honest work. Other adversaries may earn more "
            "or less.",
        ),
    )
    return write_page(page, folder / f"{card.name}.html")


def _groups(card: Card) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the card's tables: a title, and rows with a name, a value and a note."""
    quality = [
        _row(title, getattr(card.quality, key), 0 if key == "tasks_to_separate" else 3)
        for key, title in MEASURES.items()
    ]
    groups = [
        ("Quality", quality),
        ("Bias, in points of score", [_row(f"{bias.name}: {WORDS[bias.name]}", bias.effect) for bias in card.biases]),
        ("Exploitability", [_row(exploit.adversary, exploit.earned, 2, "×") for exploit in card.exploits]),
    ]
    if card.pay is not None:
        pay = [
            _row("rank correlation of pay with true quality", card.pay.ranking, 2),
            _row("points of pay share for each point of error", card.pay.moved, 2),
            _row("misplaced pay", card.pay.misplaced, 1, " %", 100),
        ]
        groups.append(("From error to pay", pay))
    cost = [
        _row("CPU for one grade", card.grader.cpu_s, 2, " ms", 1000),
        _row("dollars for a million grades", card.grader.usd, 2, "", 1_000_000),
        _row("tokens for one grade", card.grader.tokens, 0),
        _row("unscored", card.grader.unscored, 1, " %", 100),
    ]
    groups.append(("Cost", cost))
    return [(title, rows) for title, rows in groups if rows]


def _row(name: str, figure: Estimate, digits: int = 3, unit: str = "", scale: float = 1.0) -> dict[str, str]:
    printed = estimate(figure, Column("", name, digits, unit, scale))
    return {"name": name, "value": printed.value, "note": printed.note}


def _compares(grader: Grader) -> str:
    if grader.table.reference is not None:
        return f"with the answers of {grader.table.reference}, as a validator would that works like that miner"
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
