"""The list of a run's tasks, and the page of one: what was asked, the true answer, and every answer with its grades."""

from __future__ import annotations

import logging
from dataclasses import asdict

from lab.errors import RecordError
from lab.explorer.addresses import miner_page, part, picture, run_page, task_page, tasks_page, validator_page
from lab.explorer.index import RunIndex
from lab.explorer.page import PER_PAGE, Answered, Asked, Block, Page, Pager
from lab.record.entries import Grade, GradedAnswer, GradedRound
from lab.record.graded_window import GradedWindow
from lab.record.record import RunRecord
from lab.report.section import Caption, Column, Label, Section
from lab.results.words import counted
from lab.statistics import number as written
from subnets import Subnet, SubnetlabError, Task

from .run import tabs

logger = logging.getLogger(__name__)

COLUMNS = (
    Column("task", "task"),
    Column("validator", "set by"),
    Column("round", "round", names=True),
    Column("kind", "kind"),
    Column("difficulty", "difficulty", 2),
    Column("answers", "answers"),
)
ORDERS = {"latest": "number desc, validator", "first": "number, validator", "hardest": "difficulty desc, number"}
LIST = "select validator, number, task, kind, difficulty, answers from rounds {where} order by {order} limit ? offset ?"
MOST_TEXT = 4000
"""Characters of an answer that its task's page shows."""


def tasks(key: str, index: RunIndex, asked: Asked, *, has_chain: bool) -> Page:
    """Return the list of tasks."""
    order = ORDERS.get(asked.sort, ORDERS["latest"])
    where, values = "", []
    if asked.search:
        where, values = "where instr(kind, ?) or instr(task, ?)", [asked.search, asked.search]
    total = index.value(f"select count(*) from rounds {where}", values)
    names = {neuron.uid: neuron.name for neuron in index.start.neurons}
    rows = tuple(
        (
            Label(task, href=task_page(key, by, number)),
            Label(names.get(by, str(by)), href=validator_page(key, by)),
            number,
            kind,
            difficulty,
            answers,
        )
        for by, number, task, kind, difficulty, answers in index.rows(
            LIST.format(where=where, order=order), [*values, PER_PAGE, asked.offset]
        )
    )
    caption = Caption(f"{counted(total, 'task')}.", "A task is made again from its seed when its page is opened.")
    pager = Pager(tasks_page(key), asked, total, tuple(ORDERS), "kind or id")
    block = Block(Section("tasks", "Tasks", caption, COLUMNS, rows), pager)
    meta = f"run {key}"
    return Page(
        "Tasks", (block,), meta, (("runs", "/"), (key, run_page(key))), tabs(key, has_chain=has_chain), tasks_page(key)
    )


def task(key: str, index: RunIndex, record: RunRecord, graded: GradedRound, asked: Asked, *, has_chain: bool) -> Page:
    """Return the page of a task."""
    validator, number = graded.validator, graded.number
    names = {neuron.uid: neuron.name for neuron in index.start.neurons}
    draws = draws_pictures(index)
    blocks = [Block(source=part("task", key, validator, number))]
    windows = _windowed(record, index, graded)
    subnet = index.config.subnet
    answers = []
    for place, answer in list(enumerate(graded.answers))[asked.offset : asked.offset + PER_PAGE]:
        try:
            text = "" if answer.blob is None else subnet.text_of(subnet.read(record.blob(answer.blob)))
        except SubnetlabError as error:
            text = f"[can't be read: {error}]"
        except Exception as error:  # a plug-in may fail in any way
            logger.info("answer of uid %d can't be shown", answer.uid, exc_info=True)
            text = f"[can't be read: {type(error).__name__}]"
        drawn = picture(key, validator, number, answer.uid) if draws and answer.blob and answer.fault is None else ""
        facts = _grades(answer, windows.get(place), graded, place, names)
        answers.append(
            Answered(names.get(answer.uid, "?"), miner_page(key, answer.uid), drawn, text[:MOST_TEXT], facts)
        )
    pager = Pager(task_page(key, validator, number), asked, len(graded.answers))
    blocks.append(Block(pager=pager, heading="Every answer, and every grade", answers=tuple(answers)))
    title = f"Task {graded.task_id}"
    meta = f"round {number} of validator {names.get(validator, validator)}" + (
        f" · {graded.kind}" if graded.kind else ""
    )
    trail = (("runs", "/"), (key, run_page(key)), ("tasks", tasks_page(key)))
    return Page(title, tuple(blocks), meta, trail, tabs(key, has_chain=has_chain))


