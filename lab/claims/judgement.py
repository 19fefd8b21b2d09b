"""Judgements: what recorded figures say about each claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.statistics import Estimate

from .claim import Claim, Verdict
from .recorded import Recorded


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """One case of a claim, decided."""

    where: str
    figure: Estimate
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """One claim, decided."""

    claim: Claim
    verdict: Verdict
    cases: tuple[CaseVerdict, ...]
    """Empty if nothing is recorded or nothing can settle it."""

    @property
    def figures(self) -> str:
        """The figures in words, each with its circumstances."""
        texts = (
            f"{case.where}: {text}" if case.where else text
            for case in self.cases
            for text in [case.figure.scaled(self.claim.scale).text(2, self.claim.unit)]
        )
        return "; ".join(texts)


def judge(claim: Claim, studies: Mapping[str, Recorded]) -> Judgement:
    """Decide a claim by the recorded studies.

    Raises:
        RecordError: a recorded study lacks a figure that the claim names.
    """
    if not claim.cases:
        return Judgement(claim, "can't be settled here", ())
    if claim.study not in studies:
        return Judgement(claim, "not recorded", ())
    figures = [studies[claim.study].figure(case) for case in claim.cases]
    cases = tuple(
        CaseVerdict(case.where, figure, decide(figure, above=claim.above, below=claim.below))
        for case, figure in zip(claim.cases, figures, strict=True)
    )
    return Judgement(claim, overall([case.verdict for case in cases]), cases)


def decide(figure: Estimate, *, above: float | None = None, below: float | None = None) -> Verdict:
    """Return whether a figure's whole interval is beyond a bound; a single exact value decides by itself.

    A sample that is too small for an interval, or shows no spread, decides nothing.
    """
    if figure.value is None or (figure.interval is None and figure.n > 1):
        return "open"
    low, high = figure.interval or (figure.value, figure.value)
    if above is not None:
        return "holds" if low > above else "fails" if high <= above else "open"
    assert below is not None
    return "holds" if high < below else "fails" if low >= below else "open"


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict over all cases: one that holds here and fails there depends on the case."""
    kinds = set(verdicts)
    if {"holds", "fails"} <= kinds:
        return "depends"
    return verdicts[0] if len(kinds) == 1 else "open"
