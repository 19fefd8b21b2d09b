"""An axon under attack: what is not a registered, wanted caller's own fresh request never reaches the miner."""

import asyncio
import base64
import gzip
import io
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from bittensor_wallet import Keypair
from PIL import Image

from miners.axon import Axon, Code, Limits, Question
from miners.axon.protocol import NONCE, SIGNATURE, Envelope
from miners.fakes import Crashing, Echo, Silent
from subnets import Answer
from tests.miners.axon.field import (
    CALLERS,
    MINER,
    OTHER_MINER,
    SMALL,
    STRANGER,
    VALIDATOR,
    Field,
    ask,
    field,
    post,
    question,
    sealed,
    until,
)

BODY = Question.of(ask()).body()


async def test_a_registered_validator_gets_an_answer() -> None:
    async with field() as target:
        reply = await post(target)
        assert reply.status == 200 and Answer.model_validate_json(reply.body).text == "hello"
        assert target.served[0].caller.stake == 1000.0 and target.axon.answered == 1


async def refused(target: Field, code: Code, *arguments: Any, **options: Any) -> None:
    """Send something that must be refused before any work, and see that others are served as before."""
    reply = await post(target, *arguments, **options)
    assert reply.error == code, reply
    assert target.served == [] and target.axon.refused[code] == 1
    assert (await post(target)).status == 200


@pytest.mark.parametrize(
    ("key", "code"),
    [(STRANGER, Code.REFUSED), (SMALL, Code.REFUSED)],
    ids=["unregistered", "too little stake"],
)
async def test_who_is_not_wanted_is_refused(key: Keypair, code: Code) -> None:
    async with field(Echo(min_stake=100.0)) as target:
        await refused(target, code, key)


async def test_a_caller_without_a_permit_is_refused_where_one_is_required() -> None:
    async with field(Echo(require_permit=True)) as target:
        await refused(target, Code.REFUSED, SMALL)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (lambda: sealed(VALIDATOR, BODY, signer=STRANGER), Code.UNSIGNED),
        (lambda: sealed(VALIDATOR, BODY, recipient=OTHER_MINER.ss58_address), Code.RECIPIENT),
        (lambda: sealed(VALIDATOR, BODY, time_ms=_ms(-10.5)), Code.EXPIRED),
        (lambda: sealed(VALIDATOR, BODY, time_ms=_ms(+2.5)), Code.EXPIRED),
        (lambda: sealed(VALIDATOR, BODY, time_ms=_ms(-5.0)), Code.EXPIRED),
        (lambda: sealed(VALIDATOR, BODY + b" "), Code.UNSIGNED),
        (lambda: sealed(VALIDATOR, BODY) | {NONCE: "f" * 32}, Code.UNSIGNED),
        (lambda: sealed(VALIDATOR, BODY) | {SIGNATURE: "f" * 127}, Code.MALFORMED),
        (lambda: sealed(VALIDATOR, BODY) | {"Subnetlab-Protocol": "2"}, Code.MALFORMED),
        (lambda: {"Content-Type": "application/json"}, Code.MALFORMED),
        (lambda: sealed(VALIDATOR, BODY) | {"Content-Type": "application/x-pickle"}, Code.MALFORMED),
        (lambda: sealed(VALIDATOR, BODY) | {"Content-Encoding": "gzip"}, Code.ENCODED),
    ],
    ids=[
        "signed by another key",
        "for another recipient",
        "too old",
        "from the future",
        "from before the start",
        "of another body",
        "of another nonce",
        "half a signature",
        "of another version",
        "no envelope",
        "no JSON",
        "compressed",
    ],
)
async def test_an_envelope_that_is_not_the_callers_own_and_fresh_is_refused(headers: Any, code: Code) -> None:
    async with field() as target:
        await refused(target, code, VALIDATOR, BODY, headers())


def _ms(offset_s: float) -> int:
    return time.time_ns() // 1_000_000 + int(offset_s * 1000)


