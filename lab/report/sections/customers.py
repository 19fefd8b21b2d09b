"""Customers: what they think of each miner, beside validators' grades and pay."""

from __future__ import annotations

from lab.results.customers import CustomerFigures, MinerForCustomers
from lab.results.run_figures import RunFigures
from lab.results.words import counted, quoted

from ..section import Caption, Column, Fact, Section
from .names import label

COLUMNS = (
    Column("miner", "miner"),
    Column("asked", "asked for customers"),
    Column("answered", "answers delivered"),
    Column("rating", "customers' rating, -1 to 1", 2),
    Column("score", "validators' grade", 3),
    Column("pay_share", "share of pay %", 1, scale=100),
    Column("tests_score", "same grader: tests", 3),
    Column("customers_score", "customers", 3),
    Column("gap", "tests better by", 3),
)


def customers(run: RunFigures) -> Section | None:
    """Return what customers made of the miners; None if the run served none."""
    figures = run.customers
    if figures is None:
        return None
    return Section(
        "customers",
        "What customers think",
        _caption(figures),
        COLUMNS,
        tuple(
            (
                label(each.miner),
                each.asked,
                each.answered,
                each.rating,
                each.miner.score,
                each.miner.pay_share,
                each.tests_score,
                each.customers_score,
                each.gap,
            )
            for each in figures.miners
        ),
        facts=(
            Fact(Column("requests", "requests"), figures.requests),
            Fact(Column("paid_usd", "$ paid by customers", 4), figures.paid_usd),
            Fact(Column("ratings_with_score", "ratings and grades, Spearman", 2), figures.with_score),
            Fact(Column("ratings_with_pay", "ratings and pay, Spearman", 2), figures.with_pay),
        ),
    )


def _caption(figures: CustomerFigures) -> Caption:
    shows = f"{counted(figures.answered, 'request')} of {figures.requests:,} got an answer"
    if figures.with_pay.value is None:
        shows += "; too few miners were rated to say whether customers' preference agrees with pay."
    else:
        shows += f". Customers' ratings agree with pay at Spearman {figures.with_pay.text(2)}"
        shows += f" and with validators' grades at {figures.with_score.text(2)}."
    worse = [each for each in figures.miners if _is_worse(each)]
    if worse:
        most = max(worse, key=lambda each: each.gap.value or 0.0)
        shows += f" {quoted(most.miner.name)} answers tests better than customers, by {most.gap.text(2)}."
    return Caption(
        shows,
        "Customers who gave no rating, and what they asked: customers may ask harder questions than tests do, so a gap "
        "by itself does not show that a miner tells them apart.",
    )


def _is_worse(each: MinerForCustomers) -> bool:
    return each.gap.low is not None and each.gap.low > 0
