"""The page of all claims, and the same as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lab.report.section import Caption, Column, Publication, Section
from lab.results.words import counted

from .claim import Verdict
from .judgement import Judgement

TITLE = "What is claimed of incentive subnets, and what the recorded studies say"
ORDER: tuple[Verdict, ...] = ("holds", "fails", "depends", "open", "not recorded", "can't be settled here")


def page(judgements: Sequence[Judgement]) -> Publication:
    """Write the table of all claims."""
    tally = Counter(judgement.verdict for judgement in judgements)
    table = Section(
        key="claims",
        title="Which claims hold?",
        caption=Caption(
            "A claim holds or fails if the whole 95 % interval of its figure is on one side of the bound. It depends "
            "if it holds in one case and fails in another, and is open while an interval spans the bound.",
            "A verdict is about the simulated circumstances that its study describes.",
        ),
        columns=tuple(
            Column(key, title)
            for key, title in (
                ("claim", "claim"),
                ("verdict", "verdict"),
                ("figures", "figures"),
                ("command", "command"),
                ("not_shown", "not shown"),
            )
        ),
        rows=tuple(
            (each.claim.claim, each.verdict, each.figures, each.claim.command, each.claim.not_shown)
            for each in judgements
        ),
    )
    verdicts = ", ".join(f"{tally[verdict]} {verdict}" for verdict in ORDER if tally[verdict])
    return Publication(
        name="claims",
        title=TITLE,
        findings=(f"{counted(len(judgements), 'claim')}: {verdicts}.",),
        sections=(table,),
        kind="claims",
    )


def markdown(judgements: Sequence[Judgement]) -> str:
    """Write the claims as a Markdown document, those with a verdict first."""
    ordered = sorted(judgements, key=lambda each: ORDER.index(each.verdict))
    caption = page(judgements).sections[0].caption
    lines = [
        f"# {TITLE}",
        "",
        f"{page(judgements).findings[0]} {caption.shows} {caption.not_shown}",
        "This page is written by `subnetlab claims` from recorded studies; `make claims` records the missing ones.",
        "",
        "| claim | verdict | figures | command | not shown |",
        "|---|---|---|---|---|",
        *(
            "| "
            + " | ".join(
                _cell(text)
                for text in (
                    each.claim.claim,
                    f"**{each.verdict}**",
                    each.figures or "–",
                    f"`{each.claim.command}`" if each.claim.command else "–",
                    each.claim.not_shown,
                )
            )
            + " |"
            for each in ordered
        ),
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