def graded_round(record: RunRecord, validator: int, number: int) -> GradedRound:
    """Return a round; raises RecordError if it was not recorded."""
    entry = record.find("round", f"{validator}/{number}")
    if entry is None:
        raise RecordError(f"validator {validator} has no round {number} in this record")
    return GradedRound.of(entry)


def draws_pictures(index: RunIndex) -> bool:
    """Return whether the run's subnet draws its tasks."""
    return type(index.config.subnet).illustrate is not Subnet.illustrate


def asked_and_true(key: str, index: RunIndex, graded: GradedRound) -> tuple[Block, ...]:
    """Return what a task asked and its true answer."""
    made, note = index.task(graded)
    difficulty = "" if graded.difficulty is None else f"Difficulty {graded.difficulty:.2f}."
    messages = () if made is None else made.prompt.messages
    texts = (f"{each.role}: {each.content}" for each in messages if each.content)
    blocks = [Block(heading="What was asked", words=tuple(filter(None, (note, difficulty, *texts))))]
    return (*blocks, _truth(key, index, made, graded)) if made is not None else tuple(blocks)


def _truth(key: str, index: RunIndex, made: Task, graded: GradedRound) -> Block:
    heading = "The true answer"
    if made.reference is None:
        return Block(heading=heading, words=("The truth of this task is not known.",))
    try:
        text = index.config.subnet.text_of(index.config.subnet.gold(made))
    except Exception as error:  # a plug-in may fail in any way
        return Block(heading=heading, words=(f"It can't be shown: {type(error).__name__}.",))
    drawn = picture(key, graded.validator, graded.number, None) if draws_pictures(index) else ""
    return Block(heading=heading, answers=(Answered("truth", "", drawn, text[:MOST_TEXT], ()),))


def _windowed(record: RunRecord, index: RunIndex, graded: GradedRound) -> dict[int, Grade]:
    """Return the grades of a round that was graded with its epoch, by place."""
    epoch = graded.number // index.config.chain.rounds_per_epoch
    entry = record.find("window", f"{graded.validator}/{epoch}")
    if entry is None:
        return {}
    rounds = [each for each in GradedWindow.of(entry).rounds if each.number == graded.number]
    return dict(enumerate(rounds[0].grades)) if rounds else {}


def _grades(
    answer: GradedAnswer, window: Grade | None, graded: GradedRound, place: int, names: dict[int, str]
) -> tuple[tuple[str, str], ...]:
    grades: list[tuple[int, Grade | GradedAnswer]] = [(graded.validator, window or answer)]
    grades += [(each.validator, each.grades[place]) for each in graded.shared if place < len(each.grades)]
    facts = []
    for by, grade in grades:
        score = "unscored" if grade.score is None else written(grade.score)
        parts = ", ".join(f"{name} {written(value)}" for name, value in grade.parts.items())
        words = "; ".join(filter(None, (score, parts, grade.score_reason)))
        facts.append((f"grade by {names.get(by, by)}", words))
    if answer.quality is not None:
        facts.append(("true quality", written(answer.quality)))
    if answer.fault is not None:
        facts.append((f"fault: {answer.fault}", answer.reason))
    facts.append(("latency", f"{written(answer.latency_s)} s"))
    cost = ", ".join(f"{name} {value:,.4g}" for name, value in asdict(answer.cost).items() if value)
    facts.append(("cost", cost or "none metered"))
    return tuple(facts)
