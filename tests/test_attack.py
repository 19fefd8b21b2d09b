"""`make attack` counts what goes wrong, and fails if anything does."""

import logging
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from benchmarks.attack import answers
from benchmarks.attack.tally import LoggedTracebacks, Tally, table
from miners.engines.image import QueryImage

ROOT = Path(__file__).parents[1]


def test_refusals_errors_and_what_is_read_are_told_apart() -> None:
    tally = Tally("numbers")
    for number in ("1", "x", "2"):
        with tally.attempt(ValueError):
            int(number)
    with tally.attempt(ValueError):
        raise ValueError("two\nlines")
    with tally.attempt(ValueError):
        raise KeyError("unexpected")
    assert (tally.thrown, tally.refused, tally.harmless) == (5, 2, 2)
    assert ["KeyError" in fault for fault in tally.faults] == [False, True]
    assert "| numbers | 5      | 2       | 2        | 0             | 2 " in table([tally])


def test_a_traceback_that_is_logged_counts() -> None:
    handler, logger = LoggedTracebacks(), logging.Logger("strange")
    handler.tally = Tally("logs")
    logger.addHandler(handler)
    logger.error("said in words")
    try:
        raise KeyError("unexpected")
    except KeyError:
        logger.exception("with its traceback")
    assert len(handler.tally.raised) == 1 and "KeyError" in handler.tally.raised[0]


def test_a_picture_that_is_read_wrongly_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, broken = Tally("images"), Tally("images")
    answers.images(whole, Random(1), time.monotonic() + 0.3)
    assert whole.thrown and whole.refused and whole.faults == []

    monkeypatch.setattr(answers, "open_image", lambda data: QueryImage(Image.effect_noise((4, 4), 90)))
    answers.images(broken, Random(1), time.monotonic() + 0.1)
    assert broken.lost


@pytest.mark.slow
def test_the_command_throws_what_it_is_asked_to_and_prints_a_table() -> None:
    command = [sys.executable, "-m", "benchmarks.attack", "--minutes", "0.02", "--only", "verdicts of judges"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.count("\n")) == (0, 3), done.stdout + done.stderr
