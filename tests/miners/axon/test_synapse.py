"""The synapse wire: what a dendrite sends is answered, and what is forged, stale or no synapse is not."""

import base64
import json
import time
import uuid
from typing import Any

import pytest
from bittensor_wallet import Keypair

from miners import load_miner
from miners.axon import Code, wire_of
from miners.axon.wires.synapse import SynapseWire, body_hash
from miners.fakes import Silent
from subnets import Message, Prompt, Query
from subnets.template.example import Doubling
from subnets.template.loading import bittensor
from tests.miners.axon.field import MINER, OTHER_MINER, STRANGER, VALIDATOR, Field, Reply, field, post

EXAMPLE = "subnets.template.example:Doubling"
EMPTY = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
"""SHA3-256 of nothing: the hash of a protocol that wants no field hashed."""


class Hashed(bittensor().Synapse):  # type: ignore[misc, name-defined]
    """Signs its question."""

    required_hash_fields = ("question", "number")

    question: str
    number: int = 0
    answer: str | None = None


def headers(
    key: Keypair = VALIDATOR,
    *,
    offset_s: float = 0.0,
    recipient: str = MINER.ss58_address,
    signer: Keypair | None = None,
    digest: str = EMPTY,
    timeout: str = "5.0",
    **changes: str,
) -> dict[str, str]:
    """Headers as a dendrite sends them."""
    nonce, identifier = str(time.time_ns() + int(offset_s * 1e9)), str(uuid.uuid1())
    message = f"{nonce}.{key.ss58_address}.{recipient}.{identifier}.{digest}"
    sent = {
        "name": "Doubling",
        "timeout": timeout,
        "bt_header_axon_ip": "127.0.0.1",
        "bt_header_axon_hotkey": recipient,
        "bt_header_dendrite_version": "1005000",
        "bt_header_dendrite_nonce": nonce,
        "bt_header_dendrite_uuid": identifier,
        "bt_header_dendrite_hotkey": key.ss58_address,
        "bt_header_dendrite_signature": f"0x{(signer or key).sign(message.encode()).hex()}",
        "bt_header_input_obj_dummy_input": base64.b64encode(b"0").decode(),
        "computed_body_hash": digest,
        "Content-Type": "application/json",
    }
    return sent | {name.replace("__", "_"): value for name, value in changes.items()}


def doubler() -> Any:
    return load_miner({"kind": "template"})


async def ask(target: Field, body: Any, sent: dict[str, str] | None = None, path: str = "/Doubling") -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await post(target, body=content, headers=sent or headers(), path=path)


async def test_a_template_miner_answers_a_dendrite_by_its_own_synapse() -> None:
    async with field(doubler(), wire=wire_of("synapse", EXAMPLE)) as target:
        body = {"dummy_input": 21, "dendrite": {"ip": "10.0.0.1"}, "axon": {}, "timeout": 12.0, "total_size": 0}
        reply = await ask(target, body)
        assert reply.status == 200
        assert json.loads(reply.body) == {"name": "Doubling", "dummy_input": 21, "dummy_output": 42}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"signer": STRANGER}, 401),
        ({"key": STRANGER}, 403),
        ({"recipient": OTHER_MINER.ss58_address}, 401),
        ({"offset_s": -10.5}, 401),
        ({"offset_s": 2.5}, 401),
        ({"digest": "0" * 64}, 401),
        ({"computed_body_hash": "0" * 64}, 401),
        ({"computed_body_hash": ""}, 400),
        ({"bt_header_dendrite_uuid": "other"}, 401),
        ({"bt_header_dendrite_uuid": "a.b"}, 400),
        ({"bt_header_dendrite_nonce": "1"}, 400),
        ({"bt_header_dendrite_nonce": str(time.time_ns())}, 401),
        ({"bt_header_dendrite_signature": "None"}, 400),
        ({"timeout": "nan"}, 400),
        ({"timeout": "-1"}, 400),
        ({"timeout": "1e9"}, 400),
        ({"timeout": "soon"}, 400),
    ],
)
async def test_a_head_that_is_not_the_callers_own_and_fresh_is_refused(changed: dict[str, Any], status: int) -> None:
    async with field(doubler(), wire=wire_of("synapse", EXAMPLE)) as target:
        reply = await ask(target, {"dummy_input": 1}, headers(**changed))
        assert reply.status == status and json.loads(reply.body).keys() == {"message"}
        assert target.served == []


