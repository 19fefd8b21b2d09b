"""Who may ask, how much, and what becomes of a customer who goes away."""

import json
import socket
import ssl
import time
from collections.abc import Callable
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.record.customers import CustomerRequest, Outcome, Receipt
from lab.serve.gateway.account import Account
from lab.serve.gateway.keys import KeyFile
from lab.serve.gateway.refusal import ApiRefusal
from lab.serve.tls import server_tls
from tests.certificates import certificate
from tests.lab.gateway.running import PATIENT, SAYER, WAIT_S, RunningGateway, customers_config, running, wait_for


def test_a_key_is_shown_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    secret = keys.create("alice", spend_usd=2.5)
    assert secret not in keys.path.read_text() and keys.path.stat().st_mode & 0o077 == 0
    found = keys.find(secret)
    assert found is not None and (found.name, found.spend_usd) == ("alice", 2.5)
    assert keys.find(secret + "x") is None
    with pytest.raises(LabError, match="has a key called 'alice' already"):
        keys.create("alice")
    with pytest.raises(LabError, match="name: 'a b'"):
        keys.create("a b")
    with pytest.raises(LabError, match="concurrent: 0"):
        keys.create("bob", concurrent=0)


def test_a_revoked_key_is_refused_at_once(tmp_path: Path) -> None:
    with running(customers_config(), tmp_path / "run") as gateway:
        assert gateway.call("GET", "/v1/usage")[0] == 200
        gateway.keys.revoke("customer-0")
        assert gateway.call("GET", "/v1/usage")[1]["error"]["code"] == "invalid_api_key"
    with pytest.raises(LabError, match="no key is called 'x'; known: customer-0"):
        gateway.keys.revoke("x")


def test_a_file_of_something_else_is_not_taken_for_keys(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"a": 1}')
    with pytest.raises(LabError, match="not a file of API keys"):
        KeyFile(tmp_path / "keys.json").read()


def test_a_torn_file_of_keys_leaves_the_known_ones_in_force(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    secret = keys.create("alice")
    assert keys.find(secret) is not None
    keys.path.write_text("{")
    assert keys.find(secret) is not None and keys.find("other") is None
    assert caplog.text.count("the keys known so far are still accepted") == 1


def test_something_other_than_http_is_refused_without_a_word_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(customers_config(), tmp_path / "run") as gateway:
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=WAIT_S) as connection:
            connection.sendall(b"GET / HTTP/9.9\r\n\r\n")
            assert b"400 Bad Request" in connection.recv(1000)
    assert "Traceback" not in caplog.text and "HTTP/9.9" not in caplog.text


def request(reserved_usd: float) -> CustomerRequest:
    return CustomerRequest(
        customer="a", model="m", time=0.0, epochs=0, prompt_sha256="", input_tokens=3, reserved_usd=reserved_usd
    )


