"""The field's own package on the other side: a dendrite asks our axon, and our dendrite asks an axon.

Skipped where the package is not installed; `make test-sdk` installs it and runs these tests.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Tuple  # noqa: UP035

import pytest

from miners import load_miner
from miners.axon import wire_of
from miners.axon.protocol import Question
from miners.errors import RefusedError, RemoteError
from subnets import Caller, Message, Prompt, Query
from subnets.template.example import Doubling
from subnets.template.loading import bittensor
from tests.miners.axon.field import CALLERS, MINER, VALIDATOR, ask, dendrite, field, post, wallet


def _major() -> int:
    try:
        return int(version("bittensor").partition(".")[0])
    except PackageNotFoundError:
        return 0


EXAMPLE = "subnets.template.example:Doubling"

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
needs_axon = pytest.mark.skipif(_major() != 10, reason="needs bittensor 10, with axon and dendrite: make test-sdk")
needs_btauth = pytest.mark.skipif(_major() < 11, reason="needs bittensor 11: make test-sdk SDK=11.3.0")


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package, kept from asking servers elsewhere for this machine's address."""
    bt = bittensor()
    monkeypatch.setattr(bt.utils.networking, "get_external_ip", lambda: "127.0.0.2")
    return bt


@pytest.fixture
def validator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of wallets, of which `validator` is registered."""
    address = wallet(tmp_path)
    monkeypatch.setitem(CALLERS, address, Caller(address, 1000.0, True))
    return tmp_path


def doubling(number: int) -> Query:
    return Query(str(number), "template", Prompt((Message("user", f'{{"dummy_input": {number}}}'),)), 10.0)


@needs_axon
async def test_a_real_dendrite_is_answered_by_our_axon(package: Any) -> None:
    async with field(load_miner({"kind": "template"}), wire=wire_of("synapse", EXAMPLE), slots=4) as target:
        info = SimpleNamespace(ip="127.0.0.1", port=target.axon.port, hotkey=MINER.ss58_address)
        asking = package.Dendrite(wallet=VALIDATOR)
        try:
            filled = await asking.forward([info] * 4, Doubling(dummy_input=21), timeout=10.0, deserialize=False)
            assert [each.dummy_output for each in filled] == [42] * 4
            assert all(each.is_success and each.dendrite.status_code == 200 for each in filled)
            assert {each.axon.hotkey for each in filled} == {MINER.ss58_address}
            target.axon.update_callers({})
            refused = await asking.forward(info, Doubling(dummy_input=1), timeout=10.0, deserialize=False)
            assert refused.is_blacklist and "not registered" in refused.dendrite.status_message
        finally:
            await asking.aclose_session()


@needs_axon
async def test_a_real_dendrite_gets_a_prompt_answered(package: Any) -> None:
    from miners.axon.wires.prompt_synapse import PromptSynapse

    async with field(wire=wire_of("synapse")) as target:
        info = SimpleNamespace(ip="127.0.0.1", port=target.axon.port, hotkey=MINER.ss58_address)
        asking = package.Dendrite(wallet=VALIDATOR)
        try:
            prompt = PromptSynapse(messages=[{"role": "user", "content": "hello"}])
            assert await asking.forward(info, prompt, timeout=10.0) == '{"text":"hello"}'
        finally:
            await asking.aclose_session()


async def _double(synapse: Doubling) -> Doubling:
    synapse.dummy_output = 2 * synapse.dummy_input
    return synapse


async def _blacklist(synapse: Doubling) -> Tuple[bool, str]:  # noqa: UP006 - the package compares annotations
    return synapse.dendrite.hotkey not in CALLERS, "unknown hotkey"


@pytest.fixture
def real_axon(package: Any) -> Iterator[Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    owner = SimpleNamespace(hotkey=MINER, coldkeypub=MINER, name="miner", hotkey_str="default")
    axon = package.Axon(wallet=owner, ip="127.0.0.1", port=port, external_ip="127.0.0.1", external_port=port)
    axon.attach(forward_fn=_double, blacklist_fn=_blacklist)
    axon.start()
    until = time.monotonic() + 60.0
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield SimpleNamespace(url=f"http://127.0.0.1:{port}")
    axon.stop()


@needs_axon
async def test_our_dendrite_is_answered_by_a_real_axon(validator: Path, real_axon: Any) -> None:
    async with dendrite(real_axon.url, validator, protocol="synapse", synapse=EXAMPLE) as asking:
        answers = await asyncio.gather(*(asking.ask(doubling(number)) for number in range(8)))
        assert answers[7] == b'{"text": "{\\"dummy_input\\": 7, \\"dummy_output\\": 14}"}'
    async with dendrite(real_axon.url, validator, protocol="synapse") as asking:
        with pytest.raises(RemoteError, match="not_found: .*PromptSynapse"):
            await asking.ask(doubling(1))


@needs_axon
async def test_a_real_axons_refusals_reach_us_as_such(tmp_path: Path, real_axon: Any) -> None:
    wallet(tmp_path)
    async with dendrite(real_axon.url, tmp_path, protocol="synapse", synapse=EXAMPLE) as asking:
        with pytest.raises(RefusedError, match="unknown hotkey"):
            await asking.ask(doubling(1))


SIGN = """
import json, sys
from bittensor import http_auth
from bittensor.wallets import Keypair
key = Keypair.create_from_uri("//Alice")
body = sys.stdin.buffer.read()
headers = http_auth.sign(key, method="POST", path="/v1/query", body=body, receiver_ss58=sys.argv[1])
print(json.dumps(headers))
"""
VERIFY = """
import json, sys
from bittensor import http_auth
headers, receiver = json.loads(sys.argv[1]), sys.argv[2]
body = sys.stdin.buffer.read()
caller = http_auth.verify(headers, body, method="POST", path="/v1/query", self_hotkey_ss58=receiver)
print(json.dumps(caller.hotkey_ss58))
"""


async def in_package(script: str, body: bytes, *arguments: str) -> Any:
    """Run a script with the package, whose place in this process the stand-in has."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    output, _ = await process.communicate(body)
    assert process.returncode == 0
    return json.loads(output)


@needs_btauth
async def test_requests_that_the_package_signs_are_answered_and_ours_verify_with_it() -> None:
    alice, wire, body = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", wire_of("btauth"), Question.of(ask()).body()
    async with field(wire=wire) as target:
        target.axon.update_callers({alice: Caller(alice, 1.0, True)})
        headers = await in_package(SIGN, body, MINER.ss58_address)
        reply = await post(target, body=body, headers={**headers, "Content-Type": "application/json"})
        assert reply.body == b'{"text":"hello"}'
    request = wire.request(ask(), MINER.ss58_address, VALIDATOR)
    headers = json.dumps(dict(request.headers))
    assert await in_package(VERIFY, request.body, headers, MINER.ss58_address) == VALIDATOR.ss58_address
