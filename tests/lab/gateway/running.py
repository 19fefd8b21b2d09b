"""A gateway that runs beside its test, in a thread of its own."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, ClassVar

from lab.config.run_config import RunConfig
from lab.record.record import RunRecord
from lab.record.run_folder import RunMode, open_run
from lab.run.session import run
from lab.serve.gateway.gateway import Gateway
from lab.serve.gateway.keys import KeyFile
from miners import Miner
from subnets import Answer, Query, Response, Score, Scorer, Task
from tests.lab.records import Sayer, make_config

SAYER = {"name": "sayer", "kind": "tests.lab.records:Sayer"}
FAILING = {"name": "failing", "kind": "tests.lab.records:Mute"}
SILENT = {"name": "silent", "kind": "silent"}
PATIENT = {"name": "patient", "kind": "tests.lab.gateway.running:Patient"}
WAIT_S = 60.0


class Lengths(Scorer):
    """Grades by length, so that it needs no reference."""

    needs_reference: ClassVar[bool] = False

    def score(self, task: Task, response: Response) -> Score:
        assert response.answer is not None
        return Score(min(1.0, len(response.answer.text) / 1000))


class Repeater(Miner):
    """Says the prompt several times."""

    times: int = 1

    async def forward(self, query: Query) -> Answer:
        return Answer(text=query.prompt.text * self.times, model="repeater-1")


class Patient(Sayer):
    """Answers validators, and waits for ever when it is asked "?"."""

    async def forward(self, query: Query) -> Answer | bytes:
        if query.prompt.text == "?":
            await asyncio.Event().wait()
        return await super().forward(query)


HEARD: list[dict[str, Any]] = []
"""What eavesdroppers in this process were asked with."""


class Eavesdropper(Miner):
    """Answers with everything that it was asked with, and remembers it."""

    async def forward(self, query: Query) -> Answer:
        caller = query.caller
        seen = {
            "id": query.id,
            "subnet": query.subnet,
            "timeout_s": query.timeout_s,
            "hotkey": caller.hotkey,
            "stake": caller.stake,
            "permit": caller.validator_permit,
            "max_tokens": query.prompt.max_tokens,
            "roles": [message.role for message in query.prompt.messages],
            "image": query.prompt.image[:3].hex(),
        }
        HEARD.append(seen)
        return Answer(text=json.dumps(seen))


@dataclass
class RunningGateway:
    """A gateway under test."""

    folder: Path
    port: int
    key: str
    keys: KeyFile

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of the reply."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        headers = {"Authorization": f"Bearer {self.key if key is None else key}", "Content-Type": "application/json"}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        with connection.getresponse() as response:
            text = response.read().decode()
        connection.close()
        return response.status, json.loads(text) if text.startswith(("{", "[")) else text

    def ask(self, text: str, model: str = "digits", **options: Any) -> tuple[int, Any]:
        """Ask for a chat completion."""
        messages = [{"role": "user", "content": text}]
        return self.call("POST", "/v1/chat/completions", {"model": model, "messages": messages, **options})

    def record(self) -> RunRecord:
        return open_run(self.folder)


def customers_config(*miners: Mapping[str, Any], validators: Any = None, **tables: Any) -> RunConfig:
    """A config that serves customers, with one validator and a short run."""
    return make_config(
        **{
            "miners": list(miners) or [SAYER],
            "validators": validators or [{"name": "judge"}],
            "chain": {"epochs": 1, "rounds_per_epoch": 2},
            "bare": {"every": 0},
            "gateway": {"graded_share": 0.0},
        }
        | tables
    )


@contextmanager
def running(
    config: RunConfig,
    folder: Path,
    mode: RunMode = "new",
    limits: Mapping[str, Any] | None = None,
    certificate: Path | None = None,
) -> Iterator[RunningGateway]:
    """Run a gateway; at the end it is stopped after its last epoch."""
    keys = KeyFile(folder.parent / "keys.json")
    name = f"customer-{len(keys.read())}"
    secret = keys.create(name, **(limits or {}))
    ready, failures = threading.Event(), []
    loops: list[asyncio.AbstractEventLoop] = []
    ports: list[int] = []

    def opened(port: int) -> None:
        loops.append(asyncio.get_running_loop())
        ports.append(port)
        ready.set()

    gateway = Gateway(keys, opened=opened, certificate=certificate)

    def work() -> None:
        try:
            run(config, folder, mode=mode, guest=gateway).close()
        except BaseException as error:
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(WAIT_S)
        if failures:
            raise failures[0]
        yield RunningGateway(folder, ports[0], secret, keys)
    finally:
        if loops:
            loops[0].call_soon_threadsafe(gateway.dismissed.set)
        thread.join(WAIT_S)
    if failures:
        raise failures[0]


def wait_for(gateway: RunningGateway, holds: Callable[[list[str]], bool]) -> list[str]:
    """Wait until the kinds of the record's entries are as wanted, and return them."""
    until = time.monotonic() + WAIT_S
    while True:
        with gateway.record() as record:
            kinds = [entry.kind for entry in record.entries()]
        if holds(kinds) or time.monotonic() > until:
            return kinds
        time.sleep(0.02)
