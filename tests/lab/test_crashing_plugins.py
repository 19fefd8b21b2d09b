"""Plug-ins of validators and subnets run in the process of a local run; what they end stays whole and goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.record.run_folder import open_run
from lab.run.audit import audit

SCORER = """
import os
from pathlib import Path
from subnets import Score, Scorer
from subnets.text import answer_text

class Exits(Scorer):
    '''Ends its process once, at its fifth answer.'''
    def score(self, task, response):
        marks = Path(__file__).with_name("marks")
        marks.touch()
        with marks.open("a") as file:
            file.write("x")
        if marks.stat().st_size == 5:
            os.kill(os.getpid(), 9)
        return Score(float(bool(answer_text(response))))
"""
CONFIG = """
[subnet]
kind = "text_prompting"
mix = {arithmetic = 1}
[[miners]]
kind = "echo"
[[validators]]
scorer = "exiting:Exits"
[chain]
epochs = 3
rounds_per_epoch = 2
[bare]
every = 0
[pool]
kind = "local"
rounds_in_flight = 1
"""


def lab(folder: Path, *arguments: str) -> int:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": root}, timeout=120).returncode


@pytest.mark.slow
def test_a_run_that_its_scorer_kills_is_whole_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exiting.py").write_text(SCORER)
    (tmp_path / "config.toml").write_text(CONFIG)
    monkeypatch.syspath_prepend(tmp_path)
    run = ("run", "config.toml", "--out", "run", "--json")
    assert lab(tmp_path, *run) == -signal.SIGKILL
    with open_run(tmp_path / "run") as record:
        assert audit(record).entries > 2 and not audit(record).complete
    assert lab(tmp_path, *run, "--resume") == 0
    with open_run(tmp_path / "run") as record:
        assert audit(record).complete