async def test_a_replay_is_refused_and_costs_its_victim_nothing() -> None:
    async with field(limits=Limits(rate=0.001, burst=2)) as target:
        headers = sealed(VALIDATOR, BODY)
        assert (await post(target, VALIDATOR, BODY, headers)).status == 200
        replays = [await post(target, VALIDATOR, BODY, headers) for _ in range(5)]
        assert {reply.error for reply in replays} == {"replayed"} and len(target.served) == 1
        assert (await post(target)).status == 200, "the second of the two that the validator may ask"
        assert (await post(target)).error == "rate"


def bomb() -> bytes:
    png = io.BytesIO()
    Image.new("1", (9000, 9000)).save(png, "PNG", optimize=True)
    return png.getvalue()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage \xff\x00",
        b"[" * 100_000,
        b"\x80\x04\x95.",
        question(surprise=1),
        question(timeout_s="12"),
        question(timeout_s=float("nan")),
        question(timeout_s=-1),
        question(messages=[{"role": "root", "content": "x"}]),
        question(image="no base64!"),
        question(image=_base64(b"GIF89a")),
        question(image=_base64(bomb())),
    ],
    ids=[
        "empty",
        "garbage",
        "deep",
        "pickle",
        "unknown key",
        "wrong type",
        "NaN",
        "negative",
        "unknown role",
        "no base64",
        "no image",
        "image bomb",
    ],
)
async def test_a_body_that_is_not_of_the_schema_is_refused(body: bytes) -> None:
    async with field() as target:
        await refused(target, Code.MALFORMED, VALIDATOR, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[' + b"{}," * 10_000 + b"{}]}",
        json.dumps({str(key): 0 for key in range(10_000)}).encode(),
        b'{"id":' + b'"",' * 20_000,
        b'"' * 100_000,
    ],
    ids=["many turns", "many keys", "many texts", "quotes alone"],
)
async def test_a_body_of_many_small_parts_is_refused_before_it_is_parsed(body: bytes) -> None:
    async with field() as target:
        reply = await post(target, VALIDATOR, body)
        assert (reply.status, json.loads(reply.body)["reason"][:22]) == (400, "body: more than 20,000")
        longest = [{"role": "user", "content": '{"a": [1, "b"]}'}] * 1000
        assert (await post(target, body=question(messages=longest))).status == 200


async def test_an_image_bomb_is_refused_by_our_own_limit_on_pixels() -> None:
    assert len(bomb()) < 15_000
    async with field() as target:
        reply = await post(target, body=question(image=_base64(bomb())))
        assert "9000 x 9000 pixels; at most 8192 a side and 20,000,000" in json.loads(reply.body)["reason"]


async def test_an_image_that_broke_off_on_the_way_is_refused_with_the_reason() -> None:
    whole = io.BytesIO()
    Image.radial_gradient("L").save(whole, "JPEG")
    async with field() as target:
        assert (await post(target, body=question(image=_base64(whole.getvalue())))).status == 200
        reply = await post(target, body=question(image=_base64(whole.getvalue()[:-400])))
        assert (reply.status, json.loads(reply.body)["reason"][:35]) == (400, "body.image: the image is truncated:")


async def test_an_oversized_body_is_refused_by_its_head() -> None:
    async with field(limits=Limits(query_bytes=1000)) as target:
        body = question(id="x" * 150) + b" " * 1000
        await refused(target, Code.TOO_LARGE, VALIDATOR, body)


async def test_a_body_that_turns_out_too_large_is_refused_on_the_way() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    async with field(limits=Limits(query_bytes=10_000)) as target:
        await refused(target, Code.TOO_LARGE, VALIDATOR, BODY, data=endless())


async def test_a_gzip_bomb_is_not_unpacked() -> None:
    bombed = gzip.compress(b" " * 50_000_000)
    async with field() as target:
        await refused(target, Code.ENCODED, VALIDATOR, bombed, sealed(VALIDATOR, bombed) | {"Content-Encoding": "gzip"})
        honest = sealed(VALIDATOR, bombed)
        assert (await post(target, VALIDATOR, bombed, honest)).error == "malformed", "said to be JSON"


