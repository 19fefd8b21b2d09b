"""A dendrite before hostile endpoints: what it hands on was signed by the miner that was asked, and is bounded."""

import asyncio
import gzip
import pickle
import re
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cluster.hosts.host import Host
from miners import EngineError, load_miner
from miners.axon.dendrite import Dendrite
from miners.axon.protocol import SIGNATURE, STATUS, Envelope
from miners.errors import APIError, RemoteError
from miners.fakes import Silent
from miners.remote import Remote
from subnets import Cost, Fault, Meter, Query
from tests.certificates import certificate
from tests.miners.axon.field import CALLERS, MINER, OTHER_MINER, STAKES, ask, dendrite, field, wallet

Endpoint = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wallets, of which `validator` is registered with a permit."""
    address = wallet(tmp_path)
    (known,) = {caller for key, caller in CALLERS.items() if STAKES and caller.stake == 1000.0}
    monkeypatch.setitem(CALLERS, address, type(known)(address, known.stake, known.validator_permit))
    return tmp_path


@asynccontextmanager
async def endpoint(reply: Endpoint) -> AsyncIterator[str]:
    """Any HTTP server at all."""
    manager = web.Server(reply)
    server = await asyncio.get_running_loop().create_server(manager, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await manager.shutdown(0.5)


def signing(change: Callable[[bytes], bytes] = lambda body: body, **options: Any) -> Endpoint:
    """A server that signs what it answers as the miner would, and sends something else."""

    async def reply(request: web.BaseRequest) -> web.StreamResponse:
        envelope, _ = Envelope.read(request.headers)
        body = b'{"text": "signed"}'
        signature = MINER.sign(envelope.answer_message(body)).hex()
        headers = {SIGNATURE: signature} | options.get("headers", {})
        return web.Response(body=change(body), status=options.get("status", 200), headers=headers)

    return reply


async def test_an_answer_comes_as_the_miner_sent_it_and_its_bytes_are_metered(folder: Path) -> None:
    async with field() as target, dendrite(target.url, folder) as asking:
        meter = Meter()
        assert await meter.run(asking.ask(ask())) == b'{"text":"hello"}'
        assert meter.cost.received_bytes == 16 and 60 < meter.cost.sent_bytes < 200


async def test_connections_are_kept_and_many_may_be_asked_at_once(folder: Path) -> None:
    async with field(slots=4) as target, dendrite(target.url, folder, connections=8) as asking:
        answers = await asyncio.gather(*(asking.ask(ask(str(number))) for number in range(20)))
        assert answers == [f'{{"text":"{number}"}}'.encode() for number in range(20)]
        for _ in range(5):
            await asking.ask(ask())
        assert target.axon.door is not None and len(target.axon.door) <= 8


async def fails(endpoint_of: Endpoint, folder: Path, match: str, **options: Any) -> Cost:
    """See that an answer is refused; returns what it cost."""
    async with endpoint(endpoint_of) as url, dendrite(url, folder, **options) as asking:
        meter = Meter()
        with pytest.raises(RemoteError, match=match):
            await meter.run(asking.ask(ask(timeout_s=2.0)))
        return meter.cost


async def test_an_answer_that_another_hotkey_signed_is_none(folder: Path) -> None:
    async with field(key=OTHER_MINER) as target, dendrite(target.url, folder) as asking:
        with pytest.raises(RemoteError, match="recipient"):
            await asking.ask(ask())

    async def impostor(request: web.BaseRequest) -> web.StreamResponse:
        envelope, _ = Envelope.read(request.headers)
        body = b'{"text": "mine"}'
        return web.Response(body=body, headers={SIGNATURE: OTHER_MINER.sign(envelope.answer_message(body)).hex()})

    await fails(impostor, folder, f"an answer not signed by {MINER.ss58_address}")


async def test_an_answer_to_another_request_is_none(folder: Path) -> None:
    kept: list[web.Response] = []

    async def repeating(request: web.BaseRequest) -> web.StreamResponse:
        if not kept:
            envelope, _ = Envelope.read(request.headers)
            body = b'{"text": "old"}'
            signature = MINER.sign(envelope.answer_message(body)).hex()
            kept.append(web.Response(body=body, headers={SIGNATURE: signature}))
        return web.Response(body=kept[0].body, headers={SIGNATURE: kept[0].headers[SIGNATURE]})

    async with endpoint(repeating) as url, dendrite(url, folder) as asking:
        assert await asking.ask(ask()) == b'{"text": "old"}'
        with pytest.raises(RemoteError, match="not signed by"):
            await asking.ask(ask())


async def test_an_answer_changed_on_the_way_or_unsigned_is_none(folder: Path) -> None:
    await fails(signing(lambda body: body.replace(b"signed", b"forged")), folder, "not signed by")
    await fails(signing(headers={SIGNATURE: ""}), folder, "without a signature")


async def test_an_endless_answer_is_cut(folder: Path) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        while True:
            await reply.write(b"x" * 10_000)

    cost = await fails(endless, folder, "more than 50,000 bytes; the rest is not read", max_answer_bytes=50_000)
    assert 50_000 < cost.received_bytes < 400_000


async def test_an_answer_that_unpacks_is_refused_as_it_is(folder: Path) -> None:
    packed = signing(lambda body: gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"})
    cost = await fails(packed, folder, "compressed")
    assert cost.received_bytes < 20_000


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(folder: Path, status: int) -> None:
    followed = []

    async def elsewhere(request: web.BaseRequest) -> web.StreamResponse:
        followed.append(request.path)
        return web.Response(status=status, headers={"Location": "/metadata"})

    await fails(elsewhere, folder, f"replied {status}")
    assert followed == ["/v1/query"]


async def test_what_a_refusal_says_is_shown_in_printable_characters(folder: Path) -> None:
    async def rude(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"error": "busy", "reason": "\x1b[2Jgone" + "y" * 500}, status=503)

    await fails(rude, folder, r"says busy: \?\[2Jgoney{190,193}$")


async def test_a_reply_that_is_not_http_gives_a_readable_error(folder: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x00\xff" * 5000)
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, dendrite(url, folder) as asking:
        with pytest.raises(RemoteError, match=url):
            await asking.ask(ask())


async def test_nobody_there_is_an_error_in_words(folder: Path) -> None:
    async with dendrite("http://127.0.0.1:9", folder) as asking:
        with pytest.raises(RemoteError, match="127.0.0.1:9"):
            await asking.ask(ask())


async def test_a_host_names_the_faults_of_a_remote_miner(folder: Path) -> None:
    def remote(url: str, **options: Any) -> Remote:
        table = {"url": url, "hotkey": MINER.ss58_address, "wallets": str(folder), "private_hosts": ["127.0.0.1"]}
        miner = load_miner({"kind": "remote", "dendrite": table | options})
        assert isinstance(miner, Remote)
        return miner

    class Closed(Silent):
        def blacklist(self, query: Query) -> str:
            return "not today"

    async with field(Silent()) as silent, field() as echo, field(Closed()) as closed:
        urls = (silent.url, echo.url, "http://127.0.0.1:9", closed.url)
        host = Host("host", {uid: remote(url) for uid, url in enumerate(urls)})
        await host.open()
        try:
            asked = enumerate((0.5, 30.0, 30.0, 30.0))
            late, good, gone, turned_away = [await host.serve(uid, ask(timeout_s=most_s)) for uid, most_s in asked]
        finally:
            await host.close()
        assert (late.fault, late.reason) == (Fault.TIMEOUT, "no answer within 0.5 s")
        assert good.fault is None and good.body == b'{"text":"hello"}' and good.cost.received_bytes == 16
        assert (turned_away.fault, turned_away.reason) == (Fault.REFUSED, f"{closed.url} says refused: not today")
        assert gone.fault == Fault.ERROR and gone.reason.startswith("RemoteError: http://127.0.0.1:9")


async def test_private_networks_are_called_only_where_allowed_by_name(folder: Path) -> None:
    with pytest.raises(EngineError, match='allow it by name: private_hosts = ."127.0.0.1"'):
        async with dendrite("http://127.0.0.1:8091", folder, private_hosts=()):
            pass


async def test_an_endpoint_that_moves_into_a_private_network_is_not_called(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with field() as target:
        loop = asyncio.get_running_loop()
        addresses = ["93.184.215.14", "127.0.0.1"]

        async def resolved(host: str, port: int, **_: Any) -> list[Any]:
            return [(2, 1, 6, "", (addresses.pop(0), port))]

        monkeypatch.setattr(loop, "getaddrinfo", resolved)
        name = target.url.replace("127.0.0.1", "miner.example")
        async with dendrite(name, folder, private_hosts=()) as asking:
            with pytest.raises(APIError, match="miner.example is 127.0.0.1, in a private network"):
                await asking.ask(ask())
        assert target.served == []


async def test_a_missing_part_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="set hotkey"):
        await Dendrite().open()
    with pytest.raises(EngineError, match="subnetlab wallet new validator --wallets"):
        async with dendrite("http://127.0.0.1:8091", tmp_path):
            pass


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"url": "ftp://miner"}, "http://HOST:PORT"),
        ({"url": "http://user:secret@miner"}, "user name or password"),
        ({"hotkey": "5abc"}, "not an SS58 address"),
        ({"max_answer_bytes": 10**9}, "less than or equal"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match) as error:
        Dendrite(**options)
    assert "secret" not in str(error.value).split("[type=")[0]


async def test_no_secret_is_in_its_options_its_key_or_its_pickle(folder: Path) -> None:
    secret = (folder / "validator" / "hotkeys" / "default").read_text()
    async with dendrite("http://127.0.0.1:9", folder) as asking:
        for shown in (asking.key.encode(), repr(asking).encode(), pickle.dumps(asking)):
            assert not any(part.encode() in shown for part in secret.split('"') if len(part) > 50)


async def test_tls_is_spoken_to_the_certificate_that_was_named_and_to_no_other(folder: Path) -> None:
    pem = certificate(folder, "127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    async with field(tls=tls) as target:
        async with dendrite(target.url.replace("http:", "https:"), folder, ca_file=str(pem)) as asking:
            assert await asking.ask(ask()) == b'{"text":"hello"}'
        async with dendrite(target.url.replace("http:", "https:"), folder) as asking:
            with pytest.raises(RemoteError, match="CERTIFICATE_VERIFY_FAILED|certificate"):
                await asking.ask(ask())
    with pytest.raises(EngineError, match="ca_file: nowhere.pem can't be read"):
        await Dendrite(**{**asking.model_dump(), "ca_file": "nowhere.pem"}).open()


async def test_the_client_of_the_document_speaks_the_protocol(folder: Path, tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "remote.md").read_text()
    (client,) = re.findall(r"^```python\n(# ask.py.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    async with field() as target:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", client, target.url, MINER.ss58_address, str(folder), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    assert process.returncode == 0 and output == b'{"text":"hello"}\n'


def test_the_document_names_every_refusal_with_its_status() -> None:
    text = (Path(__file__).parents[3] / "docs" / "remote.md").read_text()
    table = text[text.index("| status | error |") : text.index("`GET /v1/health`")]
    for code, status in STATUS.items():
        assert any(str(status) in row and f"`{code}`" in row for row in table.splitlines()), code
