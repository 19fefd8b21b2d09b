"""Fakes do exactly what they say."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from miners import load_miner
from subnets import Answer, Meter, Query
from subnets.ocr import OCR


def test_echo_says_the_prompt(query: Query) -> None:
    answer = asyncio.run(load_miner("echo").forward(query))
    assert answer == Answer(text="Read this page.")


def test_an_echo_is_a_valid_answer_without_sections(query: Query) -> None:
    answer = asyncio.run(load_miner("echo").forward(query))
    assert OCR().read(answer.body()).sections == ()


def test_silent_never_answers_and_can_be_cancelled(query: Query) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(load_miner("silent").forward(query), 0.05))


def test_slow_answers_as_the_miner_inside_after_the_delay_and_for_free(query: Query) -> None:
    meter, started = Meter(), time.perf_counter()
    answer = asyncio.run(meter.run(load_miner({"kind": "slow", "delay_s": 0.2}).forward(query)))
    assert answer == Answer(text="Read this page.")
    assert time.perf_counter() - started >= 0.2 and meter.cost.cpu_s < 0.05


def test_crashing_raises(query: Query) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        asyncio.run(load_miner("crashing").forward(query))


def test_crashing_fails_at_its_rate_and_at_the_same_queries_each_time(query: Query) -> None:
    miner = load_miner({"kind": "crashing", "probability": 0.3, "seed": 5})

    def failed() -> list[bool]:
        outcomes = []
        for number in range(300):
            try:
                asyncio.run(miner.forward(replace(query, id=f"q{number}")))
                outcomes.append(False)
            except RuntimeError:
                outcomes.append(True)
        return outcomes

    first = failed()
    assert first == failed() and 60 < sum(first) < 120


@pytest.mark.parametrize(("how", "status"), [("exit", 70), ("kill", -9)])
def test_crashing_can_take_its_process_down(how: str, status: int) -> None:
    code = (
        "import asyncio; from miners import load_miner; from subnets import Prompt, Query;"
        f"asyncio.run(load_miner({{'kind': 'crashing', 'how': '{how}'}}).forward(Query('q', '', Prompt(()))))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == status
