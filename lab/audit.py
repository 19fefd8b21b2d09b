"""The audit: everything that a record claims, worked out again from the record alone.

The hashes are followed; every task is made again from its seed; every recorded answer is read and graded
again; the ledgers, the weights, and every payout of the chain are computed again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from subnets import Fault, Response
from subnets.subnet import Subnet
from validators import Validator

from .config import RunConfig
from .economy import Economy
from .entries import Epoch, GradedAnswer, GradedRound, Start
from .errors import AuditError
from .record import RunRecord

TOLERANCE = 1e-9
"""Between a recorded grade and the one found again: the same arithmetic on another machine's libraries."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit went through."""

    entries: int
    rounds: int
    answers: int
    """Read and graded again."""
    epochs: int
    complete: bool
    """Whether the run had come to its end. Entries missing at the very end of a stopped run can't be seen."""
    head: str
    """Hash of the last entry: whoever noted it down earlier can tell that nothing was rewritten since."""


def audit(record: RunRecord, watch: Callable[[int, int], None] = lambda done, of: None) -> Audited:
    """Check a whole record.

    Args:
        record: of any run, finished or not.
        watch: called with the number of rounds done, and of all.

    Raises:
        AuditError: the first contradiction, named.
    """
    entries = record.verify()
    first = record.find("start", "run")
    assert first is not None  # RunRecord.open() refuses a record without one
    start = Start.of(first)
    config = RunConfig.parse(start.config, source=str(record.folder))
    economy = Economy(config)
    if economy.neurons() != start.neurons:
        raise AuditError("entry 1 (start run): these are not the hotkeys and stakes that the config makes")

    rounds: dict[str, GradedRound] = {}
    answers = 0
    of = sum(1 for _ in record.entries("round"))
    for entry in record.entries("round"):
        graded = GradedRound.of(entry)
        where = f"entry {entry.seq} (round {entry.place})"
        answers += _regrade(record, config.subnet, economy.validators[graded.validator], graded, where)
        rounds[graded.place] = graded
        watch(len(rounds), of)

    epochs = 0
    head = ""
    for entry in record.entries():
        head = entry.hash
        if entry.kind == "epoch":
            _repay(economy, config, rounds, Epoch.of(entry), f"entry {entry.seq} (epoch {entry.place})")
            epochs += 1
    complete = record.find("end", "run") is not None
    return Audited(entries, len(rounds), answers, epochs, complete, head)


def _regrade(record: RunRecord, subnet: Subnet, validator: Validator, graded: GradedRound, where: str) -> int:
    """Make the task again and grade its answers again; return how many were read."""
    task = validator.task(subnet, graded.number)
    if (task.id, task.seed) != (graded.task_id, graded.task_seed):
        raise AuditError(f"{where}: task {graded.task_id} does not come from the validator's seed; {task.id} does")
    responses = [_response(record, answer) for answer in graded.answers]
    grades = validator.grade(subnet, task, responses)
    for answer, score, response in zip(graded.answers, grades.scores, grades.responses, strict=True):
        if response.fault != answer.fault:
            raise AuditError(f"{where}: uid {answer.uid}: fault {answer.fault} recorded, {response.fault} found")
        if answer.score is None:
            continue  # a grader's or a host's failure does not come again
        if score.value is None or not math.isclose(score.value, answer.score, abs_tol=TOLERANCE):
            raise AuditError(f"{where}: uid {answer.uid}: score {answer.score} recorded, {score.value} found")
    return sum(response.answer is not None for response in grades.responses)


def _response(record: RunRecord, answer: GradedAnswer) -> Response:
    """Put a response together as it arrived: a malformed one that was kept is read again."""
    again = answer.fault is Fault.MALFORMED and answer.blob is not None
    return Response(
        uid=answer.uid,
        fault=None if again else answer.fault,
        reason=answer.reason,
        body=b"" if answer.blob is None else record.blob(answer.blob),
        latency_s=answer.latency_s,
        waited_s=answer.waited_s,
        cost=answer.cost,
    )


def _repay(economy: Economy, config: RunConfig, rounds: dict[str, GradedRound], epoch: Epoch, where: str) -> None:
    """Compute weights and payouts of an epoch again."""
    per_epoch = config.chain.rounds_per_epoch
    numbers = range(epoch.number * per_epoch, (epoch.number + 1) * per_epoch)
    asking = [uid for uid, validator in economy.validators.items() if validator.asks]
    missing = [f"{uid}/{number}" for number in numbers for uid in asking if f"{uid}/{number}" not in rounds]
    if missing:
        raise AuditError(f"{where}: round {missing[0]} is missing from the record")
    economy.observe([rounds[f"{uid}/{number}"] for number in numbers for uid in asking])
    weights = economy.weights()
    if weights.keys() != epoch.weights.keys():
        raise AuditError(f"{where}: weights of {sorted(epoch.weights)} recorded, of {sorted(weights)} found")
    for uid, row in weights.items():
        recorded = epoch.weights[uid]
        for miner in sorted(row.keys() | recorded.keys()):
            if not math.isclose(row.get(miner, 0.0), recorded.get(miner, 0.0), abs_tol=TOLERANCE):
                raise AuditError(
                    f"{where}: validator {uid} on miner {miner}: weight {recorded.get(miner, 0.0)} recorded, "
                    f"{row.get(miner, 0.0)} found"
                )
    paid = economy.pay(epoch.weights)
    for name in type(paid).model_fields:
        if getattr(paid, name) != getattr(epoch.pay, name):
            raise AuditError(f"{where}: {name} recorded as {getattr(epoch.pay, name)}, found {getattr(paid, name)}")
