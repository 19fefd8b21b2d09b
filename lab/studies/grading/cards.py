"""Grader cards: all that the study found about one grader, as one JSON file and one page.

card = Card.of(data, grader)
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
from .grades import Grader, GradingData, Quality
from .pay import Pay, pay_of

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
    "spread": "spread when graded again",
    "tasks_to_separate": "tasks to separate two miners 5 points apart",
}


@dataclass(frozen=True, eq=False)
class Card:
    """One grader."""

    grader: Grader
    quality: Quality
    biases: tuple[Bias, ...]
    exploits: tuple[Exploit, ...]
    """What each adversary earns."""
    best: str
    """The honest miner that they are held against."""
    agreement: tuple[tuple[str, Estimate], ...]
    """Cohen's kappa with each other grader."""
    pay: Pay | None
    """None where there were too few tasks, or none's truth is known."""
    tasks: int
    compares: str
    """With what."""

    @classmethod
    def of(cls, data: GradingData, grader: Grader, exploits: Sequence[Exploit]) -> Self:
        """Work out a grader's card."""
        return cls(
            grader=grader,
            quality=data.measure(grader),
            biases=tuple(biases(data, grader)),
            exploits=tuple(exploits),
            best=data.miners[data.best(grader)].name,
            agreement=tuple((other.name, data.kappa(grader, other)) for other in data.graders if other is not grader),
            pay=pay_of(data, grader),
            tasks=data.tasks_of(grader),
            compares=_compares(grader),
        )

    @property
    def name(self) -> str:
        """Of the grader."""
        return self.grader.name

    @property
    def worst(self) -> Exploit | None:
        """The adversary that earns most, None without any whose share is known."""
        return next(iter(ranked(self.exploits, lambda one: one.earned.value)), None)


def verdict(card: Card) -> str:
    """Say in a few sentences what the grader is worth."""
    accuracy = card.quality.pairwise_accuracy
    said = [
        f"It puts {accuracy.percent()} of the pairs of honest miners in the right order."
        if accuracy.value is not None
        else "How many pairs of honest miners it puts in the right order can't be said."
    ]
    if card.worst is not None:
        name, earned = card.worst.adversary, card.worst.earned
        said.append(f"{name} earns {earned.text()} times what {card.best}, the best honest miner, earns.")
    if paying := [one.adversary for one in card.exploits if one.pays]:
        said.append(
            f"By more than chance (sign-flip test, Holm over all adversaries and graders, at {ALPHA:g}) it is "
            f"out-earned by {', '.join(paying)}."
        )
    clear = [bias for bias in card.biases if bias.clear]
    looked = counted(len(card.biases), "effect")
    if clear:
        strongest = max(clear, key=lambda bias: abs(bias.effect.value or 0.0))
        said.append(
            f"Of {looked} looked at, the largest whose interval leaves out 0 is {strongest.name}: "
            f"{strongest.effect.text(3)} points of score."
        )
    elif card.biases:
        said.append(f"Of {looked} looked at, none has an interval that leaves out 0.")
    return " ".join(said)


def as_dict(card: Card) -> dict[str, Any]:
    """Return a card as its JSON file holds it; an estimate is its value, interval and n."""
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
            "earned": {one.adversary: plain_figure(one.earned) for one in card.exploits},
            "gain": {one.adversary: plain_figure(one.gain) | {"p_all": one.p_value} for one in card.exploits},
        },
        "agreement": {name: plain_figure(figure) for name, figure in card.agreement},
        "pay": None
        if pay is None
        else {
            "rank_correlation": plain_figure(pay.ranking),
            "by_epoch": [plain_figure(figure) for figure in pay.by_epoch],
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
    earned = [Mark(one.adversary, "earned", one.earned) for one in card.exploits if one.earned.value is not None]
    if earned:
        alt = "What each adversary earns over what the best honest miner does. The figures are in the table."
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
            f"What each adversary earns, over what {card.best}, the best honest miner, earns on the same tasks.",
            "Beyond the dashed line cheating pays better than the best honest work. Other adversaries may do worse "
            "or better.",
        ),
    )
    return write_page(page, folder / f"{card.name}.html")


def _groups(card: Card) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the card's tables: a title, and rows of a name, a value and what belongs under it."""
    quality = [
        _row(title, getattr(card.quality, key), 0 if key == "tasks_to_separate" else 3)
        for key, title in MEASURES.items()
    ]
    groups = [
        ("Quality", quality),
        ("Bias, in points of score", [_row(f"{bias.name}: {WORDS[bias.name]}", bias.effect) for bias in card.biases]),
        ("Exploitability", [_row(one.adversary, one.earned, 2, "×") for one in card.exploits]),
    ]
    if card.pay is not None:
        pay = [
            _row("rank correlation of pay with true quality", card.pay.ranking, 2),
            _row("points of pay share for a point of error", card.pay.moved, 2),
            _row("pay that goes elsewhere than by the truth", card.pay.misplaced, 1, " %", 100),
        ]
        groups.append(("From error to pay", pay))
    cost = [
        _row("CPU of a grade", card.grader.cpu_s, 2, " ms", 1000),
        _row("dollars for a million grades", card.grader.usd, 2, "", 1_000_000),
        _row("tokens of a grade", card.grader.tokens, 0),
        _row("unscored", card.grader.unscored, 1, " %", 100),
    ]
    groups.append(("Cost", cost))
    return [(title, rows) for title, rows in groups if rows]


def _row(name: str, figure: Estimate, digits: int = 3, unit: str = "", scale: float = 1.0) -> dict[str, str]:
    shown = estimate(figure, Column("", name, digits, unit, scale))
    return {"name": name, "value": shown.value, "note": shown.note}


def _compares(grader: Grader) -> str:
    if grader.table.reference is not None:
        return f"with what {grader.table.reference} answered, as a validator that works like that miner would"
    scorer = grader.table.scorer
    spec = {} if scorer is None else SCORERS.spec(scorer)
    uses = scorer is None or scorer.needs_reference or spec.get("reference", False) is True
    return "with the truth" if uses else "with no reference"


def cards(data: GradingData) -> list[Card]:
    """Work out the cards of all graders."""
    found = exploits(data)
    return [Card.of(data, grader, found[grader.name]) for grader in data.graders]


def links(found: Sequence[Card]) -> tuple[tuple[str, str], ...]:
    """Return where the cards' pages lie in the study's folder."""
    return tuple((card.name, f"cards/{card.name}.html") for card in found)
