"""Regrading: recorded answers graded by every grader, in the study's own hash-linked record.

Entries of kind "grades" have the key GRADER/VALIDATOR/NUMBER/REPEAT. Entries of kind "probes", in which some answers
were changed to see the effect on their scores, have the key GRADER/PROBE/VALIDATOR/NUMBER. Recorded entries are not
graded again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lab.errors import RecordError
from lab.record.entries import Body, GradedRound, Start
from lab.record.record import FORMAT, Draft, RunRecord
from lab.record.versions import changed_versions, machine
from lab.run.rounds import responses_of
from lab.studies.arm import Arm
from lab.studies.study_folder import StudyFolder, Watch
from subnets import Cost, Meter, Response, Score, Subnet, Task
from validators import open_scorer, receive_all, score

from .config import ANSWERS, GraderTable, GradingConfig
from .probes import PROBES, Probe

WARMUP = 2
"""Answers that each grader grades untimed first, so that loading a model is not part of a grade."""
FEW = 3
"""Answers with which a slow grader is timed."""
SLOW_S = 1.0
"""Time for these answers above which a grader is slow."""
COMMIT_EVERY_S = 1.0
"""Seconds of grading that a killed process may lose."""


class GradedAgain(Body):
    """One round's answers, graded by one grader."""

    grader: str
    round: str
    """Key of the round in the answers' record."""
    repeat: int = 0
    uids: tuple[int, ...]
    scores: tuple[float | None, ...]
    parts: tuple[dict[str, float], ...] = ()
    reasons: tuple[str, ...] = ()
    changed: tuple[bool, ...] = ()
    """True where a probe changed the answer; empty without a probe."""
    cost: Cost = Cost()
    """Cost of scoring, and of the validator's own answer if it has one."""


@dataclass(frozen=True, slots=True)
class RecordedRound:
    """One round of the answers' record."""

    graded: GradedRound
    task: Task
    responses: tuple[Response, ...]
    uids: dict[str, int]
    """Uids of the miners, by name."""


@dataclass(frozen=True, slots=True)
class Grading:
    """One round to be graded by one grader, once."""

    grader: GraderTable
    recorded: RecordedRound
    kind: str
    place: str
    repeat: int = 0
    probe: Probe | None = None


def recorded_rounds(record: RunRecord, config: GradingConfig, subnet: Subnet | None = None) -> list[RecordedRound]:
    """Read the rounds of a record of answers in the order of their numbers, and make their tasks again.

    `subnet` is that of the record; None takes the study's.
    """
    validator, uids, subnet = config.build_validators()[0], miner_uids(record), subnet or config.subnet
    rounds = []
    for graded in sorted(map(GradedRound.of, record.entries("round")), key=lambda each: each.number):
        task = validator.task(subnet, graded.number)
        responses = receive_all(subnet, responses_of(record, graded))
        rounds.append(RecordedRound(graded, task, tuple(responses), uids))
    return rounds


def miner_uids(record: RunRecord) -> dict[str, int]:
    """Return the uid of each miner of a run by name, in the order of uids."""
    entry = record.find("start", "run")
    assert entry is not None  # every opened record has a start
    return {neuron.name: neuron.uid for neuron in Start.of(entry).neurons if neuron.role == "miner"}


def gradings(config: GradingConfig, rounds: Sequence[RecordedRound]) -> Iterator[Grading]:
    """Yield all gradings of these rounds, one grader after another, so that each model is loaded once."""
    for grader in config.graders:
        own = rounds[: grader.tasks]
        for repeat in range(grader.repeats):
            for recorded in own:
                place = f"{grader.name}/{recorded.graded.key}/{repeat}"
                yield Grading(grader, recorded, "grades", place, repeat)
        for probe in PROBES:
            for recorded in own[: config.probed_tasks(grader)]:
                place = f"{grader.name}/{probe.name}/{recorded.graded.key}"
                yield Grading(grader, recorded, "probes", place, probe=probe)


def grade(config: GradingConfig, grading: Grading) -> GradedAgain:
    """Grade one round once."""
    grader, recorded = grading.grader, grading.recorded
    own = None if grader.reference is None else recorded.uids[grader.reference]
    responses, changed = list(recorded.responses), [False] * len(recorded.responses)
    if grading.probe is not None:
        responses, changed = grading.probe.change(config.subnet, recorded.task, responses, recorded.graded.number)
    with Meter() as meter:
        task = recorded.task
        if own is not None:
            task = with_own_answer(config.subnet, task, recorded.responses, own)
        if task.reference is None:
            scores = [Score(None, reason="the validator's own answer can't serve as a reference")] * len(responses)
        else:
            scores = score(grader.scorer or config.subnet.scorer(), task, responses)
    if grading.probe is not None:
        scores, changed = grading.probe.restore(scores, changed)
    answering = [answer.cost for answer in recorded.graded.answers if answer.uid == own]
    return GradedAgain(
        grader=grader.name,
        round=recorded.graded.key,
        repeat=grading.repeat,
        uids=tuple(response.uid for response in recorded.responses),
        scores=tuple(each.value for each in scores),
        parts=tuple(dict(each.parts) for each in scores),
        reasons=tuple(each.reason for each in scores),
        changed=tuple(changed) if grading.probe is not None else (),
        cost=meter.cost + sum(answering, start=Cost()),
    )


def with_own_answer(subnet: Subnet, task: Task, responses: Sequence[Response], uid: int) -> Task:
    """Replace the truth by the answer of the miner `uid`; no reference at all if that answer can't be one."""
    answer = next((response.answer for response in responses if response.uid == uid), None)
    return replace(task, reference=None if answer is None else subnet.reference_from(task, answer))


