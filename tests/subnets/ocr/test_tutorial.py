"""The scorer `tutorial`, against rewards that the original computed."""

import json
from pathlib import Path
from typing import Any

import pytest

from subnets import MalformedAnswer, PluginError, Response
from subnets.ocr import OCR, Font, OCRAnswer, Section, Tutorial
from subnets.ocr.tutorial import Entry
from validators import SCORERS

from .conftest import page_task

VECTORS = json.loads((Path(__file__).parent / "vectors" / "tutorial_reward.json").read_text())
NUMERIC = {case["name"]: case for case in VECTORS["numeric"]}
RAISING = {case["name"]: case for case in VECTORS["raising"]}


def entry(section: dict[str, Any]) -> Entry:
    font = section.get("font")
    return Entry(
        section.get("text", ""),
        tuple(section["position"]) if section.get("position") else None,
        Font(family=font["family"], size=float(font["size"])) if font else None,
    )


@pytest.mark.parametrize("case", [c for c in NUMERIC.values() if c["response"] is not None], ids=lambda c: c["name"])
def test_the_reward_is_the_originals(case: dict[str, Any]) -> None:
    config = case["config"]
    scorer = Tutorial(timeout_s=config["timeout"], **{k: v for k, v in config.items() if k.startswith("alpha_")})
    latency_s = case.get("time_elapsed_seen_by_reward", case["time_elapsed"])
    labels = [entry(label) for label in case["labels"]]
    reward = scorer.reward(labels, [entry(section) for section in case["response"]], latency_s)
    assert reward.total == pytest.approx(case["reward"], abs=VECTORS["reference"]["tolerance"])
    for part in ("text", "position", "font"):
        mean = sum(section[part] for section in case["sections"]) / len(labels)
        assert getattr(reward, part) == pytest.approx(mean, abs=1e-5), part


def test_no_answer_is_worth_nothing() -> None:
    assert NUMERIC["null_response"]["reward"] == 0.0  # a validator never shows a fault to a scorer: it is 0.0 by rule


@pytest.mark.parametrize("case", RAISING.values(), ids=lambda c: c["name"])
def test_what_crashed_the_original_is_malformed(case: dict[str, Any]) -> None:
    sections = []
    for section in case["response"]:
        position = section.pop("position", [1, 2, 3, 4])
        sections.append({**section, "box": position})
    with pytest.raises(MalformedAnswer):
        OCR().read(json.dumps({"sections": sections}).encode())


def test_gold_is_worth_one_in_pixels_and_less_in_the_shipped_frame() -> None:
    task = page_task("invoice")
    response = Response(uid=0, answer=OCR().gold(task))
    assert Tutorial(frame="pixels").score(task, response).value == 1.0
    shipped = Tutorial().score(task, response)
    assert shipped.parts["position"] == 0.0
    assert shipped.value == pytest.approx(0.2 + 0.8 * 2 / 3)


def test_an_empty_answer_earns_the_whole_time_term() -> None:
    score = Tutorial().score(page_task("invoice"), Response(uid=0, answer=OCRAnswer()))
    assert score.value == pytest.approx(0.2)


def test_surplus_sections_cost_nothing() -> None:
    task = page_task("invoice")
    gold = task.reference.answer().sections
    junk = tuple(Section(text="junk", box=(1, 1, 9, 9)) for _ in range(500))
    response = Response(uid=0, answer=OCRAnswer(sections=gold + junk))
    assert Tutorial(frame="pixels").score(task, response).value == 1.0


def test_the_value_is_capped_at_one_and_the_raw_reward_is_a_part() -> None:
    # Nobody's clock runs backwards here, but the formula has no upper end.
    task = page_task("invoice")
    score = Tutorial().score(task, Response(uid=0, answer=OCRAnswer(), latency_s=-1000.0))
    assert score.value == 1.0
    assert score.parts["raw"] == pytest.approx(40.2)


def test_weights_of_zero_are_refused() -> None:
    with pytest.raises(PluginError, match="are all 0"):
        SCORERS.load({"kind": "tutorial", "alpha_text": 0, "alpha_position": 0, "alpha_font": 0})
