"""Runs whose validators grade windows: recorded, resumed, audited and billed like any other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.config.run_config import RunConfig
from lab.errors import AuditError
from lab.record.completed_run import CompletedRun
from lab.record.entries import Epoch, GradedRound
from lab.record.graded_window import GradedWindow
from lab.record.record import RunRecord
from lab.results.bill import Bill
from lab.run.audit import audit
from lab.run.session import run
from tests.lab.records import Bodies, copy_of, rewrite


def config(**jury: Any) -> RunConfig:
    miners = [{"name": f"p{p}", "kind": "oracle", "p": p / 100} for p in (90, 70, 50)]
    return RunConfig.parse(
        {
            "seed": 7,
            "subnet": {"kind": "text_prompting", "mix": {"arithmetic": 1.0}},
            "miners": [*miners, {"name": "broken", "kind": "malformed"}],
            "validators": [
                {"name": "jury", "scorer": {"kind": "jury", "gold": 0.3, "window": 8} | jury},
                {"name": "plain"},
            ],
            "chain": {"epochs": 2, "rounds_per_epoch": 5},
            "pool": {"kind": "local"},
        }
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return run(config(), tmp_path_factory.mktemp("windows"))


def outcome(record: RunRecord) -> tuple[Any, Any]:
    rounds = [[(a.uid, a.score) for a in graded.answers] for graded in CompletedRun.of(record).rounds]
    return rounds, [(epoch.weights, epoch.pay) for epoch in map(Epoch.of, record.entries("epoch"))]


def test_rounds_are_recorded_unscored_and_one_window_an_epoch_scores_them(finished: RunRecord) -> None:
    raw = [GradedRound.of(entry) for entry in finished.entries("round")]
    assert {answer.score for graded in raw if graded.validator == 0 for answer in graded.answers} == {None}
    windows = [GradedWindow.of(entry) for entry in finished.entries("window")]
    assert [(window.key, [each.number for each in window.rounds]) for window in windows] == [
        (f"0/{epoch}", list(range(5 * epoch, 5 * epoch + 5))) for epoch in range(2)
    ]
    assert [entry.kind for entry in finished.entries()][-3:] == ["window", "epoch", "end"]
    scores = [[a.score for a in graded.answers] for graded in CompletedRun.of(finished).rounds if not graded.validator]
    assert len(scores) == 10 and all(score is not None for row in scores for score in row)
    assert all(row[3] == 0.0 for row in scores), "a malformed answer"


def test_the_window_pays_the_better_miner_more(finished: RunRecord) -> None:
    *_, last = map(Epoch.of, finished.entries("epoch"))
    assert last.weights[0][2] > last.weights[0][4] and 5 not in last.weights[0]


def test_an_audit_grades_every_window_again(finished: RunRecord) -> None:
    assert audit(finished).complete


FORGERIES: dict[str, tuple[Callable[[Bodies], object], str]] = {
    "score": (lambda e: _grade(e).update(score=0.123), r"\(window 0/0\): round 0: uid 2: score 0\.123 recorded"),
    "missing": (lambda e: e.pop(_place(e, "window")), r"window 0/0 is missing from the record"),
    "stranger": (lambda e: _window(e).update(validator=1), r"its body is that of window 1/0"),
    "epoch": (lambda e: _window(e).update(epoch=1), r"its body is that of window 0/1"),
    "shorter": (lambda e: _window(e)["rounds"].pop(), r"its rounds and answers are not those"),
    "scored before": (lambda e: e[1][2]["answers"][0].update(score=0.5), r"score 0\.5 recorded"),
}


def _place(entries: Bodies, kind: str) -> int:
    return next(place for place, entry in enumerate(entries) if entry[0] == kind)


def _window(entries: Bodies) -> dict[str, Any]:
    return entries[_place(entries, "window")][2]


def _grade(entries: Bodies) -> dict[str, Any]:
    grade: dict[str, Any] = _window(entries)["rounds"][0]["grades"][0]
    return grade


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_window_is_found(finished: RunRecord, tmp_path: Path, name: str) -> None:
    change, message = FORGERIES[name]
    folder = copy_of(finished, tmp_path)
    rewrite(folder, change)
    with RunRecord.open(folder) as record, pytest.raises(AuditError, match=message):
        audit(record)


@pytest.mark.parametrize("last", ["round", "window"])
def test_a_run_that_stopped_after_any_entry_ends_as_an_undisturbed_one(
    finished: RunRecord, tmp_path: Path, last: str
) -> None:
    folder = copy_of(finished, tmp_path)

    def cut(entries: Bodies) -> None:
        second = [place for place, entry in enumerate(entries) if entry[0] == "window"][1]
        del entries[second + {"round": 0, "window": 1}[last] :]

    rewrite(folder, cut)
    with run(config(), folder, mode="resume") as record:
        assert outcome(record) == outcome(finished)
        assert audit(record).complete


def test_the_bill_holds_what_the_windows_cost(finished: RunRecord) -> None:
    bill = Bill.of(finished)
    assert sum(part.cost.cpu_s for part in bill.parts) == pytest.approx(bill.total_cpu_s, rel=0.01)
    windows = sum(GradedWindow.of(entry).grading_cost.cpu_s for entry in finished.entries("window"))
    grading = next(part.cost.cpu_s for part in bill.parts if part.name == "grading")
    alone = sum(GradedRound.of(entry).grading_cost.cpu_s for entry in finished.entries("round"))
    assert windows > 0 and grading == pytest.approx(alone + windows)
