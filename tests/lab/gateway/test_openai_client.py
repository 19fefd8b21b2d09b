"""The real client of the OpenAI API, as a customer uses it."""

import json
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.lab.gateway.running import FAILING, SAYER, RunningGateway, customers_config, running, wait_for

QUESTION = [{"role": "user", "content": "Say <b>123</b> again"}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running(customers_config(SAYER, FAILING), tmp_path_factory.mktemp("gateway") / "run") as gateway:
        yield gateway


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        yield client


def test_the_client_gets_an_answer_with_its_usage_and_receipt(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="digits", messages=QUESTION)
    assert completion.choices[0].message.content == "123"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None and completion.usage.total_tokens == 6
    receipt = completion.model_extra["receipt"]
    assert receipt["miner"] == "sayer" and receipt["price_usd"] > 0


def test_a_streamed_answer_has_the_same_text_and_ends_with_its_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="digits/sayer",
        messages=[{"role": "user", "content": "one two three " * 20}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "one two three " * 20
    assert len(chunks) > 5
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 70


def test_a_limit_on_tokens_cuts_the_answer_and_says_so(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "a long answer, which is cut somewhere"}]
    completion = client.chat.completions.create(model="digits", messages=messages, max_tokens=2)
    assert completion.choices[0].message.content == "a long a"
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage is not None and completion.usage.completion_tokens == 2


def test_an_answer_as_json_is_whole_and_costs_no_more_than_was_set_aside(gateway: RunningGateway) -> None:
    form = {"response_format": {"type": "json_object"}}
    reply = gateway.ask("a long answer, which is cut somewhere", max_tokens=1, **form)[1]
    assert json.loads(reply["choices"][0]["message"]["content"]) == {"text": "a long answer, which is cut somewhere"}
    assert reply["receipt"]["price_usd"] == pytest.approx((10 * 0.5 + 1.5) / 1e6)


def test_content_in_parts_is_read(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "Say <b>"}, {"type": "text", "text": "9</b>"}]
    completion = client.chat.completions.create(model="digits", messages=[{"role": "user", "content": parts}])
    assert "9" in (completion.choices[0].message.content or "")


def test_the_models_are_the_subnet_and_each_miner(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["digits", "digits/sayer", "digits/failing"]
    assert client.models.retrieve("digits/sayer").id == "digits/sayer"


def test_each_wrong_request_raises_the_error_that_the_client_has_for_it(
    client: openai.OpenAI, gateway: RunningGateway
) -> None:
    create = client.chat.completions.create
    with pytest.raises(openai.NotFoundError, match="'gpt-4' does not exist") as missing:
        create(model="gpt-4", messages=QUESTION)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="only one answer"):
        create(model="digits", messages=QUESTION, n=2)
    with pytest.raises(openai.BadRequestError, match="not one of"):
        create(model="digits", messages=[{"role": "wizard", "content": "?"}])
    with pytest.raises(openai.BadRequestError, match="maximum context length") as long:
        create(model="digits", messages=[{"role": "user", "content": "x" * 100_001}])
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="reads no images"):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}
        create(model="digits", messages=[{"role": "user", "content": [image]}])
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=gateway.url, api_key="sk-wrong", max_retries=0).models.list()
    with pytest.raises(openai.InternalServerError, match="failing: error.*Nothing was charged") as failed:
        create(model="digits/failing", messages=QUESTION)
    assert failed.value.status_code == 502


def test_a_stream_of_a_failing_miner_raises_too(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError, match="Nothing was charged"):
        client.chat.completions.create(model="digits/failing", messages=QUESTION, stream=True)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"model": "digits"}', b'{"model": "digits", "messages": []}', b"\xff\xfe", b"[" * 100_000]
    + [b'{"model": "digits", "messages": [{"role": "user", "content": 3}]}', b'{"model": 1e999, "messages": "x"}'],
)
def test_a_broken_body_gets_an_error_object(gateway: RunningGateway, body: bytes) -> None:
    status, reply = gateway.call("POST", "/v1/chat/completions", body)
    assert status == 400
    assert reply["error"]["type"] == "invalid_request_error" and "Traceback" not in reply["error"]["message"]


def test_what_does_not_exist_is_not_found_as_an_error_object(gateway: RunningGateway) -> None:
    assert gateway.call("GET", "/v1/nothing")[0] == 404
    assert gateway.call("DELETE", "/v1/chat/completions")[1]["error"]["type"] == "invalid_request_error"
    assert gateway.call("POST", "/v1/ocr", {})[0] == 404  # this subnet reads no pages
    assert gateway.call("GET", "/v1/models", key="")[0] == 401
    assert gateway.call("GET", "/health", key="") == (200, {"status": "ok"})


def test_the_counters_are_those_of_prometheus(gateway: RunningGateway) -> None:
    assert gateway.ask("once")[0] == 200
    text = gateway.call("GET", "/metrics", key="")[1]
    assert 'subnetlab_gateway_answers_total{miner="sayer"}' in text
    assert "subnetlab_gateway_latency_seconds_bucket" in text


def test_rounds_went_on_meanwhile(gateway: RunningGateway) -> None:
    kinds = wait_for(gateway, lambda kinds: "epoch" in kinds)
    assert kinds.count("round") == 2 and "end" not in kinds


def test_nothing_that_customers_said_is_in_the_record(gateway: RunningGateway, tmp_path: Path) -> None:
    assert gateway.ask("a secret of mine")[0] == 200
    assert b"a secret of mine" not in b"".join(path.read_bytes() for path in gateway.folder.glob("record.sqlite*"))