def regrade(config: GradingConfig, study: StudyFolder, arms: Sequence[Arm], watch: Watch) -> None:
    """Do all gradings that the study's record does not hold yet.

    Raises:
        RecordError: the record can't be used.
        BudgetError: the study's budget is used up; finished grades are kept.
        PluginError: a grader can't be opened.
    """
    (arm,) = (arm for arm in arms if arm.name == ANSWERS)
    with study.record(arm) as answers, grades_record(config, study, answers) as record:
        finished = finished_gradings(record)
        every = list(gradings(config, recorded_rounds(answers, config)))
        left = [grading for grading in every if (grading.kind, grading.place) not in finished]
        if not left:
            return
        started, warm = time.perf_counter(), set[str]()
        with _batched(record) as append:
            for number, grading in enumerate(left):
                study.check_budget()
                watch(f"grading, {grading.grader.name}", len(every) - len(left) + number, len(every))
                if grading.grader.name not in warm:
                    _warm_up(config, grading)
                    warm.add(grading.grader.name)
                append(grade(config, grading).draft(grading.kind, grading.place))
        study.note_time("grading", time.perf_counter() - started)


@contextmanager
def _batched(record: RunRecord) -> Iterator[Callable[[Draft], None]]:
    """Commit entries about once a second, because a commit can take longer than a cheap grade."""
    drafts: list[Draft] = []
    since = time.perf_counter()

    def append(draft: Draft) -> None:
        nonlocal since
        drafts.append(draft)
        if time.perf_counter() - since > COMMIT_EVERY_S:
            record.append(drafts)
            drafts.clear()
            since = time.perf_counter()

    try:
        yield append
    finally:
        if drafts:
            record.append(drafts)


def estimate(config: GradingConfig, study: StudyFolder, arms: Sequence[Arm], probe: RunRecord) -> dict[str, float]:
    """Estimate the wall seconds of the remaining gradings by grading the probe's answers."""
    finished: set[tuple[str, str]] = set()
    if study.mode == "resume" and (study.folder / "record.sqlite").is_file():
        with RunRecord.open(study.folder) as record:
            finished = finished_gradings(record)
    rounds = recorded_rounds(probe, config)
    tasks = next(arm.rounds for arm in arms if arm.name == ANSWERS)
    total = 0.0
    for grader in config.graders:
        own = min(tasks, grader.tasks or tasks)
        count = own * grader.repeats + len(PROBES) * min(own, config.probed_tasks(grader))
        count -= sum(place.startswith(f"{grader.name}/") for _, place in finished)
        if count <= 0:
            continue
        total += count * _seconds(config, grader, rounds)
    return {"grading": total} if total else {}


def grades_record(config: GradingConfig, study: StudyFolder, answers: RunRecord) -> RunRecord:
    """Open the study's own record, or create one; it belongs to one record of answers and one set of versions.

    Raises:
        RecordError: the record was created with other versions of the packages that grade.
    """
    end = answers.find("end", "run")
    assert end is not None  # the arm has been played
    if study.mode == "resume" and (study.folder / "record.sqlite").is_file():
        record = RunRecord.open(study.folder)
        source, entry = record.find("source", "answers"), record.find("start", "run")
        if source is not None and entry is not None and source.body["head"] == end.hash:
            if changed := changed_versions(Start.of(entry)):
                raise RecordError(f"{study.folder} was started with other versions: {changed}; --clean starts it over")
            return record
        record.close()
    record = RunRecord.create(study.folder, replace=(study.folder / "record.sqlite").is_file())
    start = Start(format=FORMAT, config=config.model_dump(mode="json"), machine=machine(config), neurons=())
    record.append(
        [Draft("start", "run", start.model_dump(mode="json")), Draft("source", "answers", {"head": end.hash})]
    )
    return record


def finished_gradings(record: RunRecord) -> set[tuple[str, str]]:
    """Return the kind and key of every grading in a record."""
    return {(entry.kind, entry.key) for kind in ("grades", "probes") for entry in record.entries(kind)}


def _seconds(config: GradingConfig, grader: GraderTable, rounds: Sequence[RecordedRound]) -> float:
    """Return the wall seconds of grading one round; a slow grader is timed with a few answers of one round."""
    first = Grading(grader, rounds[0], "grades", "")
    _warm_up(config, first)
    single_s, few_s = (_timed(config, first, answers) for answers in (1, FEW))
    if few_s > SLOW_S:  # a fixed part, and a part that grows with the number of answers
        return few_s + max(0.0, few_s - single_s) / (FEW - 1) * (len(first.recorded.responses) - FEW)
    started = time.perf_counter()
    for recorded in rounds:
        grade(config, replace(first, recorded=recorded))
    return (time.perf_counter() - started) / len(rounds)


def _timed(config: GradingConfig, grading: Grading, answers: int) -> float:
    started = time.perf_counter()
    few = replace(grading.recorded, responses=grading.recorded.responses[:answers])
    grade(config, replace(grading, recorded=few))
    return time.perf_counter() - started


def _warm_up(config: GradingConfig, grading: Grading) -> None:
    """Have the grader load its model; raises PluginError if it can't."""
    if grading.grader.scorer is not None:
        open_scorer(grading.grader.scorer)
    few = replace(grading.recorded, responses=grading.recorded.responses[:WARMUP])
    grade(config, replace(grading, recorded=few, probe=None))
