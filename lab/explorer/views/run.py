"""The page of a run: its progress, its miners and validators, and charts that are drawn in the background."""

from __future__ import annotations

from dataclasses import dataclass
from functools import total_ordering

from lab.explorer.addresses import chain_page, coldkeys_page, miner_page, part, run_page, tasks_page, validator_page
from lab.explorer.index import RunIndex
from lab.explorer.page import PER_PAGE, Asked, Block, Page, Pager
from lab.record.entries import Neuron
from lab.report.section import Caption, Cell, Column, Label, Section
from lab.report.sections.names import DISHONEST
from lab.results.neurons import RAO, U16
from lab.results.words import counted
from lab.run.status import RunStatus

MOST_REPORTED = 200
"""Miners up to which the sections of the report are drawn; they compare each pair of miners."""
MINERS = (
    Column("miner", "miner"),
    Column("uid", "uid", names=True),
    Column("pay_share", "pay", 1, " %", 100, bar=True),
    Column("earned", "tokens earned", 2),
    Column("quality", "true quality", 3),
    Column("score", "score", 3),
    Column("answers", "asked"),
    Column("faults", "faults"),
    Column("latency_s", "mean latency s", 2),
    Column("usd", "$ for 1,000 answers", 4, scale=1000),
    Column("incentive", "incentive"),
    Column("trust", "trust"),
)
VALIDATORS = (
    Column("validator", "validator"),
    Column("uid", "uid", names=True),
    Column("stake", "stake", 0),
    Column("earned", "tokens earned", 2),
    Column("graded", "answers graded"),
    Column("score", "mean grade", 3),
    Column("trust", "vtrust"),
    Column("dividends", "dividends"),
)
ORDERS = {"pay": 3, "quality": 4, "score": 5, "faults": 7, "name": 0, "uid": 1}
"""Column by which each order sorts; figures come largest first."""
SUMS = """
select uid, count(*), avg(quality), avg(score), sum(fault is not null), avg(case when fault is null then latency_s end),
       avg(usd)
from answers group by uid
"""


def tabs(key: str, *, has_chain: bool) -> tuple[tuple[str, str], ...]:
    """Return the pages of a run."""
    pages = (("run", run_page(key)), ("tasks", tasks_page(key)), ("coldkeys", coldkeys_page(key)))
    return (*pages, ("chain", chain_page(key))) if has_chain else pages


def run(key: str, index: RunIndex, asked: Asked, *, has_chain: bool) -> Page:
    """Return the page of a run."""
    subnet = str(index.start.config["subnet"]["kind"]).rpartition(":")[2]
    miners, validators = index.neurons("miner"), index.neurons("validator")
    title = f"{subnet}: {counted(len(miners), 'miner')}, {counted(len(validators), 'validator')}"
    blocks = [
        Block(source=part("progress", key)),
        _miners(key, index, asked),
        Block(_validators(key, index)),
        Block(source=part("charts", key)),
    ]
    if len(miners) <= MOST_REPORTED:
        blocks.append(Block(source=part("report", key)))
    else:
        words = f"With more than {MOST_REPORTED} miners the report's sections are not drawn here."
        caption = Caption(words, "`subnetlab report RUN` writes them all.")
        blocks.append(Block(Section("report", "Report", caption)))
    return Page(title, tuple(blocks), f"run {key}", (("runs", "/"),), tabs(key, has_chain=has_chain), run_page(key))


def progress(index: RunIndex, status: RunStatus | None) -> Section:
    """Return how far a run is."""
    chain, complete = index.config.chain, index.complete
    asking = sum(validator.asks for validator in index.config.build_validators())
    total = chain.epochs * chain.rounds_per_epoch * asking
    rounds = index.value("select count(*) from rounds")
    answers, faults = index.rows("select count(*), count(fault) from answers")[0]
    stage = "finished" if complete else "under way" if status and not status.ended else "not finished"
    facts: list[tuple[Column, Cell]] = [
        (Column("state", "state"), stage),
        (Column("epochs", "epochs"), f"{len(index.epochs):,} of {chain.epochs:,}"),
        (Column("rounds", "rounds"), f"{rounds:,} of {total:,}"),
        (Column("answers", "answers"), answers),
        (Column("faults", "of them faults"), faults),
    ]
    if status is not None and not status.ended and status.left_s is not None:
        facts.append((Column("left_s", "left", 0, " s"), status.left_s))
    if status is not None and status.reason:
        facts.append((Column("reason", "reason"), status.reason))
    columns = tuple(column for column, _ in facts)
    return Section("progress", "Progress", Caption("", ""), columns, (tuple(value for _, value in facts),))


