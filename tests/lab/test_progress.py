"""What is shown of a run's progress."""

import pytest

from lab.cli.console.progress import Bar
from lab.run.events import Event, Stage


def test_without_a_terminal_only_waiting_is_printed_and_not_every_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Bar("ocr") as bar:
        for event in (
            Event(Stage.STARTING, 0, 8),
            Event(Stage.WAITING, 0, 8, "waiting for nodes: vllm-0 needs 1 GPU; the cluster has 0 GPU; 0 s of 600 s"),
            Event(Stage.WAITING, 0, 8, "waiting for nodes: vllm-0 needs 1 GPU; the cluster has 0 GPU; 1 s of 600 s"),
            Event(Stage.ROUND, 1, 8),
        ):
            bar.show(event)
    message = "ocr: waiting for nodes: vllm-0 needs 1 GPU; the cluster has 0 GPU; 0 s of 600 s\n"
    assert capsys.readouterr() == ("", message)
    with Bar("ocr", quiet=True) as bar:
        bar.show(Event(Stage.WAITING, 0, 8, "waiting for nodes"))
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_each_part_of_a_study_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("grading") as bar:
        for part, finished in (("probe", 0), ("probe", 1), ("answers", 0), ("answers", 9)):
            bar.follow(part, finished, 10)
    assert capsys.readouterr() == ("", "grading: probe\ngrading: answers\n")
