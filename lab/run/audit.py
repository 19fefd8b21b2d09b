"""The audit: recompute what a record claims, from the record alone.

It follows the hashes and the order of the entries. From each seed it regenerates the task and the sample of miners. It
reads and grades every recorded answer again, and recomputes the ledgers, the weights and every payout. Costs and clocks
can't be recomputed; they are trusted as the machine wrote them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.config.run_config import RunConfig
from lab.errors import AuditError, RecordError
from lab.files import read_json
from lab.record.comparable import first_difference
from lab.record.customers import CUSTOMER_KINDS
from lab.record.entries import End, Epoch, EpochEvents, Grade, GradedAnswer, GradedRound, Start
from lab.record.graded_window import GradedWindow, with_windows
from lab.record.grammar import Grammar
from lab.record.record import Entry, RunRecord
from lab.record.versions import changed_versions
from subnets import Response, Score, Task
from subnets.subnet import Subnet
from validators import Round
from validators.window import GRADER_FAILED

from .customers.audit import CustomersAudit
from .economy import Economy
from .rounds import responses_of
from .windows import Windows

TOLERANCE = 1e-6
"""Largest difference between a recorded grade and its recomputation with another machine's libraries."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit checked."""

    entries: int
    rounds: int
    answers: int
    """Answers that were read and graded again."""
    ungraded: dict[str, int]
    """Answers by miner that the record leaves unscored because a grader failed, though they can be graded."""
    epochs: int
    receipts: dict[str, int]
    """Customers' requests whose price and choice of miners were recomputed, by how they ended; "open" counts those that
    are paid for and have no receipt."""
    complete: bool
    """True for a finished run. Entries missing at the very end of a stopped run can't be detected."""
    head: str
    """Hash of the last entry. Compare it with one noted earlier to see that nothing was rewritten since."""


def audit(record: RunRecord, watch: Callable[[int, int], None] = lambda finished, total: None) -> AuditResult:
    """Check a whole record.

    Args:
        record: the record of any run, finished or not.
        watch: called with the number of rounds checked and the number of all rounds.

    Raises:
        AuditError: the first contradiction, named.
    """
    entries = record.verify()
    try:
        return _audit(record, entries, watch)
    except AuditError as error:
        first = record.find("start", "run")
        changed = changed_versions(Start.of(first)) if first is not None else ""
        if changed:
            raise AuditError(f"{error}. The run was made with other versions: {changed}") from None
        raise


def _audit(record: RunRecord, entries: int, watch: Callable[[int, int], None]) -> AuditResult:
    first = record.find("start", "run")
    assert first is not None  # RunRecord.open() refuses a record without one
    start = Start.of(first)
    _compare_files(record, start)
    config = RunConfig.parse(start.config, source=str(record.folder))
    economy = Economy(config, record_format=start.format)
    if economy.neurons() != start.neurons:
        raise AuditError("entry 1 (start run): these are not the hotkeys and stakes that the config makes")

    total_rounds = sum(1 for _ in record.entries("round"))
    grammar = Grammar(
        economy.asking,
        config.chain.rounds_per_epoch,
        config.chain.epochs,
        _windowed(economy),
        serves_customers=config.gateway is not None,
        has_events=bool(config.events),
    )
    customers = CustomersAudit(config, economy.miners)
    names = {neuron.uid: neuron.name for neuron in start.neurons}
    rounds: dict[str, GradedRound] = {}  # of the current epoch: a whole run may not fit in memory
    windows = Windows[Round](economy.validators, config.chain.rounds_per_epoch)
    graded_windows: list[GradedWindow] = []
    checked = answers = epochs = 0
    ungraded: Counter[str] = Counter()
    head = ""
    for entry in record.entries():
        if entry.seq > entries:
            continue  # added since by a run under way; breaking off would leave a server's cursor open
        where = f"entry {entry.seq} ({entry.kind} {entry.key})"
        if entry.kind in ("events", "round", "window", "epoch") and epochs < config.chain.epochs:
            _compare_events(economy.begin(), entry, where)
            grammar.ask(economy.asking, _windowed(economy))
        grammar.accept(entry)
        head = entry.hash
        if entry.kind == "round":
            graded = GradedRound.of(entry)
            if entry.key != graded.key:
                raise AuditError(f"{where}: its body is that of round {graded.key}")
            regraded = _regrade(record, config.subnet, economy, graded, windows, where)
            answers += regraded.answers
            ungraded.update(names[uid] for uid in regraded.ungraded)
            rounds[graded.key] = graded
            checked += 1
            watch(checked, total_rounds)
        elif entry.kind == "window":
            window = GradedWindow.of(entry)
            if entry.key != window.key:
                raise AuditError(f"{where}: its body is that of window {window.key}")
            first_round = epochs * config.chain.rounds_per_epoch
            played = windows.at(window.validator, epochs)
            unscored = _regrade_window(config.subnet, economy, window, played, first_round, where)
            ungraded.update(names[uid] for uid in unscored)
            graded_windows.append(window)
        elif entry.kind == "epoch":
            epoch = Epoch.of(entry)
            if entry.key != epoch.key:
                raise AuditError(f"{where}: its body is that of epoch {epoch.key}")
            in_order = with_windows(rounds.values(), graded_windows)
            _repay(economy, in_order, epoch, where)
            customers.close_epoch(epoch, in_order)
            rounds.clear()
            graded_windows.clear()
            epochs += 1
        elif entry.kind in CUSTOMER_KINDS:
            customers.check(entry, where)
        elif entry.kind == "end" and End.of(entry).rounds != checked:
            raise AuditError(f"{where}: {End.of(entry).rounds} rounds recorded, {checked} found")
    receipts = dict(sorted(customers.receipts.items())) | ({"open": customers.open} if customers.open else {})
    return AuditResult(entries, checked, answers, dict(ungraded), epochs, receipts, grammar.ended, head)