def name_of(neuron: Neuron, href: str) -> Label:
    """Return a neuron's name as a link, with its kind."""
    return Label(neuron.name, "" if neuron.honest else DISHONEST, neuron.kind.rpartition(":")[2], href=href)


def earned_rao(index: RunIndex) -> list[int]:
    """Return what each neuron was paid over the run, by uid."""
    sums = [0] * len(index.start.neurons)
    for epoch in index.epochs:
        for uid, rao in enumerate(epoch.pay.paid):
            sums[uid] += rao
    return sums


def _miners(key: str, index: RunIndex, asked: Asked) -> Block:
    neurons = index.neurons("miner")
    sums = {row[0]: row[1:] for row in index.rows(SUMS)}
    earned = earned_rao(index)
    total = sum(earned[neuron.uid] for neuron in neurons)
    pay = index.epochs[-1].pay if index.epochs else None
    pattern = asked.search.casefold()
    rows: list[tuple[Cell, ...]] = []
    for neuron in neurons:
        if pattern not in f"{neuron.name} {neuron.kind} {neuron.coldkey} {neuron.hotkey}".casefold():
            continue
        uid = neuron.uid
        count, quality, score, faults, latency, usd = sums.get(uid, (0, None, None, 0, None, None))
        rows.append(
            (
                name_of(neuron, miner_page(key, uid)),
                uid,
                earned[uid] / total if total else None,
                earned[uid] * RAO,
                quality,
                score,
                count,
                faults,
                latency,
                usd,
                None if pay is None else pay.incentive[uid] / U16,
                None if pay is None else pay.trust[uid] / U16,
            )
        )
    order = asked.sort if asked.sort in ORDERS else "pay"
    rows.sort(key=lambda row: _Rank(row[ORDERS[order]]), reverse=order not in ("name", "uid"))
    caption = Caption(
        f"{counted(len(rows), 'miner')}. Incentive and trust are those of the last epoch; scores and true quality are "
        "means over all answers so far.",
        "These means have no intervals; the scores further down do. True quality is known to the laboratory alone.",
    )
    shown = tuple(rows[asked.offset : asked.offset + PER_PAGE])
    section = Section("miners", "Miners: pay beside quality", caption, MINERS, shown)
    return Block(section, Pager(run_page(key), asked, len(rows), tuple(ORDERS), "name, kind, coldkey or hotkey"))


@total_ordering
@dataclass(frozen=True, slots=True)
class _Rank:
    """The place of a cell in an order: unknown figures below all others, names by their letters."""

    cell: Cell

    def __lt__(self, other: _Rank) -> bool:
        if self.cell is None or other.cell is None:
            return self.cell is None and other.cell is not None
        if isinstance(self.cell, Label) and isinstance(other.cell, Label):
            return self.cell.text.casefold() < other.cell.text.casefold()
        return float(str(self.cell)) < float(str(other.cell))


def _validators(key: str, index: RunIndex) -> Section:
    graded = {row[0]: row[1:] for row in index.rows("select validator, count(*), avg(score) from answers group by 1")}
    for uid, count, score in index.rows("select grader, count(*), avg(score) from shared group by 1"):
        own, mean = graded.get(uid, (0, None))
        known = [(n, value) for n, value in ((own, mean), (count, score)) if value is not None]
        weight = sum(n for n, _ in known)
        graded[uid] = (own + count, sum(n * value for n, value in known) / weight if weight else None)
    earned = earned_rao(index)
    pay = index.epochs[-1].pay if index.epochs else None
    rows = []
    for neuron in index.neurons("validator"):
        uid = neuron.uid
        count, score = graded.get(uid, (0, None))
        rows.append(
            (
                name_of(neuron, validator_page(key, uid)),
                uid,
                neuron.stake if pay is None else pay.stake[uid],
                earned[uid] * RAO,
                count,
                score,
                None if pay is None else pay.validator_trust[uid] / U16,
                None if pay is None else pay.dividends[uid] / U16,
            )
        )
    caption = Caption(
        "Stake is in tokens; vtrust and dividends are those of the last epoch.",
        "A validator that grades nothing may copy the others' weights.",
    )
    return Section("validators", "Validators", caption, VALIDATORS, tuple(rows))
