"""Tables of a run: tidy, with documented columns and units, as far as its last complete epoch.

    with open_run(Path("runs/ocr")) as record:
        tables = tables_of(record)
    tables["answers"].pandas().groupby("miner")["cpu_s"].sum()

A text that a miner sent is in `bodies` alone, as it arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, fields

from lab.config.prices import PriceTable, price
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedAnswer, GradedRound
from lab.record.record import RunRecord
from subnets import Cost

from .bill import Bill
from .data_table import DataColumn, DataTable, Value, columns

U16 = "u16, where 65,535 is all"
COST_MEANINGS = {
    "cpu_s": "CPU seconds, user and system, children included",
    "wall_s": "seconds that passed while it worked",
    "gpu_s": "seconds of one whole GPU; a shared one is split by tokens",
    "energy_j": "joules by the GPU's own counter; 0 if it has none",
    "input_tokens": "tokens read, by the model's own tokenizer",
    "output_tokens": "tokens written, by the model's own tokenizer",
    "sent_bytes": "bytes sent to an API, or to the miner where the table is the bill",
    "received_bytes": "bytes received from an API, or from the miner where the table is the bill",
    "paid_usd": "dollars paid to an API",
    "first_token_s": "seconds to a completion's first token, summed over completions",
}
COST = tuple(
    DataColumn(field.name, "integer" if field.type == "int" else "number", COST_MEANINGS[field.name])
    for field in fields(Cost)
)
USD = columns("usd number: all of it in dollars, at the prices of the run's config")
ROUND = columns(
    "validator integer: uid of the validator that asked",
    "round integer: number of the validator's round, from 0",
)
MINER = columns("uid integer: uid of the miner", "miner text: name of the miner")


def tables_of(record: RunRecord) -> dict[str, DataTable]:
    """Read every table of a run, by key."""
    run = CompletedRun.of(record)
    tables = (
        _neurons(run),
        _tasks(run),
        _answers(run),
        _scores(run),
        _score_parts(run),
        _bodies(run, record),
        _weights(run),
        _epochs(run),
        _pay(run),
        _bill(run),
    )
    return {table.key: table for table in tables}


def _neurons(run: CompletedRun) -> DataTable:
    return DataTable(
        "neurons",
        "One row for each uid.",
        columns(
            "uid integer: place on the subnet",
            "name text: name in the config",
            "role text: validator or miner",
            "kind text: kind of its plug-in",
            "honest flag: false for a strategy that is meant to game the subnet",
            "hotkey text: SS58 address",
            "coldkey text: name of its owner in the config",
            "stake number: tokens at the start of the run",
        ),
        tuple(
            (each.uid, each.name, each.role, each.kind, each.honest, each.hotkey, each.coldkey, each.stake)
            for each in run.start.neurons
        ),
    )


def _tasks(run: CompletedRun) -> DataTable:
    per_epoch = run.config.chain.rounds_per_epoch
    baseline = {key: cost.cpu_s for epoch in run.epochs for key, cost in epoch.baseline.items()}
    return DataTable(
        "tasks",
        "One row for each round of a validator: its task, and what asking cost the validator.",
        (
            *ROUND,
            *columns(
                "epoch integer: number of the epoch, from 0",
                "task_id text: id of the task, which its queries carry",
                "task_seed integer: seed from which the subnet makes the task",
                "kind text: sort of task within its subnet; empty if it has none",
                "difficulty number: in [0, 1]; missing if the subnet sets none",
                "query_bytes integer: size of the query",
                "asked integer: miners that were asked",
                "task_cpu_s number: CPU seconds to make the task",
                "grading_cpu_s number: CPU seconds to read and score the answers",
                "measuring_cpu_s number: CPU seconds to measure true qualities, which no validator does",
                "once_cpu_s number: CPU seconds to do the task once, with no subnet; missing if that was not measured",
            ),
        ),
        tuple(
            (
                *(each.validator, each.number, each.number // per_epoch, each.task_id, each.task_seed, each.kind),
                *(each.difficulty, each.query_bytes, len(each.answers), each.task_cost.cpu_s),
                *(each.grading_cost.cpu_s, each.measuring_cost.cpu_s, baseline.get(each.key)),
            )
            for each in run.rounds
        ),
    )


def _answers(run: CompletedRun) -> DataTable:
    names, prices = run.names("miner"), run.config.prices
    return DataTable(
        "answers",
        "One row for each query to a miner: what came back, and what it cost the miner.",
        (
            *ROUND,
            *MINER,
            *columns(
                "body text: hash of the answer, as in the table bodies; missing if nothing arrived or it was too long",
                "size_bytes integer: bytes that arrived",
                "fault text: refused, timeout, error, malformed or lost; missing if the answer was read",
                "reason text: the fault in words",
                "latency_s number: seconds from handing the miner the query to its answer, by the host's clock",
                "waited_s number: seconds before that, in which the query waited for a free slot",
            ),
            *COST,
            *USD,
        ),
        tuple(
            (
                *(each.validator, each.number, answer.uid, names[answer.uid], answer.blob, answer.size),
                *(None if answer.fault is None else str(answer.fault), answer.reason or None),
                *(answer.latency_s, answer.waited_s, *_cost(answer.cost, prices)),
            )
            for each, answer in _graded(run)
        ),
    )


def _scores(run: CompletedRun) -> DataTable:
    names = run.names("miner")
    return DataTable(
        "scores",
        "One row for each answer: its grade, and how good it truly was.",
        (
            *ROUND,
            *MINER,
            *columns(
                "score number: in [0, 1]; missing if it could not be graded, which is not zero",
                "reason text: why the score is missing, or 0 without grading",
                "quality number: true quality in [0, 1], which no validator knows; missing if the truth is unknown",
            ),
        ),
        tuple(
            (
                *(each.validator, each.number, answer.uid, names[answer.uid]),
                *(answer.score, answer.score_reason or None, answer.quality),
            )
            for each, answer in _graded(run)
        ),
    )


def _score_parts(run: CompletedRun) -> DataTable:
    names = run.names("miner")
    return DataTable(
        "score_parts",
        "One row for each figure that a score was computed from.",
        (
            *ROUND,
            *MINER,
            *columns("part text: name that the scorer gives it", "value number: its value, in the scorer's unit"),
        ),
        tuple(
            (each.validator, each.number, answer.uid, names[answer.uid], part, value)
            for each, answer in _graded(run)
            for part, value in answer.parts.items()
        ),
    )


def _bodies(run: CompletedRun, record: RunRecord) -> DataTable:
    hashes = sorted({answer.blob for _, answer in _graded(run) if answer.blob is not None})
    return DataTable(
        "bodies",
        "One row for each different answer, as it arrived.",
        columns("body text: SHA-256 of its bytes", "text text: the bytes as UTF-8; others are replaced by U+FFFD"),
        tuple((key, body.decode(errors="replace")) for key, body in record.blobs(hashes).items()),
    )


def _weights(run: CompletedRun) -> DataTable:
    names = run.names("miner") | run.names("validator")
    return DataTable(
        "weights",
        "One row for each weight that a validator submitted.",
        columns(
            "epoch integer: number of the epoch, from 0",
            "validator integer: uid of the validator",
            "uid integer: uid of the neuron that it weighs",
            "miner text: name of that neuron",
            "weight number: the weight as submitted",
        ),
        tuple(
            (epoch.number, validator, uid, names[uid], weight)
            for epoch in run.epochs
            for validator, row in epoch.weights.items()
            for uid, weight in row.items()
        ),
    )


def _epochs(run: CompletedRun) -> DataTable:
    roles = sorted({role for epoch in run.epochs for role in epoch.use.cpu_s})
    return DataTable(
        "epochs",
        "One row for each epoch: the chain, and the machine's use since the epoch before.",
        columns(
            "epoch integer: number of the epoch, from 0",
            "block integer: block of the payout",
            "owner_cut_rao integer: rao paid to the subnet's owner",
            "recycled_rao integer: rao that nobody earned, or left over by rounding",
            "session integer: number of the process that worked on the run, from 0",
            "wall_s number: seconds that the epoch took",
            "cores integer: cores of the machines",
            "setup_cpu_s number: CPU seconds before the first query of a session",
            "consensus_cpu_s number: CPU seconds of the local chain",
            "record_cpu_s number: CPU seconds of keeping the record",
            *(f"{role}_cpu_s number: CPU seconds of all processes with the role {role}" for role in roles),
        ),
        tuple(
            (
                *(epoch.number, epoch.pay.block, epoch.pay.owner_cut, epoch.pay.recycled, epoch.use.session),
                *(epoch.use.wall_s, epoch.use.cores, epoch.use.setup_cpu_s, epoch.use.consensus.cpu_s),
                *(epoch.use.bookkeeping.cpu_s, *(epoch.use.cpu_s.get(role, 0.0) for role in roles)),
            )
            for epoch in run.epochs
        ),
    )


def _pay(run: CompletedRun) -> DataTable:
    return DataTable(
        "pay",
        "One row for each neuron and epoch: what consensus gave it.",
        columns(
            "epoch integer: number of the epoch, from 0",
            "uid integer: uid of the neuron",
            "name text: its name",
            "role text: validator or miner",
            "stake number: tokens",
            f"consensus integer: {U16}",
            f"incentive integer: {U16}",
            f"dividends integer: {U16}",
            f"trust integer: {U16}",
            f"validator_trust integer: {U16}",
            "paid_rao integer: rao; to a validator together with its delegators",
            "validator_permit flag: whether it may set weights",
            "refused text: why the chain refused its weights; missing if it did not",
        ),
        tuple(
            (
                *(epoch.number, each.uid, each.name, each.role, pay.stake[each.uid], pay.consensus[each.uid]),
                *(pay.incentive[each.uid], pay.dividends[each.uid], pay.trust[each.uid]),
                *(pay.validator_trust[each.uid], pay.paid[each.uid], pay.validator_permit[each.uid]),
                pay.refused.get(each.uid),
            )
            for epoch in run.epochs
            for pay in (epoch.pay,)
            for each in run.start.neurons
        ),
    )


def _bill(run: CompletedRun) -> DataTable:
    bill = Bill.of_run(run)
    parts = [(part, True) for part in bill.subnet_parts] + [(part, False) for part in bill.own_parts]
    return DataTable(
        "bill",
        "One row for each part of what the run used.",
        (
            *columns(
                "part text: name of a miner, or of what was done",
                "group text: miners for each miner's row, else the part",
                "subnet flag: false for the laboratory's own work, which no subnet would do",
            ),
            *COST,
            *USD,
        ),
        tuple((part.name, part.group, own, *astuple(part.cost), part.usd) for part, own in parts),
    )


def _graded(run: CompletedRun) -> Iterator[tuple[GradedRound, GradedAnswer]]:
    return ((each, answer) for each in run.rounds for answer in each.answers)


def _cost(cost: Cost, prices: PriceTable) -> tuple[Value, ...]:
    return (*astuple(cost), price(cost, prices))
