"""The pages of a miner and of a validator."""

from __future__ import annotations

from typing import Any

from lab.errors import RecordError
from lab.explorer.addresses import miner_page, part, run_page, task_page, validator_page
from lab.explorer.index import RunIndex
from lab.explorer.page import PER_PAGE, Asked, Block, Page, Pager
from lab.record.entries import Neuron
from lab.report.section import Caption, Cell, Column, Fact, Label, Section
from lab.results.neurons import RAO, U16
from lab.results.words import counted
from lab.statistics import spearman

from .run import earned_rao, name_of, tabs

ANSWERS = (
    Column("task", "task"),
    Column("validator", "asked by"),
    Column("round", "round", names=True),
    Column("kind", "kind"),
    Column("score", "score", 3),
    Column("quality", "true quality", 3),
    Column("fault", "fault"),
    Column("latency_s", "latency s", 2),
    Column("usd", "$", 6),
)
ORDERS = {
    "latest": "answers.number desc, answers.validator",
    "worst score": "score is null, score, answers.number",
    "best score": "score desc, answers.number",
    "slowest": "latency_s desc, answers.number",
    "faults": "fault is null, answers.number desc",
}
OF_MINER = """
select answers.number, answers.validator, rounds.task, rounds.kind, score, quality, fault, latency_s, usd
from answers join rounds on rounds.number = answers.number and rounds.validator = answers.validator
where uid = ? order by {order} limit ? offset ?
"""
BY_GRADER = """
select uid, count(*), avg(score), avg(quality) from answers where validator = ? group by uid
"""
MOST_PAIRS = 64
"""Other validators that the page of a validator compares it with."""


def neuron_of(index: RunIndex, uid: int, role: str) -> Neuron:
    """Return a neuron; raises RecordError if no such neuron of that role is in the run."""
    found = [neuron for neuron in index.neurons(role) if neuron.uid == uid]
    if not found:
        raise RecordError(f"no {role} of this run has uid {uid}")
    return found[0]


def miner(key: str, index: RunIndex, uid: int, asked: Asked, *, has_chain: bool) -> Page:
    """Return the page of a miner."""
    neuron = neuron_of(index, uid, "miner")
    blocks = (
        Block(_about(index, neuron)),
        Block(source=part("pay", key, uid)),
        Block(_faults(index, uid)),
        _answers(key, index, uid, asked),
    )
    meta = f"miner {uid} of run {key}"
    return Page(neuron.name, blocks, meta, (("runs", "/"), (key, run_page(key))), tabs(key, has_chain=has_chain))


def validator(key: str, index: RunIndex, uid: int, asked: Asked, *, has_chain: bool) -> Page:
    """Return the page of a validator."""
    neuron = neuron_of(index, uid, "validator")
    blocks = (Block(_about(index, neuron)), Block(_agreement(key, index, uid)), _grades(key, index, uid, asked))
    meta = f"validator {uid} of run {key}"
    return Page(neuron.name, blocks, meta, (("runs", "/"), (key, run_page(key))), tabs(key, has_chain=has_chain))


def _about(index: RunIndex, neuron: Neuron) -> Section:
    pay = index.epochs[-1].pay if index.epochs else None
    uid, is_validator = neuron.uid, neuron.role == "validator"
    query = "select count(*), count(fault), avg(score), avg(quality), avg(latency_s), sum(usd), sum(size) from answers"
    place = "validator" if is_validator else "uid"
    count, faults, score, quality, latency, usd, size = index.rows(f"{query} where {place} = ?", (uid,))[0]
    facts: list[tuple[Column, Cell]] = [
        (Column("kind", "kind"), neuron.kind),
        (Column("coldkey", "coldkey"), neuron.coldkey),
        (Column("stake", "stake", 1), neuron.stake if pay is None else pay.stake[uid]),
        (Column("earned", "tokens earned", 4), earned_rao(index)[uid] * RAO),
        (Column("answers", "answers graded" if is_validator else "times asked"), count),
        (Column("faults", "faults"), faults),
        (Column("score", "mean score", 3), score),
        (Column("quality", "true quality", 3), quality),
    ]
    if not is_validator:
        facts += [
            (Column("latency_s", "mean latency s", 2), latency),
            (Column("usd", "$ spent", 6), usd),
            (Column("bytes", "bytes sent"), size),
        ]
    if pay is not None:
        names = ("validator_trust", "dividends") if is_validator else ("trust", "consensus", "incentive")
        facts += [(Column(name, name.replace("_", " ")), getattr(pay, name)[uid] / U16) for name in names]
    caption = Caption(f"Hotkey {neuron.hotkey}.", "Shares are those of the last epoch.")
    return Section("about", "In figures", caption, facts=tuple(Fact(column, value) for column, value in facts))


