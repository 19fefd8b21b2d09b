"""Section on claims: do miners claim more tokens than they wrote?"""

from __future__ import annotations

from lab.report.section import Caption, Column, Picture, Section
from lab.results.words import counted, percent, quoted
from lab.statistics.claims import ALPHA
from lab.studies.miners import plots
from lab.studies.miners.claims import LEARNING_SHARE, CheckedClaims, ClaimResults

from .table import without_empty_columns


def claims_section(claims: ClaimResults) -> Section:
    """Excess of claims, and the evidence against each miner."""
    return without_empty_columns(
        key="claims",
        title="Do miners claim more tokens than they wrote?",
        caption=Caption(
            " ".join(claims_sentences(claims)),
            f"{tolerance_sentence(claims)} The test may be read after every output: it flags at most {percent(ALPHA)} "
            "of the miners whose claims stay within that on average, however many outputs there are. Tokens that leave "
            "no trace in the answer, such as hidden reasoning, can't be checked this way."
            + plots.left_out([each.name for each in claims.checked], "miners"),
        ),
        columns=(
            Column("miner", "miner"),
            Column("honest", "honest"),
            Column("excess", "claimed beyond our count", 1, " %", 100),
            Column("unclaimed", "answers without a claim", 1, " %", 100),
            Column("flagged_at", "flagged after"),
            Column("evidence", "largest evidence", 1, "×"),
        ),
        rows=tuple(
            (
                each.name,
                each.honest,
                each.check.excess,
                each.check.unclaimed,
                "never" if each.check.flagged_at is None else counted(each.check.flagged_at, "output"),
                each.check.evidence,
            )
            for each in claims.checked
        ),
        picture=Picture(lambda ax: plots.evidences(claims.checked, ax), 300, 300),
    )


def claims_sentences(claims: ClaimResults) -> list[str]:
    """Say whose token claims were flagged."""
    sentences = [
        _claim_sentence(each) for each in claims.checked if not each.honest or each.check.flagged_at is not None
    ]
    if not sentences and claims.checked:
        return [f"None of {counted(len(claims.checked), 'miner')} that claim tokens was flagged."]
    return sentences


def tolerance_sentence(claims: ClaimResults) -> str:
    """Say how much excess is tolerated, and where that comes from."""
    first = f"the first {percent(LEARNING_SHARE)} of the tasks"
    if claims.tolerance.value is None:
        return (
            f"No tolerance could be measured: honest miners claimed no tokens on {first}. All other "
            "claims are compared with our own count, which another tokenizer's count may exceed."
        )
    end = "that" if claims.tolerance.high is None else "the upper end of that"
    return (
        f"On {first} honest miners' claims were {claims.tolerance.percent(1)} above our own count of the tokens. All "
        f"other claims may exceed our count by {end}, {percent(claims.believed)}."
    )


def _claim_sentence(claims: CheckedClaims) -> str:
    excess = f"{quoted(claims.name)}, whose claims are {claims.check.excess.percent(1)} above our count,"
    if claims.check.flagged_at is None:
        return f"{excess} was not flagged in {counted(claims.check.unclaimed.n, 'output')}."
    return f"{excess} was flagged after {counted(claims.check.flagged_at, 'output')}."
