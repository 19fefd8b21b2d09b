"""The page of coldkeys: who holds the stake, who earns the pay, and which keys give the same wrong answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from consensus.chain.concentration import Holding, holding
from lab.explorer.addresses import coldkeys_page, miner_page, run_page
from lab.explorer.index import RunIndex
from lab.explorer.page import PER_PAGE, Asked, Block, Page, Pager
from lab.report.section import Caption, Cell, Column, Label, Section
from lab.results.neurons import RAO
from lab.results.words import counted

from .run import earned_rao, tabs

MOST_ALIKE = 20
"""Miners with one answer to a task above which it says nothing about any two of them."""
MOST_LINKS = 100
LEAST_SHARED = 2
"""Wrong answers that two keys must share to be listed; one may be chance."""
SAME = """
with wrong as materialized (
    select number, validator, blob, uid from answers
    where blob is not null and size > 0 and (quality is null or quality < 0.999)
),
alike as materialized (
    select number, validator, blob from wrong group by 1, 2, 3 having count(*) between 2 and ?
)
select a.uid, b.uid, count(*) from alike
join wrong a on a.number = alike.number and a.validator = alike.validator and a.blob = alike.blob
join wrong b on b.number = alike.number and b.validator = alike.validator and b.blob = alike.blob and b.uid > a.uid
group by 1, 2 having count(*) >= ? order by 3 desc limit ?
"""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What each coldkey holds."""

    neurons: Counter[str]
    stake: Counter[str]
    earned_rao: Counter[str]

    @classmethod
    def of(cls, index: RunIndex) -> Holdings:
        """Sum stake and pay of a run by coldkey."""
        earned = earned_rao(index)
        pay = index.epochs[-1].pay if index.epochs else None
        held = cls(Counter(), Counter(), Counter())
        for neuron in index.start.neurons:
            held.neurons[neuron.coldkey] += 1
            held.stake[neuron.coldkey] += neuron.stake if pay is None else pay.stake[neuron.uid]  # type: ignore[assignment]
            held.earned_rao[neuron.coldkey] += earned[neuron.uid]
        return held


def coldkeys(key: str, index: RunIndex, asked: Asked, *, has_chain: bool) -> Page:
    """Return the page of a run's coldkeys."""
    held = Holdings.of(index)
    blocks = (Block(_concentration(held)), _table(key, held, asked), Block(_links(key, index)))
    trail = (("runs", "/"), (key, run_page(key)))
    return Page("Coldkeys", blocks, f"run {key}", trail, tabs(key, has_chain=has_chain), coldkeys_page(key))


def _concentration(held: Holdings) -> Section:
    columns = (
        Column("what", "what"),
        Column("holders", "holders"),
        Column("gini", "Gini", 3),
        Column("nakamoto", "Nakamoto"),
        Column("top1", "largest", 1, " %", 100),
        Column("top5", "largest 5", 1, " %", 100),
        Column("top10", "largest 10", 1, " %", 100),
        Column("effective", "effective holders", 1),
    )
    rows = [(name, holding(list(sums.values()))) for name, sums in (("stake", held.stake), ("pay", held.earned_rao))]
    caption = Caption(
        "Gini is 0 where all hold the same and near 1 where one holds everything; Nakamoto is the smallest number of "
        "coldkeys with more than half together.",
        "A coldkey is one party only if nobody hides behind several.",
    )
    return Section(
        "concentration", "Concentration", caption, columns, tuple(_holding(name, each) for name, each in rows)
    )


def _holding(name: str, each: Holding) -> tuple[Cell, ...]:
    top = each.top_share
    return (name, each.holders, each.gini, each.nakamoto, top[1], top[5], top[10], each.effective)


def _table(key: str, held: Holdings, asked: Asked) -> Block:
    total = sum(held.earned_rao.values())
    pattern = asked.search.casefold()
    names = [name for name in held.neurons if pattern in name.casefold()]
    names.sort(key=lambda name: (-held.earned_rao[name], name))
    columns = (
        Column("coldkey", "coldkey"),
        Column("neurons", "neurons"),
        Column("stake", "stake", 1),
        Column("earned", "tokens earned", 3),
        Column("share", "share of pay", 1, " %", 100, bar=True),
    )
    rows = tuple(
        (
            name,
            held.neurons[name],
            held.stake[name],
            held.earned_rao[name] * RAO,
            held.earned_rao[name] / total if total else None,
        )
        for name in names[asked.offset : asked.offset + PER_PAGE]
    )
    section = Section("coldkeys", "Coldkeys", Caption(f"{counted(len(names), 'coldkey')}.", ""), columns, rows)
    return Block(section, Pager(coldkeys_page(key), asked, len(names), searches="name"))


def _links(key: str, index: RunIndex) -> Section:
    neurons = {neuron.uid: neuron for neuron in index.start.neurons}
    found = index.rows(SAME, (MOST_ALIKE, LEAST_SHARED, MOST_LINKS))
    rows = tuple(
        (
            Label(neurons[first].name, href=miner_page(key, first)),
            Label(neurons[second].name, href=miner_page(key, second)),
            shared,
            neurons[first].coldkey == neurons[second].coldkey,
        )
        for first, second, shared in found
        if first in neurons and second in neurons
    )
    columns = (
        Column("first", "miner"),
        Column("second", "and"),
        Column("shared", "equal wrong answers"),
        Column("same", "one coldkey"),
    )
    words = "Pairs of miners whose answers were equal byte for byte where they were not fully right."
    if not rows:
        words = f"No two miners gave the same wrong answer {LEAST_SHARED} times."
    caption = Caption(
        words,
        f"Two miners on one engine make the same mistakes as well. Answers that more than {MOST_ALIKE} miners gave are "
        "left out.",
    )
    return Section("links", "Keys linked by their answers", caption, columns, rows)
