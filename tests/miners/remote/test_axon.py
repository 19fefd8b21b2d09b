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
from miners.miner import Miner
from subnets import Answer, Query
from tests.miners.remote.field import (
    MINER,
    OTHER_MINER,
    SECOND,
    SMALL,
    STRANGER,
    VALIDATOR,
    Field,
    ask,
    field,
    post,
    sealed,
)

BODY = Question.of(ask()).body()


async def test_a_registered_validator_gets_an_answer() -> None:
    async with field() as there:
        reply = await post(there)
        assert reply.status == 200 and Answer.model_validate_json(reply.body).text == "hello"
        assert there.served[0].caller.stake == 1000.0 and there.axon.answered == 1


async def refused(there: Field, code: Code, *arguments: Any, **options: Any) -> None:
    """Send something that must be refused before any work, and see that others are served as before."""
    reply = await post(there, *arguments, **options)
    assert reply.error == code, reply
    assert there.served == [] and there.axon.refused[code] == 1
    assert (await post(there)).status == 200


@pytest.mark.parametrize(
    ("key", "code"),
    [(STRANGER, Code.REFUSED), (SMALL, Code.REFUSED)],
    ids=["unregistered", "too little stake"],
)
async def test_who_is_not_wanted_is_refused(key: Keypair, code: Code) -> None:
    async with field(Echo(min_stake=100.0)) as there:
        await refused(there, code, key)


async def test_a_caller_without_a_permit_is_refused_where_one_is_required() -> None:
    async with field(Echo(require_permit=True)) as there:
        await refused(there, Code.REFUSED, SMALL)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (lambda: sealed(VALIDATOR, BODY, signer=STRANGER), Code.UNSIGNED),
        (lambda: sealed(VALIDATOR, BODY, recipient=OTHER_MINER.ss58_address), Code.RECIPIENT),
        (lambda: sealed(VALIDATOR, BODY, time_ms=_ms(-10.5)), Code.EXPIRED),
        (lambda: sealed(VALIDATOR, BODY, time_ms=_ms(+10.5)), Code.EXPIRED),
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
    async with field() as there:
        await refused(there, code, VALIDATOR, BODY, headers())


def _ms(offset_s: float) -> int:
    return time.time_ns() // 1_000_000 + int(offset_s * 1000)


async def test_a_replay_is_refused_and_costs_its_victim_nothing() -> None:
    async with field(limits=Limits(rate=0.001, burst=2)) as there:
        headers = sealed(VALIDATOR, BODY)
        assert (await post(there, VALIDATOR, BODY, headers)).status == 200
        replays = [await post(there, VALIDATOR, BODY, headers) for _ in range(5)]
        assert {reply.error for reply in replays} == {"replayed"} and len(there.served) == 1
        assert (await post(there)).status == 200, "the second of the two that the validator may ask"
        assert (await post(there)).error == "rate"


def question(**changes: Any) -> bytes:
    return json.dumps(json.loads(BODY) | changes).encode()


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
    async with field() as there:
        await refused(there, Code.MALFORMED, VALIDATOR, body)


async def test_an_image_bomb_is_refused_by_our_own_limit_on_pixels() -> None:
    assert len(bomb()) < 15_000
    async with field() as there:
        reply = await post(there, body=question(image=_base64(bomb())))
        assert "9000 x 9000 pixels; at most 8192 a side and 20,000,000" in json.loads(reply.body)["reason"]


async def test_an_oversized_body_is_refused_by_its_head() -> None:
    async with field(limits=Limits(query_bytes=1000)) as there:
        body = question(id="x" * 150) + b" " * 1000
        await refused(there, Code.TOO_LARGE, VALIDATOR, body)


async def test_a_body_that_turns_out_too_large_is_refused_on_the_way() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    async with field(limits=Limits(query_bytes=10_000)) as there:
        await refused(there, Code.TOO_LARGE, VALIDATOR, BODY, data=endless())


async def test_a_gzip_bomb_is_not_unpacked() -> None:
    bombed = gzip.compress(b" " * 50_000_000)
    async with field() as there:
        await refused(there, Code.ENCODED, VALIDATOR, bombed, sealed(VALIDATOR, bombed) | {"Content-Encoding": "gzip"})
        honest = sealed(VALIDATOR, bombed)
        assert (await post(there, VALIDATOR, bombed, honest)).error == "malformed", "said to be JSON"


async def test_a_body_that_drips_is_given_up_and_stops_nobody() -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for place in range(len(BODY)):
            yield BODY[place : place + 1]
            await asyncio.sleep(0.05)

    async with field(limits=Limits(body_s=0.4, waiting=1)) as there:
        slow = asyncio.create_task(post(there, SMALL, BODY, data=dripping()))
        await until(lambda: len(there.axon.admission) == 1)
        assert (await post(there)).status == 200
        assert (await slow).error == "slow"


