"""Who is let in, who waits and who is held up: turns by stake, room, rates and connections, floods."""

import asyncio
import json
import re
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
import pytest
from bittensor_wallet import Keypair

from miners.axon import Code, Limits, Question, admission
from miners.axon.limits import Nonces
from miners.axon.protocol import Refusal
from miners.fakes import Echo, Silent
from miners.miner import Miner
from subnets import Answer, Query
from tests.certificates import certificate
from tests.miners.axon.field import (
    SECOND,
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


class Choosy(Miner):
    """Serves short questions alone, the shortest first."""

    async def forward(self, query: Query) -> Answer:
        return Answer(text="yes")

    def blacklist(self, query: Query) -> str:
        return super().blacklist(query) or ("too long" if len(query.prompt.text) > 20 else "")

    def priority(self, query: Query) -> float:
        return -len(query.prompt.text)


async def test_a_miners_own_blacklist_and_priority_see_the_query() -> None:
    async with field(Choosy()) as target:
        assert (await post(target, body=Question.of(ask("x" * 30)).body())).error == "refused"
        target.gate.clear()
        waiting = [asyncio.create_task(post(target))]
        await until(lambda: len(target.served) == 1)
        for text in ("a long one", "brief", "so-so.."):
            waiting.append(asyncio.create_task(post(target, body=Question.of(ask(text)).body())))
        await until(lambda: len(target.axon.admission) == 4)
        await asyncio.sleep(0.1)
        target.gate.set()
        assert {reply.status for reply in await asyncio.gather(*waiting)} == {200}
        assert [query.prompt.text for query in target.served[1:]] == ["brief", "so-so..", "a long one"]


async def test_requests_are_ranked_by_stake_and_the_lowest_gives_way_when_no_slot_is_free() -> None:
    async with field(limits=Limits(waiting=3)) as target:
        target.gate.clear()
        first = asyncio.create_task(post(target, SECOND))
        await until(lambda: len(target.served) == 1)
        small = [asyncio.create_task(post(target, SMALL)) for _ in range(2)]
        second = asyncio.create_task(post(target, SECOND))
        await until(lambda: len(target.axon.admission) == 4)
        assert (await post(target, SMALL)).error == "busy", "full, and not above anyone who waits"
        great = asyncio.create_task(post(target, VALIDATOR))
        done, _ = await asyncio.wait(small, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().error for task in done] == ["busy"], "one of the small ones made room"
        target.gate.set()
        assert {reply.status for reply in await asyncio.gather(first, great, second)} == {200}
        await asyncio.gather(*small)
        assert [query.caller.stake for query in target.served] == [500.0, 1000.0, 500.0, 10.0]


async def test_a_validator_with_a_permit_never_waits_for_the_work_of_a_caller_without() -> None:
    async with field() as target:
        target.gate.clear()
        small = asyncio.create_task(post(target, SMALL))
        await until(lambda: len(target.served) == 1)
        great = asyncio.create_task(post(target))
        reply = await small
        assert reply.error == "busy" and "gave way" in json.loads(reply.body)["reason"]
        target.gate.set()
        assert (await great).status == 200


async def test_a_validators_place_is_kept_for_its_next_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "RESERVED_S", 1.0)  # more than a busy machine takes to ask again
    async with field() as target:
        target.gate.clear()
        asked = asyncio.create_task(post(target))
        await until(lambda: len(target.served) == 1)
        small = asyncio.create_task(post(target, SMALL))
        await until(lambda: len(target.axon.admission) == 2)
        target.gate.set()
        assert (await asked).status == 200
        assert (await post(target)).status == 200
        assert (await small).status == 200, "served afterwards, and not begun in between"
        assert [query.caller.stake for query in target.served] == [1000.0, 1000.0, 10.0]


async def test_one_permitted_validator_waits_for_another() -> None:
    async with field() as target:
        target.gate.clear()
        second = asyncio.create_task(post(target, SECOND))
        await until(lambda: len(target.served) == 1)
        great = asyncio.create_task(post(target))
        await until(lambda: len(target.axon.admission) == 2)
        target.gate.set()
        assert [reply.status for reply in await asyncio.gather(second, great)] == [200, 200]


