"""Customers' entries in the record: what an audit finds, what a customer can check, and what a kill leaves."""

import asyncio
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.config.run_config import RunConfig
from lab.errors import AuditError, RecordError
from lab.record.customers import Receipt
from lab.record.record import Draft
from lab.record.run_folder import open_run
from lab.record.saved_receipt import SavedReceipt
from lab.run.audit import audit
from lab.serve.gateway.journal import Journal
from lab.serve.gateway.keys import KeyFile
from tests.lab.commands import ROOT, subnetlab
from tests.lab.gateway.running import (
    FAILING,
    SAYER,
    RunningGateway,
    customers_config,
    running,
    wait_for,
)
from tests.lab.records import Bodies, make_config, make_record, rewrite

GOOD = {"name": "good", "kind": "tests.lab.records:Sayer", "right": 0.9}
FOREIGN_ID = "0" * 24


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has sold some answers, some before and some after its epoch."""
    config = customers_config(SAYER, GOOD, FAILING, gateway={"miner": "by_weight", "graded_share": 0.0})
    with running(config, tmp_path_factory.mktemp("sold") / "run") as gateway:
        gateway.ask("Say <b>1</b> again")
        wait_for(gateway, lambda kinds: "epoch" in kinds)
        for number in range(6):
            gateway.ask(f"Say <b>{number}</b> again")
        gateway.ask("Say <b>1</b> again", "digits/failing")
        receipt = gateway.ask("Say <b>1</b> again", "digits/good")[1]["receipt"]["id"]
        gateway.call("POST", "/v1/feedback", {"receipt": receipt, "rating": 1})
    return gateway.folder


@pytest.fixture
def copy(sold: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sold, tmp_path / "run"))


@pytest.mark.slow
def test_an_audit_recomputes_who_was_asked_and_what_it_cost(sold: Path) -> None:
    with open_run(sold) as record:
        assert audit(record).receipts == {"answered": 8, "failed": 1}
    assert (
        "customers' requests with the price and the miner that were due: 8 answered, 1 failed"
        in subnetlab("audit", sold, "--trust").stdout
    )


def last(bodies: Bodies, kind: str) -> dict[str, Any]:
    return [body for entry, _, body in bodies if entry == kind][-1]


def cheaper(bodies: Bodies) -> None:
    last(bodies, "receipt")["price_usd"] = 0.0


def other_miner(bodies: Bodies) -> None:
    receipt = [body for kind, _, body in bodies if kind == "receipt" and body["outcome"] == "answered"][3]
    uid = receipt["miner"]
    receipt["miner"] = receipt["attempts"][0]["uid"] = 3 - uid  # the other one of uids 1 and 2
    receipt["attempts"] = receipt["attempts"][:1]
    receipt["attempts"][0].pop("fault", None)


def paid_for_nothing(bodies: Bodies) -> None:
    receipt = next(body for kind, _, body in bodies if kind == "receipt" and body["outcome"] == "failed")
    receipt["price_usd"] = 1e-6


def other_customer(bodies: Bodies) -> None:
    last(bodies, "receipt")["customer"] = "somebody"


def without_request(bodies: Bodies) -> None:
    del bodies[next(place for place, body in enumerate(bodies) if body[0] == "request")]


def rated_twice(bodies: Bodies) -> None:
    bodies.append(("feedback", next(key for kind, key, _ in bodies if kind == "request"), {"rating": 0.0}))
    bodies.append(("feedback", FOREIGN_ID, {"rating": 0.0}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cheaper, r"a price of \$0.000000000 recorded, \$0.0000\d+ found"),
        (other_miner, "asked, but"),
        (paid_for_nothing, r"a price of \$0.000001000 recorded, \$0.000000000 found"),
        (other_customer, "the receipt that of 'somebody'"),
        (without_request, "no open request has this id"),
        (rated_twice, "no answered request has this id"),
    ],
)
def test_an_audit_finds_what_was_forged(copy: Path, change: Callable[[Bodies], None], words: str) -> None:
    rewrite(copy, change)
    with open_run(copy) as record, pytest.raises(AuditError, match=words):
        audit(record)


def test_a_run_without_customers_has_no_entries_about_them(tmp_path: Path) -> None:
    with make_record(tmp_path / "run", make_config(), epochs=1) as record:
        record.append([Draft("feedback", FOREIGN_ID, {"rating": 0.0})])
        with pytest.raises(AuditError, match="there is no such kind of entry"):
            audit(record)


def test_a_customer_can_check_a_receipt_without_us_and_against_the_record(sold: Path, tmp_path: Path) -> None:
    with open_run(sold) as record:
        receipt_id = next(record.entries("receipt")).key
    saved = tmp_path / "receipt.json"
    printed = subnetlab("receipt", sold, receipt_id, "--save", saved, "--trust").stdout
    assert "price_usd" in printed and "all with intact hashes" in printed
    content = json.loads(saved.read_text())
    fields = [content[name] for name in ("seq", "kind", "key", "body", "previous")]
    assert hashlib.sha256(json.dumps(fields).encode()).hexdigest() == content["hash"]
    SavedReceipt.read(saved).check()
    saved.write_text(json.dumps(content | {"body": content["body"].replace("customer-0", "customer-1")}))
    with pytest.raises(AuditError, match="was changed: its hash does not match"):
        SavedReceipt.read(saved).check()
    assert "is no receipt of" in subnetlab("receipt", sold, "../no/such/receipt", "--trust", expect=1).stderr
    with pytest.raises(RecordError, match="is not a saved receipt"):
        SavedReceipt.read(sold / "config.json")


def test_a_receipt_that_the_record_no_longer_has_is_noticed(copy: Path) -> None:
    with open_run(copy) as record:
        saved = SavedReceipt.find(record, next(record.entries("receipt")).key)
    rewrite(copy, lambda bodies: next(body for kind, _, body in bodies if kind == "receipt").update(latency_s=9.0))
    with open_run(copy) as record, pytest.raises(AuditError, match="differs from that of"):
        saved.check_in(record)


async def test_a_journal_writes_what_waits_together_and_reports_a_failure_to_each() -> None:
    groups: list[list[str]] = []

    async def append(drafts: Any) -> None:
        groups.append([draft.key for draft in drafts])
        await asyncio.sleep(0.01)
        if len(groups) == 2:
            raise RecordError("disk full")

    journal = Journal(append)
    first = asyncio.create_task(journal.write(Draft("request", "a", {})))
    while not groups:
        await asyncio.sleep(0)
    rest = [asyncio.create_task(journal.write(Draft("request", key, {}))) for key in "bc"]
    results = await asyncio.gather(first, *rest, return_exceptions=True)
    assert groups == [["a"], ["b", "c"]]
    assert [type(result) for result in results] == [type(None), RecordError, RecordError]


CONFIG = """
seed = 1
subnet = "tests.lab.records:Digits"
[[miners]]
name = "patient"
kind = "tests.lab.gateway.running:Patient"
[[validators]]
name = "judge"
[chain]
epochs = 1
rounds_per_epoch = 2
[pool]
kind = "local"
isolate = false
[gateway]
"""


@pytest.mark.slow
def test_a_killed_gateway_loses_no_paid_request(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG)
    arguments = ("gateway", tmp_path / "c.toml", "--out", tmp_path / "run", "--keys", tmp_path / "keys.json")
    command = [sys.executable, "-m", "lab", *map(str, arguments), "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        port = int(announced["url"].split(":")[2].split("/")[0])
        gateway = RunningGateway(tmp_path / "run", port, announced["new_key"], KeyFile(tmp_path / "keys.json"))
        assert gateway.ask("Say <b>1</b> again")[0] == 200
        waiting = subprocess.Popen(
            ["curl", "-s", f"{gateway.url}/chat/completions", "-H", f"Authorization: Bearer {gateway.key}", "-d"]
            + [json.dumps({"model": "digits", "messages": [{"role": "user", "content": "?"}]})]
        )
        wait_for(gateway, lambda kinds: kinds.count("request") == 2)
        process.send_signal(signal.SIGKILL)
        waiting.wait()
    with gateway.record() as record:
        assert audit(record).receipts == {"answered": 1, "open": 1}
    config = RunConfig.read(tmp_path / "c.toml", {"bare.every": "0"})
    with running(config, tmp_path / "run", "resume") as again:
        usage = again.call("GET", "/v1/usage", key=gateway.key)[1]
        assert (usage["requests"], usage["answered"], usage["reserved_usd"]) == (2, 1, 0.0)
    with gateway.record() as record:
        assert [Receipt.of(entry).outcome for entry in record.entries("receipt")] == ["answered", "unanswered"]
        assert audit(record).receipts == {"answered": 1, "unanswered": 1}