async def test_a_body_that_drips_is_given_up_and_stops_nobody() -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for place in range(len(BODY)):
            yield BODY[place : place + 1]
            await asyncio.sleep(0.05)

    async with field(limits=Limits(body_s=0.4, waiting=1)) as target:
        slow = asyncio.create_task(post(target, SMALL, BODY, data=dripping()))
        await until(lambda: len(target.axon.admission) == 1)
        assert (await post(target)).status == 200
        assert (await slow).error == "slow"


async def test_a_head_that_drips_is_cut_off() -> None:
    async with field(limits=Limits(idle_s=0.3)) as target:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.axon.port)
        started = time.monotonic()
        writer.write(b"POST /v1/query HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"X-Slow: 1\r\n")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert await reader.read() == b"" and time.monotonic() - started < 3.0
        dripping.cancel()
        writer.close()


@pytest.mark.parametrize(("path", "code"), [("/", "not_found"), ("/v1/query/../../etc/passwd", "not_found")])
async def test_there_is_nothing_else_to_find(path: str, code: str) -> None:
    async with field() as target:
        assert (await post(target, path=path)).error == code


async def test_a_failed_or_late_miner_is_reported_without_its_secrets() -> None:
    async with field(Crashing()) as target:
        reply = await post(target)
        assert (reply.status, reply.error) == (500, "failed") and b"purpose" not in reply.body
    async with field(Silent()) as target:
        reply = await post(target, body=question(timeout_s=0.3))
        assert (reply.status, reply.error) == (504, "timeout")


async def test_a_query_may_not_ask_for_more_time_than_there_is() -> None:
    async with field(Silent(), Limits(timeout_s=0.3)) as target:
        started = time.monotonic()
        assert (await post(target, body=question(timeout_s=3600))).error == "timeout"
        assert time.monotonic() - started < 3.0


async def test_a_restart_forgets_nonces_and_serves_no_request_again() -> None:
    async with field() as target:
        headers = sealed(VALIDATOR, BODY)
        assert (await post(target, VALIDATOR, BODY, headers)).status == 200
    await asyncio.sleep(0.005)
    async with field() as target:
        await refused(target, Code.EXPIRED, VALIDATOR, BODY, headers)


async def test_a_request_from_a_clock_that_is_ahead_waits_and_is_not_served_again_after_a_restart() -> None:
    async with field() as target:
        signed_for = time.time() + 0.5
        headers = sealed(VALIDATOR, BODY, time_ms=int(signed_for * 1000))
        assert (await post(target, VALIDATOR, BODY, headers)).status == 200
        assert time.time() >= int(signed_for * 1000) / 1000
    await asyncio.sleep(0.005)
    async with field() as target:
        await refused(target, Code.EXPIRED, VALIDATOR, BODY, headers)


async def test_a_caller_that_comes_back_may_not_repeat_what_it_sent() -> None:
    async with field() as target:
        headers = sealed(VALIDATOR, BODY)
        assert (await post(target, VALIDATOR, BODY, headers)).status == 200
        target.axon.update_callers({})
        assert (await post(target)).error == "refused", "no longer registered"
        target.axon.update_callers(CALLERS)
        assert (await post(target, VALIDATOR, BODY, headers)).error == "replayed"


async def test_health_tells_who_serves_and_nothing_else() -> None:
    async with field() as target, aiohttp.ClientSession() as session:
        async with session.get(target.url + "/v1/health") as reply:
            assert await reply.json() == {"protocol": "1", "hotkey": MINER.ss58_address}
            assert reply.headers["Server"] == "subnetlab"


def test_a_port_is_known_only_while_it_listens() -> None:
    axon = Axon(MINER, Echo(), {}, work=lambda query: Silent().forward(query))  # type: ignore[arg-type, return-value]
    with pytest.raises(RuntimeError, match="not started"):
        axon.port  # noqa: B018


def test_the_signed_bytes_are_those_of_the_document() -> None:
    envelope = Envelope("caller", "miner", "0" * 32, 1_700_000_000_000, "ab")
    lines = ["subnetlab request 1", "POST /v1/query", "caller", "miner", "0" * 32, "1700000000000", "ab"]
    assert envelope.message == "\n".join(lines).encode()