async def test_a_head_that_drips_is_cut_off() -> None:
    async with field(limits=Limits(idle_s=0.3)) as there:
        reader, writer = await asyncio.open_connection("127.0.0.1", there.axon.port)
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
    async with field() as there:
        assert (await post(there, path=path)).error == code


async def test_a_miner_that_fails_or_is_late_is_told_without_its_secrets() -> None:
    async with field(Crashing()) as there:
        reply = await post(there)
        assert (reply.status, reply.error) == (500, "failed") and b"purpose" not in reply.body
    async with field(Silent()) as there:
        reply = await post(there, body=question(timeout_s=0.3))
        assert (reply.status, reply.error) == (504, "timeout")


async def test_a_query_may_not_ask_for_more_time_than_there_is() -> None:
    async with field(Silent(), Limits(timeout_s=0.3)) as there:
        started = time.monotonic()
        assert (await post(there, body=question(timeout_s=3600))).error == "timeout"
        assert time.monotonic() - started < 3.0


class Choosy(Miner):
    """Serves short questions alone, the shortest first."""

    async def forward(self, query: Query) -> Answer:
        return Answer(text="yes")

    def blacklist(self, query: Query) -> str:
        return super().blacklist(query) or ("too long" if len(query.prompt.text) > 20 else "")

    def priority(self, query: Query) -> float:
        return -len(query.prompt.text)


async def test_a_miners_own_blacklist_and_priority_see_the_query() -> None:
    async with field(Choosy()) as there:
        assert (await post(there, body=Question.of(ask("x" * 30)).body())).error == "refused"
        there.gate.clear()
        waiting = [asyncio.create_task(post(there))]
        await until(lambda: len(there.served) == 1)
        for text in ("a long one", "brief", "so-so.."):
            waiting.append(asyncio.create_task(post(there, body=Question.of(ask(text)).body())))
        await until(lambda: len(there.axon.admission) == 4)
        await asyncio.sleep(0.1)
        there.gate.set()
        assert {reply.status for reply in await asyncio.gather(*waiting)} == {200}
        assert [query.prompt.text for query in there.served[1:]] == ["brief", "so-so..", "a long one"]


async def test_turns_go_by_stake_and_the_lowest_gives_way_where_there_is_no_room() -> None:
    async with field(limits=Limits(waiting=3)) as there:
        there.gate.clear()
        first = asyncio.create_task(post(there, SECOND))
        await until(lambda: len(there.served) == 1)
        small = [asyncio.create_task(post(there, SMALL)) for _ in range(2)]
        second = asyncio.create_task(post(there, SECOND))
        await until(lambda: len(there.axon.admission) == 4)
        assert (await post(there, SMALL)).error == "busy", "full, and not above anyone who waits"
        great = asyncio.create_task(post(there, VALIDATOR))
        done, _ = await asyncio.wait(small, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().error for task in done] == ["busy"], "one of the small ones made room"
        there.gate.set()
        assert {reply.status for reply in await asyncio.gather(first, great, second)} == {200}
        await asyncio.gather(*small)
        assert [query.caller.stake for query in there.served] == [500.0, 1000.0, 500.0, 10.0]


async def test_a_validator_with_a_permit_never_waits_for_the_work_of_a_caller_without() -> None:
    async with field() as there:
        there.gate.clear()
        small = asyncio.create_task(post(there, SMALL))
        await until(lambda: len(there.served) == 1)
        great = asyncio.create_task(post(there))
        reply = await small
        assert reply.error == "busy" and "gave way" in json.loads(reply.body)["reason"]
        there.gate.set()
        assert (await great).status == 200


async def test_one_permitted_validator_waits_for_another() -> None:
    async with field() as there:
        there.gate.clear()
        second = asyncio.create_task(post(there, SECOND))
        await until(lambda: len(there.served) == 1)
        great = asyncio.create_task(post(there))
        await until(lambda: len(there.axon.admission) == 2)
        there.gate.set()
        assert [reply.status for reply in await asyncio.gather(second, great)] == [200, 200]


async def test_work_whose_caller_has_gone_is_given_up() -> None:
    async with field(Silent()) as there:
        gone = asyncio.create_task(post(there, body=question(timeout_s=60)))
        await until(lambda: len(there.served) == 1)
        gone.cancel()
        await until(lambda: len(there.axon.admission) == 0)


async def test_a_caller_has_a_bounded_number_of_requests_at_once() -> None:
    async with field(limits=Limits(per_caller=2)) as there:
        there.gate.clear()
        held = [asyncio.create_task(post(there)) for _ in range(2)]
        await until(lambda: len(there.axon.admission) == 2)
        assert (await post(there)).error == "rate"
        there.gate.set()
        assert [reply.status for reply in await asyncio.gather(*held)] == [200, 200]


