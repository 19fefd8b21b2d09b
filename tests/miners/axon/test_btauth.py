"""btauth/1: requests signed as the field signs them reach the miner, and nobody else's do."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from bittensor_wallet import Keypair

from consensus.chain.keys import verify
from miners.axon import Code, Limits, Question, wire_of
from miners.axon.protocol import Refusal
from miners.axon.unverified import UnverifiedBodies
from miners.axon.wires import BtAuth
from miners.axon.wires.btauth import CRYPTO, HOTKEY, NONCE, RECEIVER, SIGNATURE, VERSION, signed_bytes
from miners.errors import RefusedError, RemoteError
from subnets import Caller
from tests.miners.axon.field import (
    CALLERS,
    MINER,
    OTHER_MINER,
    SMALL,
    STRANGER,
    VALIDATOR,
    ask,
    dendrite,
    field,
    post,
    until,
    wallet,
)

BODY = Question.of(ask()).body()
BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
VECTORS = [
    (
        "ed25519",
        "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu",
        "3f3f1f93f91cc1d48007aa5736b0d7f8b11818fc4521a8f7c6b4a38200f2a34a"
        "3a44a127decde0d514852477be4d681ca7f140db67d1d0e7d625ee28af5a8200",
    ),
    (
        "sr25519",
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "bc49285346f49993618cb6f677fa1faac46b3c10070d6d285fda669e60a9c368"
        "37fd9991a8a51643877777c64f2c7aec4923ca1d5c4fd4c28cc474c38c012988",
    ),
]
"""Signatures by //Alice for //Bob of POST /v1/query?x=1, made by bittensor 11.3.0."""


@pytest.mark.parametrize(("scheme", "alice", "signature"), VECTORS, ids=["ed25519", "sr25519"])
def test_the_eight_lines_are_those_that_the_package_signs(scheme: Any, alice: str, signature: str) -> None:
    message = signed_bytes(scheme, "post", "/v1/query?x=1", b'{"a":1}', "1700000000000000000", alice, BOB)
    assert verify(alice, message, bytes.fromhex(signature), scheme)
    changed = signed_bytes(scheme, "post", "/v1/query?x=2", b'{"a":1}', "1700000000000000000", alice, BOB)
    assert not verify(alice, changed, bytes.fromhex(signature), scheme)


def signed(
    key: Keypair = VALIDATOR,
    body: bytes = BODY,
    *,
    offset_s: float = 0.0,
    receiver: str = MINER.ss58_address,
    signer: Keypair | None = None,
    target: str = "/v1/query",
    scheme: Any = "sr25519",
) -> dict[str, str]:
    """Headers of a request, as another implementation of btauth/1 makes them."""
    nonce = str(time.time_ns() + int(offset_s * 1e9))
    message = signed_bytes(scheme, "POST", target, body, nonce, key.ss58_address, receiver)
    return {
        VERSION: "1",
        HOTKEY: key.ss58_address,
        RECEIVER: receiver,
        NONCE: nonce,
        SIGNATURE: f"0x{(signer or key).sign(message).hex()}",
        "Content-Type": "application/json",
    }


async def test_a_signed_request_gets_an_answer_and_its_replay_does_not() -> None:
    async with field(wire=BtAuth()) as target:
        headers = signed()
        reply = await post(target, body=BODY, headers=headers)
        assert (reply.status, reply.body) == (200, b'{"text":"hello"}')
        assert (await post(target, body=BODY, headers=headers)).error == "replayed"
        assert len(target.served) == 1 and target.served[0].caller.stake == 1000.0


async def test_a_query_string_is_part_of_what_is_signed() -> None:
    async with field(wire=BtAuth()) as target:
        path = "/v1/query?a=b"
        assert (await post(target, body=BODY, headers=signed(target=path), path=path)).status == 200
        assert (await post(target, body=BODY, headers=signed(), path=path)).error == "unsigned"


async def test_a_caller_with_an_ed25519_key_is_served_under_its_own_scheme_alone() -> None:
    key = Keypair.create_from_uri("//Validator", crypto_type=0)
    async with field(wire=BtAuth()) as target:
        target.axon.update_callers({**CALLERS, key.ss58_address: Caller(key.ss58_address, 50.0, True)})
        headers = signed(key, scheme="ed25519")
        assert (await post(target, body=BODY, headers=headers)).error == "unsigned"
        assert (await post(target, body=BODY, headers=headers | {CRYPTO: "ed25519"})).status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (lambda: signed(signer=STRANGER), Code.UNSIGNED),
        (lambda: signed(STRANGER), Code.REFUSED),
        (lambda: signed(receiver=OTHER_MINER.ss58_address), Code.RECIPIENT),
        (lambda: signed() | {RECEIVER: OTHER_MINER.ss58_address}, Code.RECIPIENT),
        (lambda: _without(signed(), RECEIVER), Code.RECIPIENT),
        (lambda: signed(offset_s=-10.5), Code.EXPIRED),
        (lambda: signed(offset_s=+2.5), Code.EXPIRED),
        (lambda: signed(offset_s=-5.0), Code.EXPIRED),
        (lambda: signed(body=BODY + b" "), Code.UNSIGNED),
        (lambda: signed(target="/v1/other"), Code.UNSIGNED),
        (lambda: signed() | {NONCE: str(time.time_ns())}, Code.UNSIGNED),
        (lambda: signed() | {HOTKEY: SMALL.ss58_address}, Code.UNSIGNED),
        (lambda: signed() | {CRYPTO: "ed25519"}, Code.UNSIGNED),
        (lambda: signed() | {CRYPTO: "ecdsa"}, Code.MALFORMED),
        (lambda: signed() | {VERSION: "2"}, Code.MALFORMED),
        (lambda: _without(signed(), VERSION), Code.MALFORMED),
        (lambda: _without(signed(), SIGNATURE), Code.MALFORMED),
        (lambda: signed() | {SIGNATURE: "0x" + "g" * 128}, Code.MALFORMED),
        (lambda: signed() | {SIGNATURE: "0x" + "0" * 126}, Code.MALFORMED),
        (lambda: signed() | {NONCE: "1e18"}, Code.MALFORMED),
        (lambda: signed() | {NONCE: "-1700000000000000000"}, Code.MALFORMED),
        (lambda: signed() | {NONCE: "\u0661" * 19}, Code.MALFORMED),
        (lambda: signed() | {NONCE: "9" * 4000}, Code.MALFORMED),
        (lambda: signed() | {HOTKEY: "5" * 48}, Code.REFUSED),
        (lambda: {"Content-Type": "application/json"}, Code.RECIPIENT),
    ],
)
async def test_headers_that_are_not_the_callers_own_and_fresh_are_refused(headers: Any, code: Code) -> None:
    async with field(wire=BtAuth()) as target:
        reply = await post(target, body=BODY, headers=headers())
        assert reply.error == code and target.served == []
        assert (await post(target, body=BODY, headers=signed())).status == 200