async def test_work_whose_caller_has_gone_is_given_up() -> None:
    async with field(Silent()) as target:
        gone = asyncio.create_task(post(target, body=question(timeout_s=60)))
        await until(lambda: len(target.served) == 1)
        gone.cancel()
        await until(lambda: len(target.axon.admission) == 0)


async def test_a_caller_has_a_bounded_number_of_requests_at_once() -> None:
    async with field(limits=Limits(per_caller=2)) as target:
        target.gate.clear()
        held = [asyncio.create_task(post(target)) for _ in range(2)]
        await until(lambda: len(target.axon.admission) == 2)
        assert (await post(target)).error == "rate"
        target.gate.set()
        assert [reply.status for reply in await asyncio.gather(*held)] == [200, 200]


async def test_strangers_who_come_too_often_are_held_up_and_cut_off() -> None:
    async with field(limits=Limits(refusals=0.001, refusals_burst=1, hold_s=0.5)) as target:
        assert (await post(target, STRANGER, source="127.0.0.2")).error == "refused"
        started = time.monotonic()
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(target, STRANGER, source="127.0.0.2")
        assert time.monotonic() - started >= 0.5
        assert (await post(target, STRANGER, source="127.0.0.3")).error == "refused", "another address"
        assert (await post(target, source="127.0.0.2")).status == 200, "who can sign is not held up"


async def test_a_caller_that_exceeds_its_rate_is_delayed_and_gets_the_reason() -> None:
    async with field(limits=Limits(rate=0.001, burst=1, refusals=0.001, refusals_burst=1, hold_s=0.5)) as target:
        replies = [await post(target) for _ in range(2)]
        started = time.monotonic()
        replies.append(await post(target))
        assert time.monotonic() - started >= 0.5
        assert [reply.status for reply in replies] == [200, 429, 429]


async def test_an_address_has_a_bounded_number_of_connections() -> None:
    async with field(limits=Limits(per_address=3)) as target:
        opened = [await asyncio.open_connection("127.0.0.1", target.axon.port) for _ in range(4)]
        await until(lambda: target.axon.door is not None and target.axon.door.cut == 1)
        assert await opened[3][0].read() == b""
        for _, writer in opened:
            writer.close()
        await until(lambda: target.axon.door is not None and len(target.axon.door) == 0)
        assert (await post(target)).status == 200


async def test_a_crowd_of_strangers_does_not_shut_out_callers_who_can_sign() -> None:
    async with field(limits=Limits(connections=10, per_address=10)) as target:
        crowd = [
            await asyncio.open_connection("127.0.0.1", target.axon.port, local_addr=("127.0.0.2", 0)) for _ in range(10)
        ]
        target.gate.clear()
        asked = asyncio.create_task(post(target))
        await until(lambda: len(target.served) == 1)
        crowd += [
            await asyncio.open_connection("127.0.0.1", target.axon.port, local_addr=("127.0.0.3", 0)) for _ in range(10)
        ]
        target.gate.set()
        assert (await asked).status == 200
        assert target.axon.door is not None and target.axon.door.cut >= 10 and len(target.axon.door) <= 10
        for _, writer in crowd:
            writer.close()


def test_what_it_remembers_is_bounded_and_forgotten_with_time() -> None:
    nonces = Nonces(max_per_caller=3)
    for place in range(3):
        nonces.use("caller", str(place), time_ms=1000, now_ms=1000)
    with pytest.raises(Refusal, match="at most 3 requests"):
        nonces.use("caller", "3", time_ms=1000, now_ms=1000)
    nonces.forget(now_ms=11_000)
    with pytest.raises(Refusal, match="used before"):
        nonces.check("caller", "0")
    nonces.forget(now_ms=11_001)
    assert len(nonces) == 0