async def test_strangers_who_come_too_often_are_held_up_and_cut_off() -> None:
    async with field(limits=Limits(refusals=3.0, hold_s=0.5)) as there:
        quick = [await post(there, STRANGER, source="127.0.0.2") for _ in range(3)]
        assert {reply.error for reply in quick} == {"refused"}
        started = time.monotonic()
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(there, STRANGER, source="127.0.0.2")
        assert time.monotonic() - started >= 0.5
        assert (await post(there, STRANGER, source="127.0.0.3")).error == "refused", "another address"
        assert (await post(there, source="127.0.0.2")).status == 200, "who can sign is not held up"


async def test_a_caller_that_exceeds_its_rate_is_held_up_and_told_why() -> None:
    async with field(limits=Limits(rate=0.001, burst=1, refusals=1.0, hold_s=0.5)) as there:
        replies = [await post(there) for _ in range(2)]
        started = time.monotonic()
        replies.append(await post(there))
        assert time.monotonic() - started >= 0.5
        assert [reply.status for reply in replies] == [200, 429, 429]


async def test_an_address_has_a_bounded_number_of_connections() -> None:
    async with field(limits=Limits(per_address=3)) as there:
        opened = [await asyncio.open_connection("127.0.0.1", there.axon.port) for _ in range(4)]
        await until(lambda: there.axon.door is not None and there.axon.door.cut == 1)
        assert await opened[3][0].read() == b""
        for _, writer in opened:
            writer.close()
        await until(lambda: there.axon.door is not None and len(there.axon.door) == 0)
        assert (await post(there)).status == 200


async def test_a_crowd_of_strangers_shuts_out_nobody_who_can_sign() -> None:
    async with field(limits=Limits(connections=10, per_address=10)) as there:
        crowd = [
            await asyncio.open_connection("127.0.0.1", there.axon.port, local_addr=("127.0.0.2", 0)) for _ in range(10)
        ]
        there.gate.clear()
        asked = asyncio.create_task(post(there))
        await until(lambda: len(there.served) == 1)
        crowd += [
            await asyncio.open_connection("127.0.0.1", there.axon.port, local_addr=("127.0.0.3", 0)) for _ in range(10)
        ]
        there.gate.set()
        assert (await asked).status == 200
        assert there.axon.door is not None and there.axon.door.cut >= 10 and len(there.axon.door) <= 10
        for _, writer in crowd:
            writer.close()


async def test_what_it_remembers_is_bounded() -> None:
    async with field(limits=Limits(rate=100.0, burst=30)) as there:
        await asyncio.gather(*(post(there) for _ in range(20)))
        assert len(there.axon._nonces) == 20
        there.axon.know({})
        assert len(there.axon._nonces) == 0
        assert (await post(there)).error == "refused", "no longer registered"


async def test_floods_by_strangers_and_small_callers_keep_no_validator_waiting() -> None:
    limits = Limits(rate=2.0, burst=12, refusals=10.0, hold_s=0.2)
    async with field(Echo(), limits, places=1) as there:
        stop = asyncio.Event()

        async def flood(key: Keypair, source: str) -> None:
            while not stop.is_set():
                try:
                    await post(there, key, source=source)
                except (aiohttp.ClientError, OSError):
                    continue

        floods = [asyncio.create_task(flood(STRANGER, f"127.0.0.{place}")) for place in range(2, 8)]
        floods += [asyncio.create_task(flood(SMALL, "127.0.0.9")) for _ in range(4)]
        await until(lambda: there.axon.refused[Code.REFUSED] > 50 and there.axon.refused[Code.RATE] > 0, timeout_s=60)
        replies = [await post(there) for _ in range(10)]
        stop.set()
        await asyncio.gather(*floods)
        assert [reply.status for reply in replies] == [200] * 10
        assert not any(query.caller.hotkey == STRANGER.ss58_address for query in there.served)


async def test_a_restart_forgets_nonces_and_serves_no_request_again() -> None:
    async with field() as there:
        headers = sealed(VALIDATOR, BODY)
        assert (await post(there, VALIDATOR, BODY, headers)).status == 200
    await asyncio.sleep(0.005)
    async with field() as there:
        await refused(there, Code.EXPIRED, VALIDATOR, BODY, headers)


async def test_health_tells_who_serves_and_nothing_else() -> None:
    async with field() as there, aiohttp.ClientSession() as session:
        async with session.get(there.url + "/v1/health") as reply:
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


async def until(true: Any, timeout_s: float = 5.0) -> None:
    """Wait for something to become so."""
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.005)