def test_a_key_spends_no_more_than_its_limit_even_with_requests_under_way(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.find(keys.create("a", spend_usd=1.0))
    assert key is not None
    account, ask = Account(), request(0.6)
    account.reserve(key, 0.6)
    with pytest.raises(ApiRefusal, match=r"has spent \$0.000000 and set aside \$0.600000 of \$1"):
        account.reserve(key, 0.6)
    account.settle(ask, Receipt(customer="a", outcome=Outcome.ANSWERED, miner=1, output_tokens=2, price_usd=0.5))
    account.reserve(key, 0.4)
    account.settle(request(0.4), Receipt(customer="a", outcome=Outcome.VANISHED))
    assert (account.spent_usd, account.reserved_usd, account.requests, account.answered) == (0.5, 0.0, 2, 1)


def test_a_key_asks_no_faster_and_no_wider_than_it_may(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.find(keys.create("a", per_minute=60, concurrent=2))
    assert key is not None
    account = Account()
    for _ in range(10):
        with account.place(key, clock=lambda: 100.0):
            pass
    with pytest.raises(ApiRefusal, match="60 requests a minute. Try again in 1.0 s"):
        account.place(key, clock=lambda: 100.0).__enter__()
    with account.place(key, clock=lambda: 105.0), account.place(key, clock=lambda: 105.0):
        with pytest.raises(ApiRefusal, match="2 requests under way; at most 2 at once"):
            account.place(key, clock=lambda: 105.0).__enter__()
    assert account.under_way == 0


def test_usage_adds_up_and_outlives_a_restart(tmp_path: Path) -> None:
    config = customers_config(gateway={"graded_share": 0.0, "usd_per_million_output_tokens": 1e6})
    with running(config, tmp_path / "run", limits={"spend_usd": 5000.0}) as gateway:
        prices = [gateway.ask(f"Say <b>{'1' * 8 * number}</b> again", max_tokens=100)[1] for number in (1, 2)]
        assert [reply["receipt"]["price_usd"] for reply in prices] == pytest.approx([2, 4], abs=1e-4)
        usage = gateway.call("GET", "/v1/usage")[1]
        assert usage["spent_usd"] == pytest.approx(6, abs=1e-4) and usage["answered"] == 2
        assert usage["remaining_usd"] == pytest.approx(4994, abs=1e-4)
    with running(config, tmp_path / "run", "resume", limits={"spend_usd": 1.0}) as again:
        usage = again.call("GET", "/v1/usage", key=gateway.key)[1]
        assert usage["spent_usd"] == pytest.approx(6, abs=1e-4) and usage["requests"] == 2
        assert again.ask("hello")[1]["error"]["code"] == "insufficient_quota"  # it may cost 4,096 dollars


def test_too_many_requests_are_refused_with_the_time_to_wait(tmp_path: Path) -> None:
    with running(customers_config(), tmp_path / "run", limits={"per_minute": 0.1}) as gateway:
        assert gateway.ask("one")[0] == 200
        status, reply = gateway.ask("two")
        assert (status, reply["error"]["code"]) == (429, "rate_limit_exceeded")


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    assert holds()


def raw(gateway: RunningGateway, body: bytes, length: int | None = None) -> socket.socket:
    """Send a request without waiting for its answer."""
    connection = socket.create_connection(("127.0.0.1", gateway.port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n"
    connection.sendall(f"{head}Content-Length: {length or len(body)}\r\n\r\n".encode() + body)
    return connection


def under_way(gateway: RunningGateway) -> int:
    return int(gateway.call("GET", "/v1/usage")[1]["under_way"])


QUESTION = json.dumps({"model": "digits/patient", "messages": [{"role": "user", "content": "?"}]}).encode()


@pytest.mark.parametrize("stream", [False, True])
def test_a_customer_who_goes_away_frees_the_place_and_pays_nothing(tmp_path: Path, stream: bool) -> None:
    with running(customers_config(SAYER, PATIENT), tmp_path / "run") as gateway:
        body = json.loads(QUESTION) | {"stream": stream}
        connection = raw(gateway, json.dumps(body).encode())
        wait_for(gateway, lambda kinds: "request" in kinds)
        assert under_way(gateway) == 1
        connection.close()
        until(lambda: under_way(gateway) == 0)
        wait_for(gateway, lambda kinds: "receipt" in kinds)
        with gateway.record() as record:
            (receipt,) = map(Receipt.of, record.entries("receipt"))
    assert (receipt.outcome, receipt.price_usd) == (Outcome.VANISHED, 0.0)


def test_a_body_that_does_not_arrive_frees_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.serve.gateway.server.BODY_S", 0.1)
    with running(customers_config(), tmp_path / "run") as gateway:
        connection = raw(gateway, b'{"model"', length=1000)
        connection.settimeout(WAIT_S)
        assert b"408" in connection.recv(4000)
        connection.close()
        until(lambda: under_way(gateway) == 0)


def test_requests_under_way_are_closed_unanswered_when_the_gateway_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.serve.gateway.gateway.DRAIN_S", 0.05)
    with running(customers_config(SAYER, PATIENT), tmp_path / "run") as gateway:
        connection = raw(gateway, QUESTION)
        wait_for(gateway, lambda kinds: "request" in kinds and "epoch" in kinds)
    connection.close()
    with gateway.record() as record:
        assert [Receipt.of(entry).outcome for entry in record.entries("receipt")] == [Outcome.UNANSWERED]


def test_places_run_out_for_everybody(tmp_path: Path) -> None:
    config = customers_config(SAYER, PATIENT, gateway={"places": 1})
    with running(config, tmp_path / "run") as gateway:
        connection = raw(gateway, QUESTION)
        wait_for(gateway, lambda kinds: "request" in kinds)
        status, reply = gateway.ask("hello")
        assert status == 429 and "1 requests under way" in reply["error"]["message"]
        connection.close()


def test_feedback_is_given_once_by_whoever_got_the_answer(tmp_path: Path) -> None:
    with running(customers_config(), tmp_path / "run") as gateway:
        receipt = gateway.ask("hello")[1]["receipt"]["id"]
        other = gateway.keys.create("other")
        rate = {"receipt": receipt, "rating": -0.5, "comment": "meh"}
        assert gateway.call("POST", "/v1/feedback", rate, key=other)[0] == 404
        assert gateway.call("POST", "/v1/feedback", rate | {"rating": 2})[0] == 400
        assert gateway.call("POST", "/v1/feedback", rate)[1]["rating"] == -0.5
        assert gateway.call("POST", "/v1/feedback", rate)[0] == 409
        assert gateway.call("GET", f"/v1/receipts/{receipt}", key=other)[0] == 404
        saved = gateway.call("GET", f"/v1/receipts/{receipt}")[1]
    with gateway.record() as record:
        feedback = record.find("feedback", receipt)
        entry = record.find("receipt", receipt)
    assert feedback is not None and feedback.body["rating"] == -0.5 and "meh" not in str(feedback.body)
    assert entry is not None and saved["hash"] == entry.hash


def test_customers_are_served_over_tls(tmp_path: Path) -> None:
    files = certificate(tmp_path, "127.0.0.1")
    with running(customers_config(), tmp_path / "run", certificate=files) as gateway:
        trusted = ssl.create_default_context(cafile=files)
        connection = HTTPSConnection("127.0.0.1", gateway.port, context=trusted, timeout=WAIT_S)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
    with pytest.raises(LabError, match="can't be used"):
        server_tls(tmp_path / "keys.json", None)