def _without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


async def test_a_header_that_is_sent_twice_is_refused() -> None:
    async with field(wire=BtAuth()) as target, aiohttp.ClientSession() as session:
        headers = [*signed().items(), (HOTKEY, SMALL.ss58_address)]
        async with session.post(target.url + "/v1/query", data=BODY, headers=headers) as reply:
            assert (await reply.json())["error"] == "malformed"


async def test_one_request_whose_copies_arrive_together_is_served_once() -> None:
    async with field(wire=BtAuth(), slots=4) as target:
        headers = signed()
        replies = await asyncio.gather(*(post(target, body=BODY, headers=headers) for _ in range(4)))
        assert sorted(reply.status for reply in replies) == [200, 401, 401, 401] and len(target.served) == 1


async def test_a_forger_costs_the_caller_in_whose_name_it_asks_nothing() -> None:
    async with field(wire=BtAuth(), limits=Limits(rate=0.001, burst=1, refusals=100, refusals_burst=50)) as target:
        for _ in range(10):
            assert (await post(target, body=BODY, headers=signed(signer=STRANGER))).error == "unsigned"
        assert (await post(target, body=BODY, headers=signed())).status == 200


async def test_unfinished_bodies_of_a_crowd_keep_nobody_out() -> None:
    async with field(wire=BtAuth(), limits=Limits(waiting=1)) as target:

        async def endless() -> Any:
            yield BODY[:5]
            await asyncio.sleep(60)

        crowd = [asyncio.create_task(post(target, headers=signed(), data=endless())) for _ in range(5)]
        await until(lambda: len(target.axon._unverified) == 2)
        assert (await post(target, body=BODY, headers=signed())).status == 200
        assert len(target.axon._unverified) <= 2
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)


async def test_the_address_that_sends_most_bodies_gives_way_first() -> None:
    bodies = UnverifiedBodies(room=3)

    async def forever() -> bytes:
        await asyncio.sleep(3600)
        return b""

    readings = [asyncio.create_task(bodies.read(network, forever())) for network in ("one", "crowd", "crowd")]
    await until(lambda: len(bodies) == 3)
    readings.append(asyncio.create_task(bodies.read("two", forever())))
    await until(lambda: readings[1].done())
    with pytest.raises(Refusal, match="most of them from here"):
        await readings[1]
    assert len(bodies) == 3 and not readings[0].done() and not readings[3].done()
    for task in readings:
        task.cancel()
    await asyncio.gather(*readings, return_exceptions=True)
    assert len(bodies) == 0


@pytest.fixture
def validator(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Folder of wallets, of which `validator` is registered with a permit."""
    address = wallet(tmp_path)
    monkeypatch.setitem(CALLERS, address, Caller(address, 1000.0, True))
    return tmp_path


@pytest.mark.parametrize("protocol", ["btauth", "synapse"])
async def test_a_dendrite_and_an_axon_speak_each_protocol(validator: Any, protocol: Any) -> None:
    async with (
        field(wire=wire_of(protocol), slots=4) as target,
        dendrite(target.url, validator, protocol=protocol) as asking,
    ):
        answers = await asyncio.gather(*(asking.ask(ask(str(number))) for number in range(8)))
        assert answers == [f'{{"text":"{number}"}}'.encode() for number in range(8)]
        assert target.served[0].subnet == "digits" and target.served[0].timeout_s == pytest.approx(5.0, abs=2.0)


async def test_two_sides_that_speak_different_protocols_say_so(validator: Any) -> None:
    for served, asked in (("btauth", "subnetlab"), ("subnetlab", "btauth"), ("synapse", "btauth")):
        async with (
            field(wire=wire_of(served)) as target,  # type: ignore[arg-type]
            dendrite(target.url, validator, protocol=asked) as asking,
        ):
            with pytest.raises(RemoteError, match=r"says (malformed|recipient|not_found)|not part of the protocol"):
                await asking.ask(ask())


@pytest.mark.parametrize("protocol", ["btauth", "synapse"])
async def test_a_refusal_reaches_the_asking_side_as_one(tmp_path: Any, protocol: Any) -> None:
    wallet(tmp_path)
    async with (
        field(wire=wire_of(protocol)) as target,
        dendrite(target.url, tmp_path, protocol=protocol) as asking,
    ):
        with pytest.raises(RefusedError, match="not registered"):
            await asking.ask(ask())
