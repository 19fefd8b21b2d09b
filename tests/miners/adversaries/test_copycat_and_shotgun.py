"""Adversaries get answers without work."""

import asyncio
from dataclasses import replace

import pytest

from miners import Miner, load_miner, overhearing
from subnets import Answer, Meter, Prompt, Query
from subnets.cost import process_cpu_s
from subnets.ocr import MAX_SECTIONS, OCR, OCRAnswer, Section


def test_a_copycat_relays_the_answer_at_hand_for_next_to_nothing(query: Query) -> None:
    given = OCRAnswer(sections=(Section(text="Garden chair", box=(0, 0, 90, 9)),))
    asked = []

    async def source(victim: Miner, query: Query) -> Answer:
        asked.append(victim)
        return given

    async def relay() -> tuple[object, float]:
        overhearing.set(source)
        meter = Meter()
        answer = await meter.run(load_miner("copycat").forward(query))
        return answer, meter.cost.cpu_s

    answer, cpu_s = asyncio.run(relay())
    assert answer is given and [victim.key for victim in asked] == [load_miner("tesseract").key]
    assert cpu_s < 0.05


def test_a_copycat_without_a_victim_at_hand_has_to_do_the_work(query: Query) -> None:
    copycat = load_miner({"kind": "copycat", "victim": "echo"})
    assert asyncio.run(copycat.forward(query)) == asyncio.run(load_miner("echo").forward(query))


def test_a_copycat_names_its_victim_and_brings_the_victims_engine() -> None:
    copycat = load_miner("copycat")
    assert [victim.key for victim in copycat.victims()] == [load_miner("tesseract").key]
    assert [engine.key for engine in copycat.engines()] == [engine.key for engine in load_miner("tesseract").engines()]


def test_a_shotgun_answers_every_page_alike_and_never_looks(query: Query) -> None:
    shotgun = load_miner({"kind": "shotgun", "count": 200})
    unseen = replace(query, id="q2", prompt=Prompt(query.prompt.messages, b"no image at all"))
    first, second = asyncio.run(shotgun.forward(query)), asyncio.run(shotgun.forward(unseen))
    assert first == second and 100 < len(first.sections) <= 200
    assert OCR().read(first.body()) == first


@pytest.mark.slow
def test_a_shotgun_guesses_at_the_tasks_of_any_subnet(query: Query) -> None:
    shotgun = load_miner({"kind": "shotgun", "subnet": "text_prompting"})
    answer = asyncio.run(shotgun.forward(query))
    assert type(answer) is Answer and answer.text
    most = load_miner({"kind": "shotgun", "count": 10_000, "subnet": {"kind": "ocr", "kinds": ["receipt"]}})
    assert len(asyncio.run(most.forward(query)).sections) <= MAX_SECTIONS


def test_a_shotgun_makes_its_guesses_once_and_pays_for_them(query: Query) -> None:
    async def twice() -> tuple[list[object], float]:
        shotgun, meter = load_miner({"kind": "shotgun", "count": 200}), Meter()
        return [await meter.run(shotgun.forward(query)), await shotgun.forward(query)], meter.cost.cpu_s

    before = process_cpu_s()
    (first, second), cpu_s = asyncio.run(twice())
    assert first is second
    assert cpu_s > 0.1 * (process_cpu_s() - before)