def _windowed(economy: Economy) -> list[int]:
    return [uid for uid in economy.asking if economy.validators[uid].window]


def _compare_events(expected: EpochEvents | None, entry: Entry, where: str) -> None:
    """Compare the events before an epoch, if it has just begun, with the first entry of the epoch."""
    if expected is None:
        return
    if entry.kind != "events":
        raise AuditError(f"{where}: events {expected.key} is missing from the record: {expected.events[0].text}")
    recorded = EpochEvents.of(entry)
    if recorded != expected:
        differing = first_difference(recorded.model_dump(mode="json"), expected.model_dump(mode="json"))
        raise AuditError(f"{where}: other events than the config makes: {differing}")


def _compare_files(record: RunRecord, start: Start) -> None:
    """Compare config.json and run.json of the folder with the first entry."""
    for name, recorded in (("config.json", start.config), ("run.json", start.machine)):
        try:
            written = read_json(record.folder / name)
        except (OSError, RecordError) as error:
            raise AuditError(f"{name} can't be read: {error}") from None
        differing = first_difference(recorded, written)
        if differing:
            raise AuditError(f"{name} was changed: {differing}")


@dataclass(frozen=True, slots=True)
class _Regraded:
    """The result of grading one round again."""

    answers: int
    """How many could be read."""
    ungraded: list[int]
    """Uids whose answers the record leaves unscored because a grader failed, though they can be graded."""


def _regrade(
    record: RunRecord, subnet: Subnet, economy: Economy, graded: GradedRound, windows: Windows[Round], where: str
) -> _Regraded:
    """Generate the task again and grade its answers again."""
    validator = economy.validators[graded.validator]
    task = validator.task(subnet, graded.number)
    if (task.id, task.seed) != (graded.task_id, graded.task_seed):
        raise AuditError(f"{where}: task {graded.task_id} does not come from the validator's seed; {task.id} does")
    for name in ("kind", "difficulty"):
        if getattr(task, name) != getattr(graded, name):
            raise AuditError(f"{where}: {name} {getattr(graded, name)} recorded, {getattr(task, name)} found")
    asked = tuple(answer.uid for answer in graded.answers)
    sampled = validator.sample(graded.number, economy.candidates(graded.validator, graded.number))
    if asked != sampled:
        raise AuditError(f"{where}: answers of uids {list(asked)} recorded, but uids {list(sampled)} had to be asked")
    responses = responses_of(record, graded)
    windows.add(graded.validator, graded.number, Round(graded.number, task.without_image(), tuple(responses)))
    grades = validator.grade(subnet, task, responses)
    ungraded = []
    for answer, score, quality, response in zip(
        graded.answers, grades.scores, grades.qualities, grades.responses, strict=True
    ):
        who = f"{where}: uid {answer.uid}"
        if response.fault != answer.fault:
            raise AuditError(f"{who}: fault {answer.fault} recorded, {response.fault} found")
        ungraded += [answer.uid] if _lacks(who, answer, response, score) else []
        _compare(who, "quality", answer.quality, quality)
    ungraded += _regrade_for_others(subnet, economy, graded, task, responses, where)
    return _Regraded(sum(response.answer is not None for response in grades.responses), ungraded)


