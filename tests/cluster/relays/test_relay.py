"""A relay between a driver and hosts, all on this event loop."""

from __future__ import annotations

import asyncio
import gc
import pickle
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cluster.errors import HostDied
from cluster.hosts.host import Host
from cluster.relays import channel
from cluster.relays.channel import LENGTH, Address, Channel
from cluster.relays.host_port import HostPort
from cluster.relays.messages import Answers, Body, Forget, Serve
from cluster.relays.relay import Relay
from cluster.relays.relay_client import NumberedQuery, RelayClient, RelayLost
from miners import Miner
from subnets import Response
from tests.cluster import fakes
from tests.cluster.fakes import query

SECRET = b"s" * 32


@asynccontextmanager
async def driver() -> AsyncIterator[RelayClient]:
    relay = Relay(SECRET)
    client = RelayClient()
    await client.connect(await relay.listen("127.0.0.1"), SECRET)
    yield client
    await client.close()
    await quiet()


async def quiet() -> None:
    """Wait until all connections have ended."""
    loop = asyncio.get_running_loop()
    while any(isinstance(each, Channel) and each._transport is not None for each in gc.get_objects()):
        await asyncio.sleep(0.01)
    await loop.run_in_executor(None, int)


async def attach(client: RelayClient, miners: Mapping[int, Miner], *, in_turn: bool = False) -> tuple[int, HostPort]:
    host = Host("host", miners)
    await host.open()
    port = HostPort(host, in_turn=in_turn)
    expected = await client.expect()
    await port.connect(client.address, expected.host, expected.secret)
    return expected.host, port


async def ask(client: RelayClient, host: int, *uids: int, **options: object) -> list[Response]:
    served = client.serve(host, uids, NumberedQuery(query(**options)))  # type: ignore[arg-type]
    return [response async for batch in served for response in batch.responses]


async def test_hosts_answer_through_a_relay() -> None:
    async with driver() as client:
        first, _ = await attach(client, {0: fakes.Says(), 1: fakes.Raises()})
        second, _ = await attach(client, {2: fakes.Says(text="no")}, in_turn=True)
        both = await asyncio.gather(ask(client, first, 0, 1), ask(client, second, 2))
    assert sorted((response.uid, response.body, response.reason) for each in both for response in each) == [
        (0, b'{"text":"say it"}', ""),
        (1, b"", "ValueError: what a pity"),
        (2, b'{"text":"no"}', ""),
    ]


async def test_a_query_reaches_each_host_once_and_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[object] = []
    take = HostPort._receive
    monkeypatch.setattr(HostPort, "_receive", lambda port, message: (received.append(message), take(port, message)))
    async with driver() as client:
        number, port = await attach(client, {0: fakes.Says(), 1: fakes.Says()})
        packed = NumberedQuery(query())
        for uid in (0, 1):
            async for _ in client.serve(number, (uid,), packed):
                pass
        del packed
        while port._queries:
            await asyncio.sleep(0.001)
    assert [type(message) for message in received] == [Body, Serve, Serve, Forget]


async def test_a_host_with_one_slot_serves_calls_one_after_another_in_their_order() -> None:
    async with driver() as client:
        number, _ = await attach(client, {uid: fakes.Sleeps(for_s=0.02) for uid in range(6)}, in_turn=True)
        ended: list[int] = []

        async def serve(*uids: int) -> None:
            async for served in client.serve(number, uids, NumberedQuery(query())):
                ended.extend(response.uid for response in served.responses)
                assert all(response.latency_s < 0.04 or response.fault for response in served.responses)

        await asyncio.gather(serve(3, 1), serve(5, 0), serve(2, 4))
    assert ended == [3, 1, 5, 0, 2, 4]


async def test_what_a_host_answered_before_it_died_arrives_before_the_news_of_its_death() -> None:
    async with driver() as client:
        number, port = await attach(client, {0: fakes.Says(), 1: fakes.Sleeps()}, in_turn=True)
        arrived: list[int] = []
        with pytest.raises(HostDied):
            async for served in client.serve(number, (0, 1), NumberedQuery(query())):
                arrived += [response.uid for response in served.responses]
                port.close()
        assert arrived == [0]
        with pytest.raises(HostDied):
            await ask(client, number, 0)


