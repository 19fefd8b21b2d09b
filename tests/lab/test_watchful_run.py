"""Runs that ask with a ledger's chances and share answers: recorded, resumed, audited and billed like any other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.config.run_config import RunConfig
from lab.errors import AuditError
from lab.record.entries import Epoch, GradedRound
from lab.record.record import RunRecord
from lab.results.bill import Bill
from lab.results.neurons import NeuronResults
from lab.run.audit import audit
from lab.run.session import run
from tests.lab.records import Bodies, copy_of, rewrite

LEDGER = {"kind": "watchful", "floor": 0.25, "known_after": 6, "cap": 60}
CASCADE = {"kind": "cascade", "cheap": "length", "judge": "known_truth", "chance": 0.5}


def config() -> RunConfig:
    miners = [{"name": f"p{p}", "kind": "oracle", "p": p / 100} for p in (95, 60)]
    return RunConfig.parse(
        {
            "seed": 7,
            "subnet": {"kind": "text_prompting", "mix": {"arithmetic": 1.0}},
            "miners": miners,
            "validators": [
                {"name": "first", "ledger": LEDGER, "sampler": "by_ledger", "share_answers": True},
                {"name": "second", "kind": "inverter", "ledger": LEDGER, "share_answers": True},
                {"name": "cheap", "scorer": CASCADE},
            ],
            "chain": {"epochs": 6, "rounds_per_epoch": 3},
            "bare": {"every": 3},
            "pool": {"kind": "local"},
        }
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return run(config(), tmp_path_factory.mktemp("watchful"))


def rounds(record: RunRecord) -> list[GradedRound]:
    return sorted(map(GradedRound.of, record.entries("round")), key=lambda graded: (graded.number, graded.validator))


def outcome(record: RunRecord) -> tuple[Any, Any]:
    scores = [
        ([(answer.uid, answer.score) for answer in graded.answers], [other.grades for other in graded.shared])
        for graded in rounds(record)
    ]
    return scores, [(epoch.weights, epoch.pay) for epoch in map(Epoch.of, record.entries("epoch"))]


def test_known_miners_are_asked_less_often_by_the_validator_that_goes_by_its_ledger(finished: RunRecord) -> None:
    asked = [len(graded.answers) for graded in rounds(finished) if graded.validator == 0]
    assert asked[:3] == [2, 2, 2] and sum(asked[6:]) < 12
    assert all(len(graded.answers) == 2 for graded in rounds(finished) if graded.validator)


def test_each_sharing_validator_grades_the_answers_of_the_other_for_itself(finished: RunRecord) -> None:
    shared = [(graded.validator, other.validator) for graded in rounds(finished) for other in graded.shared]
    assert set(shared) == {(0, 1), (1, 0)} and len(shared) == 36
    for graded in rounds(finished):
        for other in graded.shared:
            pairs = [(answer.score, grade.score) for answer, grade in zip(graded.answers, other.grades, strict=True)]
            assert all(own is not None and its == pytest.approx(1.0 - own) for own, its in pairs), "one inverts"


def test_unasked_miners_lose_neither_score_nor_pay(finished: RunRecord) -> None:
    *_, last = map(Epoch.of, finished.entries("epoch"))
    assert last.weights[0][3] > last.weights[0][4] > 0.0
    better, worse = NeuronResults.of(finished).miners
    assert better.score.value is not None and worse.score.value is not None
    assert better.quality.value == pytest.approx(0.95, abs=0.1) and worse.quality.value == pytest.approx(0.6, abs=0.2)


def test_an_audit_grades_shared_and_judged_answers_again(finished: RunRecord) -> None:
    assert audit(finished).complete


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "score": (lambda body: body["shared"][0]["grades"][0].update(score=0.1), r"by validator 1: score 0\.1 recorded"),
    "missing": (lambda body: body.pop("shared"), r"grades of validators \[\] recorded.* shared with \[1\]"),
    "shorter": (lambda body: body["shared"][0]["grades"].pop(), r"validator 1 graded 1 of 2 answers"),
    "stranger": (lambda body: body["shared"][0].update(validator=2), r"grades of validators \[2\] recorded"),
    "unasked": (lambda body: (body["answers"].pop(), body["shared"][0]["grades"].pop()), r"had to be asked"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_grades_and_samples_are_found(finished: RunRecord, tmp_path: Path, name: str) -> None:
    change, message = FORGERIES[name]
    folder = copy_of(finished, tmp_path)
    rewrite(folder, lambda entries: change(next(body for _, key, body in entries if key == "0/0")))
    with RunRecord.open(folder) as record, pytest.raises(AuditError, match=message):
        audit(record)


def test_a_run_that_stopped_in_mid_epoch_ends_as_an_undisturbed_one(finished: RunRecord, tmp_path: Path) -> None:
    folder = copy_of(finished, tmp_path)

    def cut(entries: Bodies) -> None:
        fourth = [place for place, entry in enumerate(entries) if entry[0] == "epoch"][3]
        del entries[fourth + 5 :]

    rewrite(folder, cut)
    with run(config(), folder, mode="resume") as record:
        assert outcome(record) == outcome(finished)
        assert audit(record).complete


def test_the_bill_counts_each_grading_once(finished: RunRecord) -> None:
    bill = Bill.of(finished)
    assert sum(part.cost.cpu_s for part in bill.parts) == pytest.approx(bill.total_cpu_s, rel=0.01)
    assert bill.answers == sum(len(graded.answers) for graded in rounds(finished)) < 3 * 18 * 2