def _faults(index: RunIndex, uid: int) -> Section:
    query = "select fault, count(*) from answers where uid = ? and fault is not null group by fault order by 2 desc"
    rows = index.rows(query, (uid,))
    caption = Caption("Every query got an answer." if not rows else "Queries that got no valid answer.", "")
    return Section("faults", "Faults", caption, (Column("fault", "fault"), Column("count", "times")), tuple(rows))


def _answers(key: str, index: RunIndex, uid: int, asked: Asked) -> Block:
    order = asked.sort if asked.sort in ORDERS else "latest"
    names = {neuron.uid: neuron.name for neuron in index.start.neurons}
    found = index.rows(OF_MINER.format(order=ORDERS[order]), (uid, PER_PAGE, asked.offset))
    total = index.value("select count(*) from answers where uid = ?", (uid,))
    rows = tuple(
        (
            Label(task, href=task_page(key, by, number)),
            Label(names.get(by, str(by)), href=validator_page(key, by)),
            number,
            kind,
            score,
            quality,
            fault or "",
            latency,
            usd,
        )
        for number, by, task, kind, score, quality, fault, latency, usd in found
    )
    caption = Caption(
        f"{counted(total, 'query')}, with what came of each.", "The task's page has the answers themselves."
    )
    section = Section("answers", "Answers", caption, ANSWERS, rows)
    return Block(section, Pager(miner_page(key, uid), asked, total, tuple(ORDERS)))


def _agreement(key: str, index: RunIndex, uid: int) -> Section:
    title = "Agreement with other validators"
    columns = (Column("validator", "validator"), Column("spearman", "Spearman of weights", 3))
    submitted = index.epochs[-1].weights if index.epochs else {}
    if uid not in submitted:
        return Section("agreement", title, Caption("It submitted no weights for the last epoch.", ""), columns)
    miners = [neuron.uid for neuron in index.neurons("miner")]
    own = [submitted[uid].get(miner, 0.0) for miner in miners]
    rows: list[tuple[Cell, ...]] = []
    for other in index.neurons("validator"):
        if other.uid != uid and other.uid in submitted and len(rows) < MOST_PAIRS:
            row = [submitted[other.uid].get(miner, 0.0) for miner in miners]
            rows.append((name_of(other, validator_page(key, other.uid)), spearman(own, row)))
    words = "How alike two validators' weights of the last epoch rank the miners; 1 is the same order."
    return Section(
        "agreement", title, Caption(words, "One that copies agrees as well as one that grades."), columns, tuple(rows)
    )


def _grades(key: str, index: RunIndex, uid: int, asked: Asked) -> Block:
    graded: list[tuple[Any, ...]] = index.rows(BY_GRADER, (uid,))
    shared = index.rows("select uid, count(*), avg(score) from shared where grader = ? group by uid", (uid,))
    known = {row[0] for row in graded}
    graded += [(miner, count, score, None) for miner, count, score in shared if miner not in known]
    names = {neuron.uid: neuron for neuron in index.start.neurons}
    weights = index.epochs[-1].weights.get(uid, {}) if index.epochs else {}
    rows: list[tuple[Cell, ...]] = [
        (
            name_of(names[miner], miner_page(key, miner)),
            count,
            score,
            quality,
            None if score is None or quality is None else score - quality,
            weights.get(miner, 0.0) if weights else None,
        )
        for miner, count, score, quality in sorted(graded, key=lambda row: -(row[2] or 0.0))
        if miner in names
    ]
    pairs = [(score, quality) for _, _, score, quality in graded if score is not None and quality is not None]
    ranking = spearman([score for score, _ in pairs], [quality for _, quality in pairs]) if len(pairs) > 1 else None
    words = "It graded nothing." if not rows else f"It graded answers of {counted(len(rows), 'miner')}."
    if ranking is not None:
        words += f" Over them its mean grades and true quality rank alike at Spearman {ranking:.2f}."
    columns = (
        Column("miner", "miner"),
        Column("answers", "answers"),
        Column("score", "mean grade", 3),
        Column("quality", "true quality", 3),
        Column("difference", "grade less quality", 3),
        Column("weight", "last weight", 4),
    )
    caption = Caption(words, "A grader may count more than the truth does, so the two need not be equal.")
    shown = tuple(rows[asked.offset : asked.offset + PER_PAGE])
    section = Section("grades", "Grades beside truth", caption, columns, shown)
    return Block(section, Pager(validator_page(key, uid), asked, len(rows)))
