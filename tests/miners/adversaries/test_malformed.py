"""The catalogue of broken answers is refused, each with its fault named and in bounded time."""

import asyncio
import time
from dataclasses import replace

import pytest

from miners import load_miner
from miners.adversaries import FAULTS
from subnets import MalformedAnswer, Query
from subnets.ocr import OCR


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_refused_by_name_and_soon(query: Query, fault: str) -> None:
    body = asyncio.run(load_miner({"kind": "malformed", "fault": fault}).forward(query))
    started = time.thread_time()
    with pytest.raises(MalformedAnswer) as refused:
        OCR().read(body)
    assert time.thread_time() - started < 1.0
    assert 5 < len(str(refused.value)) < 300 and str(refused.value).isprintable()


def test_without_a_name_they_come_in_turn_and_the_same_for_the_same_query(query: Query) -> None:
    miner = load_miner("malformed")
    sent = [asyncio.run(miner.forward(replace(query, id=f"q{number}"))) for number in range(60)]
    assert len(set(sent)) > 25
    assert sent[7] == asyncio.run(miner.forward(replace(query, id="q7")))


def test_an_unknown_fault_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"malformed\.fault: unknown fault 'nonsense'; known: empty_body, "):
        load_miner({"kind": "malformed", "fault": "nonsense"})
