"""Images on the OpenAI wire and on that of OCR endpoints, and the server over readers that speaks both."""

import asyncio
import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from miners import load_miner
from miners.engines.completion import Completion, Request
from miners.engines.ocr_api import OcrApi
from miners.engines.openai.image_part import image_tokens, with_image
from miners.engines.readers.gocr import Gocr
from miners.errors import APIError
from miners.reader_server import ReaderServer
from subnets import Message, Meter, Query
from tests.miners.engines.openai.fake import ask, stream
from tests.miners.pages import draw

pytest.importorskip("openai")
PAGE = draw((("GARDEN LAMP", "124"),), size=40)
REQUEST = Request((Message("system", "Be brief."), Message("user", "Read this.")), image=PAGE, max_tokens=100)


def test_an_image_goes_with_the_last_user_turn_as_a_data_uri() -> None:
    _, [body] = ask(lambda _: stream("text"), request=REQUEST, image_detail="high")
    system, user = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    image, text = user["content"]
    assert text == {"type": "text", "text": "Read this."} and image["image_url"]["detail"] == "high"
    assert base64.b64decode(image["image_url"]["url"].removeprefix("data:image/png;base64,")) == PAGE


def test_a_server_without_system_messages_gets_their_text_beside_the_image() -> None:
    def answer(body: dict[str, Any]) -> Any:
        from tests.miners.engines.openai.fake import refusal

        if body["messages"][0]["role"] == "system":
            return refusal("system messages are not supported")
        return stream("fine")

    [outcome], bodies = ask(answer, request=REQUEST)
    assert isinstance(outcome, Completion) and outcome.text == "fine"
    assert [part["type"] for part in bodies[-1]["messages"][0]["content"]] == ["text", "image_url", "text"]


def test_the_tokens_of_an_image_are_those_that_the_server_bills_or_else_estimated() -> None:
    [silent], _ = ask(lambda _: stream("text"), request=REQUEST)
    assert isinstance(silent, Completion) and silent.usage.estimated
    assert silent.usage.input_tokens > image_tokens(PAGE) > 100
    usage = {"model": "m", "choices": [], "usage": {"prompt_tokens": 777, "completion_tokens": 3}}
    [billed], _ = ask(lambda _: stream("text", usage), request=REQUEST)
    assert isinstance(billed, Completion) and billed.usage.input_tokens == 777 and not billed.usage.counted


def test_a_spending_limit_allows_for_the_image() -> None:
    prices = {"usd_per_million_input": 1.0, "usd_per_million_output": 1.0, "max_usd": 0.01}
    [outcome], bodies = ask(lambda _: stream("text"), request=REQUEST, **prices)
    assert isinstance(outcome, APIError) and "spending limit" in str(outcome) and bodies == []