async def test_handshakes_count_as_connections(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    async with field(limits=Limits(connections=6, per_address=3), tls=tls) as target:
        idle = [await asyncio.open_connection("127.0.0.1", target.axon.port) for _ in range(4)]
        door = target.axon.door
        await until(lambda: door is not None and door.cut == 1 and len(door) == 3)
        crowd = [
            await asyncio.open_connection("127.0.0.1", target.axon.port, local_addr=(f"127.0.0.{place % 3 + 2}", 0))
            for place in range(9)
        ]
        await until(lambda: door is not None and door.cut == 7 and len(door) == 6)
        ours = ssl.create_default_context(cafile=pem)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", target.axon.port, ssl=ours, local_addr=("127.0.0.9", 0)
        )
        writer.write(b"GET /v1/health HTTP/1.1\r\nHost: it\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"200"
        for _, other in [*idle, *crowd, (reader, writer)]:
            other.close()
        await until(lambda: door is not None and len(door) == 0)


@dataclass
class Held:
    """A connection that one's own request has made known."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, target: Field, key: Keypair, source: str) -> Self:
        held = cls(*await asyncio.open_connection("127.0.0.1", target.axon.port, local_addr=(source, 0)))
        assert await held.asks(key) == b"200"
        return held

    async def asks(self, key: Keypair) -> bytes:
        """Return the status, or nothing where the connection was cut."""
        body = Question.of(ask()).body()
        head = {"Host": "it", "Content-Length": str(len(body)), **sealed(key, body)}
        self.writer.write(b"POST /v1/query HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()).encode())
        self.writer.write(b"\r\n" + body)
        try:
            reply = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        length = re.search(rb"Content-Length: (\d+)", reply)
        await self.reader.readexactly(int(length[1]) if length else 0)
        return reply.split()[1]


async def test_a_caller_with_many_connections_does_not_shut_out_callers_with_more_stake() -> None:
    async with field(limits=Limits(connections=16, per_address=4, per_caller=4)) as target:
        held = [await Held.open(target, SMALL, f"127.0.0.{place // 4 + 2}") for place in range(16)]
        richer = [await Held.open(target, VALIDATOR, f"127.0.0.{place // 4 + 7}") for place in range(8)]
        assert target.axon.door is not None and (target.axon.door.cut, len(target.axon.door)) == (8, 16)
        statuses = [await one.asks(SMALL) for one in held]
        assert statuses == [b"200"] * 4 + [b""] * 8 + [b"200"] * 4, "those beyond its four were cut, the oldest first"
        for one in held + richer:
            one.writer.close()


async def test_where_all_are_known_those_of_less_stake_give_way() -> None:
    async with field(limits=Limits(connections=8, per_address=8, per_caller=8)) as target:
        small = [await Held.open(target, SMALL, "127.0.0.2") for _ in range(8)]
        rich = [await Held.open(target, VALIDATOR, "127.0.0.3") for _ in range(7)]
        crowd = [
            await asyncio.open_connection("127.0.0.1", target.axon.port, local_addr=("127.0.0.4", 0)) for _ in range(4)
        ]
        assert [await one.asks(VALIDATOR) for one in rich] == [b"200"] * 7
        assert [await one.asks(SMALL) for one in small].count(b"") >= 7
        for one in small + rich:
            one.writer.close()
        for _, writer in crowd:
            writer.close()


async def test_floods_by_strangers_and_small_callers_keep_no_validator_waiting() -> None:
    limits = Limits(rate=2.0, burst=12, refusals=10.0, refusals_burst=10, hold_s=0.2)
    async with field(Echo(), limits, slots=1) as target:
        stop = asyncio.Event()

        async def flood(key: Keypair, source: str) -> None:
            while not stop.is_set():
                try:
                    await post(target, key, source=source)
                except (aiohttp.ClientError, OSError):
                    continue

        floods = [asyncio.create_task(flood(STRANGER, f"127.0.0.{place}")) for place in range(2, 8)]
        floods += [asyncio.create_task(flood(SMALL, "127.0.0.9")) for _ in range(4)]
        await until(lambda: target.axon.refused[Code.REFUSED] > 50 and target.axon.refused[Code.RATE] > 0, timeout_s=60)
        replies = [await post(target) for _ in range(10)]
        stop.set()
        await asyncio.gather(*floods)
        assert [reply.status for reply in replies] == [200] * 10
        assert not any(query.caller.hotkey == STRANGER.ss58_address for query in target.served)
