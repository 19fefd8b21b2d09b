"""What is not HTTP is refused within the limits of all refusals, and tells nothing."""

import asyncio
import logging

import pytest

from miners.axon import Limits
from miners.axon.protocol import Code, Denial
from tests.miners.axon.field import CALLERS, VALIDATOR, field, post

NO_HTTP = {
    "text": b"hello\r\n\r\n",
    "binary": bytes(range(256)),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "two lengths": b"POST /v1/query HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "bad version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "bad chunk": b"POST /v1/query HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


async def send(port: int, content: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(content)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("kind", NO_HTTP)
async def test_what_is_not_http_is_refused_without_the_librarys_name(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with field() as target:
        head, _, body = (await send(target.axon.port, NO_HTTP[kind])).partition(b"\r\n\r\n")
        assert b"aiohttp" not in head.lower() and b"python" not in head.lower()
        assert b"server: subnetlab" in head.lower()
        status = int(head.split()[1])
        assert Denial.read(status, body) is not None
        assert target.axon.refused.total() == 1 and not target.served
    assert not caplog.records


async def test_malformed_http_is_held_and_gets_no_reply_beyond_the_limit_of_refusals(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits = Limits(refusals=0.001, refusals_burst=3, hold_s=0.3)
    async with field(limits=limits) as target:
        begun = asyncio.get_running_loop().time()
        replies = await asyncio.gather(*(send(target.axon.port, NO_HTTP["text"]) for _ in range(30)))
        assert sum(map(bool, replies)) == 3
        assert asyncio.get_running_loop().time() - begun >= 0.3
        assert target.axon.refused == {Code.MALFORMED: 30}
        assert (await post(target, VALIDATOR)).status == 200, "a caller that can sign is still served"
    assert not caplog.records


async def test_a_failure_of_the_server_is_logged_a_few_times_and_its_details_are_not_sent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with field() as target:

        def broken(*args: object) -> None:
            raise ValueError("secret")

        monkeypatch.setattr(target.axon, "_admit", broken)
        for _ in range(12):
            reply = await send(target.axon.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert reply.startswith(b"HTTP/1.1 500") and b"secret" not in reply and b"aiohttp" not in reply
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 5


async def test_callers_too_old_to_be_trusted_are_refused_and_this_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with field(registry_s=0.5) as target:
        assert (await post(target)).status == 200
        await asyncio.sleep(0.6)
        for _ in range(3):
            reply = await post(target)
            assert reply.error == "failed" and b"can't read who is registered" in reply.body
        assert [record.message.partition(" were")[0] for record in caplog.records] == ["the registered callers"]
        target.axon.update_callers(CALLERS)
        assert (await post(target)).status == 200