def _regrade_for_others(
    subnet: Subnet, economy: Economy, graded: GradedRound, task: Task, responses: Sequence[Response], where: str
) -> list[int]:
    """Grade a round again for each validator that its answers were shared with; return uids as `_Regraded` does."""
    expected, recorded = economy.sharers(graded.validator), [each.validator for each in graded.shared]
    if recorded != expected:
        raise AuditError(
            f"{where}: grades of validators {recorded} recorded, but its answers are shared with {expected}"
        )
    ungraded = []
    for other in graded.shared:
        if len(other.grades) != len(responses):
            raise AuditError(
                f"{where}: validator {other.validator} graded {len(other.grades)} of {len(responses)} answers"
            )
        grades = economy.validators[other.validator].grade(subnet, task.without_image(), responses)
        for grade, response, score in zip(other.grades, grades.responses, grades.scores, strict=True):
            who = f"{where}: uid {response.uid} by validator {other.validator}"
            ungraded += [response.uid] if _lacks(who, grade, response, score) else []
    return ungraded


def _lacks(who: str, recorded: Grade | GradedAnswer, response: Response, score: Score) -> bool:
    """Compare a grade with the recorded one; return whether that is missing though the answer can be graded.

    A grader that failed then may work now; nothing else may change whether there is a grade.
    """
    failed = recorded.score is None and recorded.score_reason.startswith(GRADER_FAILED)
    lacking = failed and response.answer is not None and score.value is not None
    _compare_score(who, recorded.score, recorded.parts, Score(None) if lacking else score)
    return lacking


def _regrade_window(
    subnet: Subnet, economy: Economy, window: GradedWindow, rounds: Sequence[Round], first: int, where: str
) -> list[int]:
    """Grade a window again, given its rounds, numbered from `first`, and those before them.

    Return the uids of answers that the record leaves unscored because the grader failed, though they can be graded.
    """
    own = [each for each in rounds if each.number >= first]
    answers = [(each.number, len(each.responses)) for each in own]
    if [(each.number, len(each.grades)) for each in window.rounds] != answers:
        raise AuditError(f"{where}: its rounds and answers are not those of the validator's epoch")
    scores = economy.validators[window.validator].grade_window(subnet, rounds, len(own)).scores
    ungraded = []
    for recorded, each, recomputed in zip(window.rounds, own, scores, strict=True):
        for grade, response, score in zip(recorded.grades, each.responses, recomputed, strict=True):
            if grade.score is None and grade.score_reason.startswith(GRADER_FAILED):
                ungraded += [response.uid] if score.value is not None else []
                continue
            _compare_score(f"{where}: round {each.number}: uid {response.uid}", grade.score, grade.parts, score)
    return ungraded


def _compare_score(who: str, value: float | None, parts: Mapping[str, float], score: Score) -> None:
    _compare(who, "score", value, score.value)
    for name in sorted(parts.keys() | score.parts.keys()):
        _compare(who, f"part {name}", parts.get(name), score.parts.get(name))


def _compare(who: str, name: str, recorded: float | None, computed: float | None) -> None:
    if not _same(recorded, computed):
        raise AuditError(f"{who}: {name} {recorded} recorded, {computed} found")


def _same(recorded: float | None, computed: float | None) -> bool:
    if recorded is None or computed is None:
        return recorded is computed
    return math.isclose(recorded, computed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _repay(economy: Economy, rounds: Sequence[GradedRound], epoch: Epoch, where: str) -> None:
    """Recompute an epoch's weights and payouts from all of its rounds, in order."""
    economy.observe(rounds)
    weights = economy.weights()
    if weights.keys() != epoch.weights.keys():
        raise AuditError(f"{where}: weights of {sorted(epoch.weights)} recorded, of {sorted(weights)} found")
    for uid, row in weights.items():
        recorded = epoch.weights[uid]
        for miner in sorted(row.keys() | recorded.keys()):
            if not _same(row.get(miner, 0.0), recorded.get(miner, 0.0)):
                raise AuditError(
                    f"{where}: validator {uid} on miner {miner}: weight {recorded.get(miner, 0.0)} recorded, "
                    f"{row.get(miner, 0.0)} found"
                )
    paid = economy.pay(epoch.weights)
    for name in type(paid).model_fields:
        if getattr(paid, name) != getattr(epoch.pay, name):
            raise AuditError(f"{where}: {name} recorded as {getattr(epoch.pay, name)}, found {getattr(paid, name)}")
