"""Re-grading: recorded answers through every grader, kept in the study's own hash-linked record.

Entries of kind "grades" stand at GRADER/VALIDATOR/NUMBER/REPEAT, those of kind "probes", where some answers were
changed to see what it does to their scores, at GRADER/PROBE/VALIDATOR/NUMBER. What is there is not graded again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lab.errors import RecordError
from lab.record.entries import Body, GradedRound, Start
from lab.record.record import FORMAT, Draft, RunRecord
from lab.record.run_folder import changed_versions, machine
from lab.run.audit import response_of
from lab.studies.arm import Arm
from lab.studies.study_folder import Study, Watch
from subnets import Cost, Meter, Response, Score, Task
from subnets.ocr import OCRAnswer
from subnets.ocr.answer import Font
from subnets.ocr.page import Line, Page
from subnets.text_prompting.truths.written import Written
from validators.validator import receive, score

from .config import GraderTable, GradingConfig
from .probes import PROBES, Probe

WARMING = 2
"""Answers that a grader grades once untimed, so that loading a model is no part of a grade."""
FEW = 3
"""Answers by which a slow grader is timed."""
SLOW_S = 1.0
"""Time for them from which a grader is slow."""
GATHERED_S = 1.0
"""Grading that a process which is killed may lose."""


class GradedAgain(Body):
    """One round's answers, graded by one grader."""

    grader: str
    round: str
    """Its place in the answers' record."""
    repeat: int = 0
    uids: tuple[int, ...]
    scores: tuple[float | None, ...]
    parts: tuple[dict[str, float], ...] = ()
    reasons: tuple[str, ...] = ()
    changed: tuple[bool, ...] = ()
    """Whether a probe changed the answer; empty without a probe."""
    cost: Cost = Cost()
    """Of scoring, and of the validator's own answer where it has one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One recorded round, read again."""

    graded: GradedRound
    task: Task
    responses: tuple[Response, ...]
    uids: dict[str, int]
    """Of the miners, by name."""


@dataclass(frozen=True, slots=True)
class Work:
    """One grading of one round that is wanted."""

    grader: GraderTable
    asked: Asked
    kind: str
    place: str
    repeat: int = 0
    probe: Probe | None = None


def asked_rounds(record: RunRecord, config: GradingConfig) -> list[Asked]:
    """Read the rounds of a record of answers, in the order of their numbers, and make their tasks again."""
    validator, uids = config.build_validators()[0], miner_uids(record)
    found = []
    for graded in sorted(map(GradedRound.of, record.entries("round")), key=lambda one: one.number):
        task = validator.task(config.subnet, graded.number)
        responses = (receive(config.subnet, response_of(record, answer)) for answer in graded.answers)
        found.append(Asked(graded, task, tuple(responses), uids))
    return found


def miner_uids(record: RunRecord) -> dict[str, int]:
    """Return the uid of each miner of a run, by name, in the order of uids."""
    entry = record.find("start", "run")
    assert entry is not None  # a record that was opened has one
    return {neuron.name: neuron.uid for neuron in Start.of(entry).neurons if neuron.role == "miner"}


def works(config: GradingConfig, rounds: Sequence[Asked]) -> Iterator[Work]:
    """Yield all gradings of these rounds, a grader at a time, so that its model is loaded once."""
    for grader in config.graders:
        own = rounds[: grader.tasks]
        for repeat in range(grader.repeats):
            for asked in own:
                place = f"{grader.name}/{asked.graded.place}/{repeat}"
                yield Work(grader, asked, "grades", place, repeat)
        for probe in PROBES:
            for asked in own[: config.probed_tasks(grader)]:
                yield Work(grader, asked, "probes", f"{grader.name}/{probe.name}/{asked.graded.place}", probe=probe)


def grade(config: GradingConfig, work: Work) -> GradedAgain:
    """Grade one round once."""
    asked = work.asked
    own = None if work.grader.reference is None else asked.uids[work.grader.reference]
    responses, changed = list(asked.responses), [False] * len(asked.responses)
    if work.probe is not None:
        responses, changed = work.probe.change(asked.task, responses, asked.graded.number)
    with Meter() as meter:
        task = asked.task
        if own is not None:
            task = with_own_answer(task, asked.responses, own)
        if task.reference is None:
            scores = [Score(None, reason="the validator's own answer can't be compared with")] * len(responses)
        else:
            scores = score(work.grader.scorer or config.subnet.scorer(), task, responses)
    if work.probe is not None:
        scores, changed = work.probe.restore(scores, changed)
    answering = [answer.cost for answer in asked.graded.answers if answer.uid == own]
    return GradedAgain(
        grader=work.grader.name,
        round=asked.graded.place,
        repeat=work.repeat,
        uids=tuple(response.uid for response in asked.responses),
        scores=tuple(found.value for found in scores),
        parts=tuple(dict(found.parts) for found in scores),
        reasons=tuple(found.reason for found in scores),
        changed=tuple(changed) if work.probe is not None else (),
        cost=meter.cost + sum(answering, start=Cost()),
    )