def test_messages_without_an_image_stay_as_they_are() -> None:
    turns = [{"role": "user", "content": "Hi"}]
    assert with_image(turns, b"") is turns
    assert with_image([], b"\xff\xd8")[0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;")


def serve(application: Callable[[], web.Application], use: Callable[[str], Any]) -> Any:
    async def both() -> Any:
        async with TestServer(application()) as server:
            return await use(str(server.make_url("/v1")))

    return asyncio.run(both())


def reader_server() -> web.Application:
    return ReaderServer(Gocr()).application()


async def buy(query: Query, miner_spec: dict[str, Any]) -> tuple[Any, Meter]:
    """Have a miner buy one answer with an engine of its own."""
    miner = load_miner(miner_spec)
    [engine] = miner.engines()
    miner, meter = miner.sharing({engine.key: engine}), Meter()
    await engine.open()
    answer = await meter.run(miner.forward(query))
    await engine.close()
    return answer, meter


def test_a_passthrough_buys_sections_from_a_reader_and_pays_by_the_token(query: Query) -> None:
    spec = {"kind": "openai", "model": "gocr", "key_env": "", "private_hosts": ["127.0.0.1"]}
    spec |= {"usd_per_million_input": 1.0, "usd_per_million_output": 2.0}

    def bought(url: str) -> Any:
        return buy(query, {"kind": "passthrough", "engine": spec | {"base_url": url}, "max_tokens": 4_000})

    answer, meter = serve(reader_server, bought)
    assert "Garden chair" in [section.text for section in answer.sections] and answer.sections[0].box is not None
    cost = meter.cost
    assert cost.paid_usd == pytest.approx((cost.input_tokens + 2 * cost.output_tokens) / 1e6)
    assert cost.sent_bytes > len(query.prompt.image)


def test_an_ocr_endpoint_is_paid_by_the_page(query: Query) -> None:
    spec = {"kind": "ocr_api", "key_env": "", "private_hosts": ["127.0.0.1"]}

    def bought(url: str) -> Any:
        return buy(query, {"kind": "passthrough", "form": "markdown", "engine": spec | {"base_url": url}})

    answer, meter = serve(reader_server, bought)
    assert "Garden chair" in [section.text for section in answer.sections] and answer.sections[0].box is None
    assert meter.cost.paid_usd == pytest.approx(0.001) and meter.cost.sent_bytes > len(query.prompt.image)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, {"error": "try later"}, "sent no pages of Markdown, but something else: try later"),
        (400, {"error": {"message": "I can't help with this image"}}, "answered 400: I can't help with this image"),
        (503, {"detail": "overloaded"}, r"answered 503: overloaded \(tried 2 times\)"),
    ],
)
def test_a_refusal_of_an_ocr_endpoint_is_told_in_its_words(status: int, body: dict[str, Any], words: str) -> None:
    def refusing() -> web.Application:
        async def answer(_: web.Request) -> web.Response:
            return web.json_response(body, status=status)

        application = web.Application()
        application.add_routes([web.post("/v1/ocr", answer)])
        return application

    async def refused(url: str) -> None:
        engine = OcrApi(base_url=url, key_env="", private_hosts=("127.0.0.1",), retries=1, pause_s=0.01)
        await engine.open()
        try:
            with pytest.raises(APIError, match=words):
                await engine.generate([REQUEST])
        finally:
            await engine.close()

    serve(refusing, refused)


def test_a_server_that_is_away_is_no_answer_of_it() -> None:
    async def ask_nobody() -> None:
        engine = OcrApi(
            base_url="http://127.0.0.1:9/v1", key_env="", private_hosts=("127.0.0.1",), retries=1, pause_s=0.01
        )
        await engine.open()
        try:
            with pytest.raises(APIError, match=r"no connection to 127.0.0.1: ConnectError \(tried 2 times\)"):
                await engine.generate([REQUEST])
        finally:
            await engine.close()

    asyncio.run(ask_nobody())


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}, "no message has an image_url"),
        ("/chat/completions", [], "the body is not an object"),
        ("/ocr", {"document": {"image_url": "http://elsewhere/a.png"}}, "image_url is no data URI"),
        ("/ocr", {"document": {"image_url": "data:image/png;base64,@@"}}, "the image is not base64"),
        ("/ocr", {"document": {"image_url": "data:image/png;base64,aGk="}}, "not a PNG or JPEG image"),
    ],
)
def test_the_server_refuses_what_is_no_page_with_the_reason(path: str, body: Any, words: str) -> None:
    async def post(url: str) -> tuple[int, str]:
        import aiohttp

        async with aiohttp.ClientSession() as session, session.post(url + path, json=body) as reply:
            return reply.status, json.loads(await reply.text())["error"]["message"]

    status, message = serve(reader_server, post)
    assert status == 400 and words in message


def test_a_model_that_reads_no_images_says_what_does(query: Query) -> None:
    with pytest.raises(Exception, match="no image can be read: .* reads text alone; take a vision-language model"):
        asyncio.run(load_miner("language_model").forward(query))


def test_the_tokens_of_a_broken_image_are_none() -> None:
    png = io.BytesIO()
    Image.new("L", (280, 29)).save(png, "PNG")
    assert (image_tokens(png.getvalue()), image_tokens(b"no image"), image_tokens(b"")) == (20, 0, 0)