async def test_cancelling_a_call_cancels_the_miners_work(tmp_path: Path) -> None:
    async with driver() as client:
        number, _ = await attach(client, {0: fakes.Sleeps(note=str(tmp_path / "note"))})
        asking = asyncio.create_task(ask(client, number, 0))
        while not client._calls:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        asking.cancel()
        await asyncio.wait({asking})
        while not (tmp_path / "note").exists():
            await asyncio.sleep(0.01)
    assert (tmp_path / "note").read_text() == "cancelled"


async def test_a_driver_whose_relay_ends_is_told_and_the_hosts_cancel_their_work(tmp_path: Path) -> None:
    relay, client = Relay(SECRET), RelayClient()
    await client.connect(await relay.listen("127.0.0.1"), SECRET)
    number, port = await attach(client, {0: fakes.Sleeps(note=str(tmp_path / "note"))})
    asyncio.get_running_loop().call_later(0.1, relay.close)
    with pytest.raises(RelayLost):
        await ask(client, number, 0)
    while port._calls:
        await asyncio.sleep(0.01)
    await quiet()
    assert not client.is_open
    with pytest.raises(RelayLost):
        await ask(client, number, 0)
    with pytest.raises(RelayLost):
        await client.expect()


async def test_nobody_gets_in_without_the_secret_and_nothing_of_theirs_is_unpickled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "GREETING_S", 0.2)
    read: list[bytes] = []
    monkeypatch.setattr(channel.pickle, "loads", lambda data: read.append(data) or [])
    relay = Relay(SECRET)
    address = await relay.listen("127.0.0.1")
    for number in (0, 1):
        stranger = Channel(lambda message: None, lambda: None)
        with pytest.raises(ConnectionError):
            await stranger.connect(address, number, b"x" * 32)
    forged = pickle.dumps(["hello"])
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(channel.HELLO.pack(0, b"n" * 32) + b"p" * 32 + LENGTH.pack(len(forged)) + forged)
    await reader.readexactly(64)
    assert await reader.read() == b""
    silent, other = await asyncio.open_connection(address.host, address.port)
    assert await silent.read() == b""
    for each in (writer, other):
        each.close()
        await each.wait_closed()
    relay.close()
    await quiet()
    assert read == []


async def test_a_relay_without_the_secret_is_refused() -> None:
    relay = Relay(b"x" * 32)
    with pytest.raises(ConnectionError):
        await RelayClient().connect(await relay.listen("127.0.0.1"), SECRET)
    relay.close()
    await quiet()


async def test_nobody_answers_within_the_time_to_greet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "GREETING_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(ConnectionError, match="no answer within 0.1 s"):
            await RelayClient().connect(Address(*silent.getsockname()), SECRET)


@pytest.mark.parametrize("how", ["another's number", "no frame", "no answer"])
async def test_a_host_that_breaks_the_protocol_is_cut_off_and_the_others_go_on(how: str) -> None:
    async with driver() as client:
        number, port = await attach(client, {0: fakes.Sleeps()})
        other, _ = await attach(client, {1: fakes.Says()})
        asking = asyncio.create_task(ask(client, number, 0))
        while not port._calls:
            await asyncio.sleep(0.01)
        if how == "no frame":
            port._channel._write(LENGTH.pack(3) + b"abc")
        else:
            port._channel.send(Answers(other if how != "no answer" else number, 0, b"", 0.0, True))
        with pytest.raises(HostDied):
            await asking
        (response,) = await ask(client, other, 1)
        assert response.fault is None
        port.close()


async def test_a_member_can_join_once() -> None:
    async with driver() as client:
        expected = await client.expect()
        for attempt in range(2):
            joining = Channel(lambda message: None, lambda: None)
            if attempt:
                with pytest.raises(ConnectionError):
                    await joining.connect(client.address, expected.host, expected.secret)
            else:
                await joining.connect(client.address, expected.host, expected.secret)
                joining.close()
    assert len(expected.secret) == len(secrets.token_bytes(32))