async def test_a_replay_is_refused() -> None:
    async with field(doubler(), wire=wire_of("synapse", EXAMPLE)) as target:
        sent = headers()
        assert (await ask(target, {"dummy_input": 1}, sent)).status == 200
        assert (await ask(target, {"dummy_input": 2}, sent)).status == 401
        assert len(target.served) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b"[" * 100_000,
        b"\x80\x04\x95.",
        {},
        {"dummy_input": "many"},
        {"dummy_input": [1] * 30_000},
        b'{"dummy_input": NaN}',
    ],
    ids=["empty", "list", "deep", "pickle", "missing", "text", "long", "NaN"],
)
async def test_a_body_that_is_no_such_synapse_is_refused(body: Any) -> None:
    async with field(doubler(), wire=wire_of("synapse", EXAMPLE)) as target:
        reply = await ask(target, body)
        assert reply.status == 400 and "body" in json.loads(reply.body)["message"]
        assert target.served == []


async def test_a_synapse_of_another_name_is_not_found() -> None:
    async with field(doubler(), wire=wire_of("synapse", EXAMPLE)) as target:
        reply = await ask(target, {"dummy_input": 1}, path="/Tripling")
        assert reply.status == 404 and "POST /Doubling" in json.loads(reply.body)["message"]


async def test_fields_that_a_protocol_wants_hashed_are_those_that_were_signed() -> None:
    async with field(wire=SynapseWire(Hashed)) as target:
        digest = body_hash(Hashed(question="what?", number=1))
        changed = {"question": "what else?", "number": 1}
        reply = await ask(target, changed, headers(digest=digest), path="/Hashed")
        assert reply.status == 401 and "question, number" in json.loads(reply.body)["message"]
        assert target.served == [] and target.axon.refused[Code.UNSIGNED] == 1


async def test_a_miner_that_is_late_is_a_timeout_as_dendrites_know_it() -> None:
    async with field(Silent(), wire=wire_of("synapse")) as target:
        turns = [{"role": "user", "content": "hello"}]
        reply = await ask(target, {"messages": turns}, headers(timeout="0.1"), path="/PromptSynapse")
        assert reply.status == 408


def test_a_query_of_another_subnet_cannot_be_asked_by_a_synapse_of_ones_own() -> None:
    wire = SynapseWire(Doubling)
    with pytest.raises(ValueError, match="Doubling"):
        wire.request(Query("1", "ocr", Prompt((Message("user", "read this"),)), 5.0), MINER.ss58_address, VALIDATOR)


def test_an_answer_that_is_no_such_synapse_is_named() -> None:
    wire = SynapseWire(Doubling)
    query = Query("1", "template", Prompt((Message("user", '{"dummy_input": 3}'),)), 5.0)
    request = wire.request(query, MINER.ss58_address, VALIDATOR)
    assert json.loads(wire.answer(request, {}, b'{"dummy_input": 3, "dummy_output": 6}', "")) == {
        "text": '{"dummy_input": 3, "dummy_output": 6}'
    }
    for body in (b"", b"[]", b'{"dummy_output": 6}', b'{"dummy_input": 3, "dummy_output": "six"}', b"[" * 10**5):
        with pytest.raises(ValueError, match="no Doubling"):
            wire.answer(request, {}, body, "")


def test_a_synapse_without_its_protocol_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="needs protocol = \"synapse\", not 'btauth'"):
        load_miner({"kind": "remote", "dendrite": {"protocol": "btauth", "synapse": EXAMPLE}})
