"""Sentences of a run's report: they quote names, name ties, and claim no more than the tasks show."""

from pathlib import Path
from typing import Any

import pytest

from lab.report.sections.bill import bill
from lab.report.sections.effort import effort
from lab.report.sections.faults import MOST_REASON, faults
from lab.report.sections.incentive import incentive
from lab.report.sections.pay import pay
from lab.report.sections.scores import scores
from lab.report.sections.summary import findings
from lab.report.sections.weights import weights
from lab.results.run_figures import RunFigures
from lab.results.words import counted, over_miners
from lab.statistics import Estimate
from tests.lab.records import make_config, make_record


def played(folder: Path, **right: float) -> RunFigures:
    miners = [{"name": name, "kind": "tests.lab.records:Sayer", "right": share} for name, share in right.items()]
    tables: dict[str, Any] = {"miners": miners} if miners else {}
    with make_record(folder, make_config(**tables)) as record:
        return RunFigures.of(record)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFigures:
    return played(tmp_path_factory.mktemp("run"))


def test_one_of_a_thing_is_not_many() -> None:
    assert [counted(1, "entry"), counted(2, "entry"), counted(1, "query")] == ["1 entry", "2 entries", "1 query"]
    assert [counted(1200, "miner"), counted(2, "key")] == ["1,200 miners", "2 keys"]
    assert over_miners(Estimate(0.5, None, None, 1), 1) == "0.50 (n=1 task, 1 miner)"


def test_miners_that_answer_and_earn_the_same_are_said_to_tie(tmp_path: Path) -> None:
    run = played(tmp_path, half=1.0, other=1.0, third=0.2)
    shown = scores(run).caption.shows
    assert shown.startswith("'half' and 'other' tie for the best answers, with a true quality of 1.00 (0.86 to")
    assert pay(run).caption.shows.startswith("'half' and 'other' tie for the most pay, 46 % each of 590 tokens.")


def test_of_many_that_tie_some_are_named(tmp_path: Path) -> None:
    run = played(tmp_path, **{f"m{place}": 1.0 for place in range(6)})
    assert scores(run).caption.shows.startswith(
        "All 6 miners answer equally well, with a true quality of 1.00 (0.86 to"
    )
    assert pay(run).caption.shows.startswith("'m0', 'm1', 'm2' and 3 more tie for the most pay, 17 % each")


def test_a_single_miner_is_not_compared(tmp_path: Path) -> None:
    run = played(tmp_path, alone=0.5)
    assert scores(run).caption.shows.startswith("'alone' answers with a true quality of 0.")
    assert effort(run).caption.shows.startswith("'alone' answers in a median of 0.")
    assert "1 miner answers it" in bill(run).caption.shows
    assert "the true quality of only one miner is known" in findings(run)[0]


def test_names_in_sentences_are_quoted(run: RunFigures) -> None:
    named = {miner.name for miner in run.results.neurons}
    sentences = [section(run).caption.shows for section in (scores, pay, incentive, weights, effort)]
    for name in ("perfect", "mute", "injector", "fair", "steady-0"):
        assert name in named
        assert any(f"'{name}'" in sentence for sentence in sentences)
        assert not any(f" {name} " in sentence for sentence in sentences)


def test_a_correlation_without_spread_has_no_interval_but_its_number_of_tasks(run: RunFigures) -> None:
    assert "(n=24 tasks, 6 miners)." in scores(run).caption.shows
    assert "(n=24 tasks, 6 miners) with the quality of the same answers" in pay(run).caption.shows
    assert "(n=24 tasks, 6 miners)" in findings(run)[0]


def test_a_reason_is_cut_between_two_words(run: RunFigures) -> None:
    reasons = [str(row[-1]) for row in faults(run).rows]
    assert any(reasons) and all(len(reason) <= MOST_REASON + 1 for reason in reasons)
