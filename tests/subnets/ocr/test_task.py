"""Tasks of the OCR subnet: the same everywhere, and true."""

import hashlib
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image
from pydantic import ValidationError

from subnets import PluginError, Response, Task, load_subnet
from subnets.ocr import OCR, Page, Sections

from .conftest import page_task

DIGEST = (
    "import hashlib; from subnets.ocr import OCR; "
    "tasks = [OCR(difficulty=0.7).task(seed) for seed in range(3)]; "
    "print(hashlib.sha256(b''.join(t.prompt.image + repr(t.reference).encode() for t in tasks)).hexdigest())"
)


def test_the_same_seed_gives_the_same_bytes_in_any_process() -> None:
    tasks = [OCR(difficulty=0.7).task(seed) for seed in range(3)]
    ours = hashlib.sha256(b"".join(t.prompt.image + repr(t.reference).encode() for t in tasks)).hexdigest()
    for hash_seed in ("1", "77"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        theirs = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        assert theirs.stdout.strip() == ours


def test_the_same_bytes_come_from_a_lesser_processor() -> None:
    lesser = {"OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FMA3"}
    printed = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", DIGEST], env=os.environ | env, capture_output=True, text=True
        ).stdout
        for env in ({}, lesser)
    ]
    assert printed[0] == printed[1] != ""


def test_threads_do_not_disturb_one_another() -> None:
    subnet = OCR()
    alone = [subnet.task(seed) for seed in range(12)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(subnet.task, range(12))) == alone


def test_the_page_says_its_size_kind_and_difficulty(task: Task, kind: str) -> None:
    page = task.reference
    assert isinstance(page, Page)
    with Image.open(BytesIO(task.prompt.image)) as image:
        assert image.format == "JPEG" and image.size == (page.width, page.height)
    assert (task.kind, task.difficulty, task.subnet) == (kind, 0.0, "ocr")


def test_a_harder_page_says_the_same_and_is_smaller(kind: str) -> None:
    easy, hard = page_task(kind, 0.0), page_task(kind, 0.9)
    assert [line.text for line in easy.reference.lines] == [line.text for line in hard.reference.lines]
    assert hard.reference.width < easy.reference.width
    for line in hard.reference.lines:
        x1, y1, x2, y2 = line.box
        assert 0 <= x1 < x2 <= hard.reference.width and 0 <= y1 < y2 <= hard.reference.height


def test_a_range_of_difficulty_is_drawn_from() -> None:
    drawn = [OCR(difficulty=(0.2, 0.4), width=400).task(seed).difficulty for seed in range(12)]
    assert all(difficulty is not None and 0.2 <= difficulty <= 0.4 for difficulty in drawn)
    assert len(set(drawn)) == 12


def test_all_kinds_are_drawn() -> None:
    assert {OCR(width=300).task(seed).kind for seed in range(60)} == set(OCR().kinds)


def test_the_prompt_tells_how_to_answer_and_nothing_of_the_truth(task: Task) -> None:
    query = pickle.dumps(task.query())
    assert b'"sections"' in query and b'"box"' in query
    for line in task.reference.lines:
        if len(line.text) > 8:
            assert line.text.encode() not in query


def test_gold_is_worth_one_at_any_difficulty_and_by_any_measure(kind: str) -> None:
    for difficulty in (0.0, 0.5, 1.0):
        task = page_task(kind, difficulty)
        subnet = OCR()
        gold = subnet.read(subnet.gold(task).body())
        assert subnet.scorer().score(task, Response(uid=0, answer=gold)).value == 1.0
        assert subnet.quality(task, gold) == 1.0
        heavy_box = Sections(text_weight=0.1, box_weight=0.9)
        assert heavy_box.score(task, Response(uid=0, answer=gold)).value == 1.0


def test_the_illustration_is_a_png_with_both_sorts_of_boxes(task: Task) -> None:
    subnet = OCR()
    pictures = [subnet.illustrate(task, answer) for answer in (None, subnet.gold(task))]
    colours = []
    for picture in pictures:
        assert picture is not None
        with Image.open(BytesIO(picture)) as image:
            assert image.format == "PNG" and image.width == task.reference.width
            colours.append({colour for _, colour in image.getcolors(1 << 24) or []})
    assert (0, 140, 70) in colours[0] and (0, 140, 70) in colours[1]
    assert (215, 40, 40) in colours[1]


def test_a_page_with_odd_boxes_can_still_be_drawn() -> None:
    task = page_task("form")
    odd = OCR().read(b'{"sections": [{"text": "a", "box": [-99999, -99999, 99999, 99999]}]}')
    assert OCR().illustrate(task, odd)


def test_another_subnets_task_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="is a str, not a page"):
        OCR().gold(replace(page_task("form"), reference="text"))


@pytest.mark.parametrize("option", [{"difficulty": 1.5}, {"difficulty": [0.1, -0.2]}, {"kinds": []}, {"width": 10}])
def test_options_out_of_range_are_refused(option: dict[str, object]) -> None:
    with pytest.raises(PluginError):
        load_subnet({"kind": "ocr", **option})


def test_a_backward_range_names_the_fix() -> None:
    with pytest.raises(ValidationError, match=r"write \[0.2, 0.8\]"):
        OCR(difficulty=(0.8, 0.2))


def test_importing_the_workload_loads_nothing_heavy() -> None:
    code = (
        "import sys, subnets.ocr; "
        "print([m for m in ('cv2', 'PIL', 'faker', 'scipy', 'rapidfuzz', 'matplotlib') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
