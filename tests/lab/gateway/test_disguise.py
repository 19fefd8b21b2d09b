"""What miners see of a customer: nothing by which they could tell it from a validator."""

import base64
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from subnets import Task
from tests.lab.gateway.running import HEARD, RunningGateway, customers_config, running

EAVESDROPPER = {"name": "ear", "kind": "tests.lab.gateway.running:Eavesdropper"}
FIELDS = ("subnet", "timeout_s", "hotkey", "stake", "permit", "max_tokens", "roles", "image")


def seen(gateway: RunningGateway, messages: Any) -> dict[str, Any]:
    status, reply = gateway.call("POST", "/v1/chat/completions", {"model": "ocr", "messages": messages})
    assert status == 200, reply
    return dict(json.loads(reply["choices"][0]["message"]["content"]))


def asked_by_validators(gateway: RunningGateway) -> set[str]:
    """Return the ids of the validators' queries, as the record has them."""
    with gateway.record() as record:
        return {entry.body["task_id"] for entry in record.entries("round")}


TEXT: dict[str, Any] = {
    "subnet": "text_prompting",
    "validators": [{"name": "v", "count": 3, "timeout_s": 33.0}],
    "chain": {"epochs": 1, "rounds_per_epoch": 20},
}


def test_no_field_of_a_query_tells_a_customer_with_like_questions_from_a_validator(tmp_path: Path) -> None:
    config = customers_config(EAVESDROPPER, **TEXT)
    questions: list[Task] = [config.subnet.task(seed) for seed in range(60)]
    HEARD.clear()
    with running(config, tmp_path / "run", limits={"per_minute": 1e5}) as gateway:
        for task in questions:
            turns = [{"role": turn.role, "content": turn.content} for turn in task.prompt.messages]
            body = {"model": "text_prompting/ear", "messages": turns, "max_tokens": task.prompt.max_tokens}
            assert gateway.call("POST", "/v1/chat/completions", body)[0] == 200
    ids = asked_by_validators(gateway)
    tests = [row for row in HEARD if row["id"] in ids]
    customers = [row for row in HEARD if row["id"] not in ids]
    assert len(tests) == len(customers) == 60
    half = len(tests) // 2
    for field in FIELDS:
        values = [row[field] for row in tests], [row[field] for row in customers]
        # The classifier learns on one half and is judged on the other, so that it gains nothing by luck.
        learned = Counter(map(repr, values[0][:half]))
        learned.subtract(Counter(map(repr, values[1][:half])))
        score = [[learned[repr(value)] for value in side[half:]] for side in values]
        better = [float(a > b) + 0.5 * (a == b) for a in score[0] for b in score[1]]
        assert sum(better) / len(better) < 0.8, field  # chance is 0.5, and a field that tells them apart has 1
    assert {len(row["id"]) for row in [*tests, *customers]} == {16}
    assert all(set(row["id"]) <= set("0123456789abcdef") for row in [*tests, *customers])
    assert len({row["id"] for row in customers}) == 60


PAGES: dict[str, Any] = {"subnet": {"kind": "ocr", "width": 300}, "chain": {"epochs": 1, "rounds_per_epoch": 1}}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running(customers_config(EAVESDROPPER, **PAGES), tmp_path_factory.mktemp("pages") / "run") as gateway:
        yield gateway


def picture(format: str, mode: str = "RGB") -> str:
    file = io.BytesIO()
    Image.new(mode, (200, 100), "white").save(file, format)
    kind = format.lower() if format in ("PNG", "JPEG") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def with_image(url: str) -> list[dict[str, Any]]:
    parts = [{"type": "text", "text": "Read this"}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": parts}]


@pytest.mark.parametrize(("format", "mode"), [("PNG", "RGB"), ("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGBA")])
def test_an_image_reaches_miners_in_the_format_of_tasks(reader: RunningGateway, format: str, mode: str) -> None:
    assert seen(reader, with_image(picture(format, mode)))["image"] == "ffd8ff"


def test_a_page_is_read_in_the_form_of_mistral(reader: RunningGateway) -> None:
    document = {"type": "image_url", "image_url": picture("PNG")}
    status, reply = reader.call("POST", "/v1/ocr", {"model": "ocr", "document": document})
    assert status == 200
    assert (reply["pages"][0]["index"], reply["usage_info"]["pages_processed"]) == (0, 1)
    assert json.loads(reply["pages"][0]["markdown"])["roles"] == ["user"]
    assert reply["receipt"]["price_usd"] == 0.001


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://example.com/page.png", "no address is fetched"),
        ("data:image/png;base64,####", "not base64"),
        ("data:image/png;base64,AAAA", "the image can't be read"),
        (picture("GIF", "L"), "the image can't be read"),
        (picture("PNG")[:-40], "the image can't be read"),
    ],
)
def test_a_bad_image_is_refused_before_anybody_pays(reader: RunningGateway, url: str, words: str) -> None:
    status, reply = reader.call("POST", "/v1/chat/completions", {"model": "ocr", "messages": with_image(url)})
    assert status == 400 and words in reply["error"]["message"]


def test_a_page_reader_needs_one_page(reader: RunningGateway) -> None:
    assert "reads pages" in reader.ask("hello", "ocr")[1]["error"]["message"]
    twice = with_image(picture("PNG")) * 2
    reply = reader.call("POST", "/v1/chat/completions", {"model": "ocr", "messages": twice})[1]
    assert "2 images" in reply["error"]["message"]
    document = {"type": "document_url", "document_url": "https://example.com"}
    assert reader.call("POST", "/v1/ocr", {"model": "ocr", "document": document})[0] == 400