def with_own_answer(task: Task, responses: Sequence[Response], uid: int) -> Task:
    """Put what the miner `uid` answered in place of the truth; no reference at all where that can't be one."""
    answer = next((response.answer for response in responses if response.uid == uid), None)
    if isinstance(answer, OCRAnswer) and isinstance(task.reference, Page):
        lines = tuple(
            Line(part.text, ((x1, y1), (x2, y1), (x2, y2), (x1, y2)), part.font or Font(family="", size=y2 - y1))
            for part in answer.sections
            for x1, y1, x2, y2 in (part.box,)
        )
        page = replace(task.reference, lines=lines) if lines else None
        return replace(task, reference=page)
    return replace(task, reference=Written(answer.text) if answer is not None and answer.text.strip() else None)


def regrade(config: GradingConfig, study: Study, arm: Arm, watch: Watch) -> None:
    """Do all gradings that are not in the study's record yet.

    Raises:
        RecordError: the record can't be used.
        BudgetError: the study's budget is used up; what is graded is kept.
    """
    with study.record(arm) as answers, grades_record(config, study, answers) as record:
        done = recorded(record)
        wanted = list(works(config, asked_rounds(answers, config)))
        left = [work for work in wanted if (work.kind, work.place) not in done]
        if not left:
            return
        started, warmed = time.perf_counter(), set[str]()
        with _gathered(record) as append:
            for number, work in enumerate(left):
                study.check_budget()
                watch(f"grading, {work.grader.name}", len(wanted) - len(left) + number, len(wanted))
                if work.grader.name not in warmed:
                    _warm(config, work)
                    warmed.add(work.grader.name)
                append(grade(config, work).draft(work.kind, work.place))
        study.note_time("grading", time.perf_counter() - started)


@contextmanager
def _gathered(record: RunRecord) -> Iterator[Callable[[Draft], None]]:
    """Append entries a second's worth at a time: a commit can take longer than a cheap grade."""
    drafts: list[Draft] = []
    since = time.perf_counter()

    def append(draft: Draft) -> None:
        nonlocal since
        drafts.append(draft)
        if time.perf_counter() - since > GATHERED_S:
            record.append(drafts)
            drafts.clear()
            since = time.perf_counter()

    try:
        yield append
    finally:
        if drafts:
            record.append(drafts)


def foresee(config: GradingConfig, study: Study, probe: RunRecord, tasks: int) -> dict[str, float]:
    """Return the wall seconds that the gradings still wanted will take, by those of a probe's answers."""
    done: set[tuple[str, str]] = set()
    if study.mode == "resume" and (study.folder / "record.sqlite").is_file():
        with RunRecord.open(study.folder) as record:
            done = recorded(record)
    rounds = asked_rounds(probe, config)
    total = 0.0
    for grader in config.graders:
        own = min(tasks, grader.tasks or tasks)
        count = own * grader.repeats + len(PROBES) * min(own, config.probed_tasks(grader))
        count -= sum(place.startswith(f"{grader.name}/") for _, place in done)
        if count <= 0:
            continue
        total += count * _seconds(config, grader, rounds)
    return {"grading": total} if total else {}


def grades_record(config: GradingConfig, study: Study, answers: RunRecord) -> RunRecord:
    """Open the study's own record, or begin one: it holds for one record of answers and one set of versions.

    Raises:
        RecordError: it was begun with other versions of what grades.
    """
    end = answers.find("end", "run")
    assert end is not None  # its arm was played
    if study.mode == "resume" and (study.folder / "record.sqlite").is_file():
        record = RunRecord.open(study.folder)
        source, entry = record.find("source", "answers"), record.find("start", "run")
        if source is not None and entry is not None and source.body["head"] == end.hash:
            if changed := changed_versions(Start.of(entry)):
                raise RecordError(f"{study.folder} was begun with other versions: {changed}; --clean starts it over")
            return record
        record.close()
    record = RunRecord.create(study.folder, replace=(study.folder / "record.sqlite").is_file())
    begun = Start(format=FORMAT, config=config.model_dump(mode="json"), machine=machine(config), neurons=())
    record.append(
        [Draft("start", "run", begun.model_dump(mode="json")), Draft("source", "answers", {"head": end.hash})]
    )
    return record


def recorded(record: RunRecord) -> set[tuple[str, str]]:
    """Return kind and place of all gradings that are in a record."""
    return {(entry.kind, entry.place) for kind in ("grades", "probes") for entry in record.entries(kind)}


def _seconds(config: GradingConfig, grader: GraderTable, rounds: Sequence[Asked]) -> float:
    """Wall seconds that grading one round takes; of a slow grader, by a few answers of one."""
    first = Work(grader, rounds[0], "grades", "")
    _warm(config, first)  # loads what it needs
    one, few = (_timed(config, first, answers) for answers in (1, FEW))
    if few > SLOW_S:  # a part that is the same for any number of answers, and one that grows with them
        return few + max(0.0, few - one) / (FEW - 1) * (len(first.asked.responses) - FEW)
    started = time.perf_counter()
    for asked in rounds:
        grade(config, replace(first, asked=asked))
    return (time.perf_counter() - started) / len(rounds)


def _timed(config: GradingConfig, work: Work, answers: int) -> float:
    started = time.perf_counter()
    few = replace(work.asked, responses=work.asked.responses[:answers])
    grade(config, replace(work, asked=few))
    return time.perf_counter() - started


def _warm(config: GradingConfig, work: Work) -> None:
    few = replace(work.asked, responses=work.asked.responses[:WARMING])
    grade(config, replace(work, asked=few, probe=None))
