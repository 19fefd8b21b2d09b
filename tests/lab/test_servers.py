"""Runs that start a server, and runs with a miner that learns which engine pays."""

import asyncio
import http.client
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from cluster import PoolError, RaySession
from lab.config.run_config import RunConfig
from lab.errors import ConfigError
from lab.record.entries import Epoch, GradedRound
from lab.record.record import RunRecord
from lab.report.run_report import html
from lab.results.bill import Bill
from lab.results.neurons import NeuronResults
from lab.results.run_figures import RunFigures
from lab.run.audit import audit
from lab.run.events import Event
from lab.run.session import run
from miners import Miner
from miners.engines.completion import Completion, Request
from miners.engines.language import LanguageEngine
from subnets import Answer, Cost, Query, spend
from tests.lab.records import make_config

pytestmark = pytest.mark.slow

SERVER = """
import http.server, sys, time
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        until = time.thread_time() + (0.03 if self.path.startswith("/say/") else 0.0)
        while time.thread_time() < until: pass
        self.send_response(200); self.end_headers(); self.wfile.write(self.path.removeprefix("/say/").encode())
    def log_message(self, *message): print("asked for", message[1], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""
TABLE: dict[str, Any] = {"name": "sayer", "command": ["{python}", "-u", "-c", SERVER, "{port}"], "ready": "/"}


class Caller(Miner):
    """Gets its answers from a server."""

    url: str

    async def forward(self, query: Query) -> Answer | bytes:
        text = query.prompt.text.removeprefix("Say <b>").removesuffix("</b> again")
        return Answer(text=await asyncio.to_thread(self._say, text))

    def _say(self, text: str) -> str:
        at = urlsplit(self.url)
        assert at.hostname is not None
        connection = http.client.HTTPConnection(at.hostname, at.port, timeout=10)
        try:
            connection.request("GET", f"/say/{text}")
            return connection.getresponse().read().decode()
        finally:
            connection.close()


class Vendor(LanguageEngine):
    """Repeats the digits at a price; `wrong` ones never."""

    price_usd: float = 0.0
    wrong: bool = False
    cores: float = 0.0

    @property
    def cpus(self) -> float:
        return self.cores

    async def complete(self, request: Request) -> Completion:
        spend(Cost(paid_usd=self.price_usd, output_tokens=4))
        text = request.messages[-1].content.removeprefix("Say <b>").removesuffix("</b> again")
        return Completion("" if self.wrong else text)


def serving(miners: list[dict[str, Any]] | None = None, **tables: Any) -> RunConfig:
    callers = miners or [{"name": "caller", "kind": "tests.lab.test_servers:Caller", "url": "{server:sayer}"}]
    chain = {"epochs": 2, "rounds_per_epoch": 3}
    others = [{"name": "good", "kind": "tests.lab.records:Sayer", "right": 0.5}]
    return make_config(servers=[TABLE], miners=callers + others, chain=chain, **tables)


def children() -> set[int]:
    # The command of a zombie is unknown: an engine of an earlier test that was killed may be one.
    running = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return {child.pid for child in running if "supervisor.py" in " ".join(child.cmdline())}


@pytest.mark.parametrize("measured", ["good", "caller"])
def test_a_run_starts_its_server_and_bills_it_apart(measured: str, tmp_path: Path) -> None:
    with run(serving(bare={"miner": measured}), tmp_path) as record:
        result, bill = audit(record), Bill.of(record)
        rounds = [GradedRound.of(entry) for entry in record.entries("round")]
        config = (tmp_path / "config.json").read_text()
    assert result.complete
    assert {answer.score for graded in rounds for answer in graded.answers if answer.uid == 3} == {1.0}
    parts = {part.name: part for part in bill.parts}
    assert 0.3 <= parts["providers' servers"].cost.cpu_s < 2.0
    assert parts["providers' servers"].usd == 0.0
    assert (parts["doing it once"].cost.cpu_s >= 0.3) == (measured == "caller")
    assert sum(part.cost.cpu_s for part in bill.parts) == pytest.approx(bill.total_cpu_s, rel=0.001)
    assert bill.unexplained_cpu_s <= 0.01 * bill.total_cpu_s + 0.03  # and three ticks of the clock
    assert "{server:sayer}" in config and sys.executable not in config
    assert "asked for" in (tmp_path / "server-sayer.log").read_text()
    assert not children()


def test_a_stopped_run_ends_its_server_and_starts_it_again_on_resume(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if event.stage == "epoch":
            assert children()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(serving(), tmp_path, watch=stop)
    assert not children()
    with run(serving(), tmp_path, mode="resume") as record:
        assert audit(record).complete
        scores = [GradedRound.of(entry).answers[0].score for entry in record.entries("round")]
    assert scores == [1.0] * 12


def test_a_server_that_does_not_start_ends_the_run_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = TABLE | {"command": ["{python}", "-c", "raise SystemExit('no such device: {port}')"]}
    with pytest.raises(PoolError, match=r"(?s)server sayer has ended; the end of its log .*no such device: \d+"):
        run(make_config(servers=[broken]), tmp_path)


@pytest.mark.parametrize(
    ("servers", "url", "message"),
    [
        ([], "{server:sayer}", r"miners\[0\]: no server is called 'sayer'; add a \[\[servers\]\] table of that name"),
        ([TABLE], "{server:other}/v1", r"miners\[0\]: no server is called 'other'; known: sayer"),
        ([TABLE, TABLE], "", "servers: the name 'sayer' is used twice"),
        ([TABLE | {"command": ["serve"]}], "", r"servers\[0\].command: it must contain \{port\}"),
        (
            [TABLE | {"command": ["{gpu}", "{port}"]}],
            "",
            r"servers\[0\].command: \{gpu\} has no meaning; known: \{python",
        ),
        ([TABLE | {"ready": "health"}], "", r"servers\[0\].ready"),
        ([TABLE | {"prot": 80}], "", r"servers\[0\].prot"),
    ],
)
def test_a_mistake_in_a_server_table_is_named(servers: list[Any], url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(servers=servers, miners=[{"name": "m", "kind": "tests.lab.test_servers:Caller", "url": url}])


def test_json_in_a_command_is_left_as_it_is(tmp_path: Path) -> None:
    table = TABLE | {"command": ["serve", '{"a": 1}', "{port}"]}
    (built,) = make_config(servers=[table]).build_servers(tmp_path)
    assert built._command == ["serve", '{"a": 1}', str(built.port)]


def test_dollars_are_reported_for_each_token_and_character(tmp_path: Path) -> None:
    miners = [
        {"name": "dear", "kind": "language_model", "engine": {"kind": VENDOR, "price_usd": 0.012}},
        {"name": "echo", "kind": "echo"},
    ]
    prices = {"cpu_hour_usd": 0.0, "gpu_hour_usd": 0.0}
    with run(make_config(miners=miners, prices=prices, chain={"epochs": 1, "rounds_per_epoch": 2}), tmp_path) as record:
        dear, echo = NeuronResults.of(record).miners
        assert "$ for 1M characters" in html(RunFigures.of(record))
    assert dear.usd_token.value == pytest.approx(0.003)
    assert dear.usd_character.value == pytest.approx(0.001)
    assert echo.usd_token.value is None and echo.usd_character.n == 0


VENDOR = "tests.lab.test_servers:Vendor"


def routed(kind: str, cores: float, epochs: int = 8) -> RunConfig:
    """Return a run with an expensive engine, one that is never right, and a cheap one that wins by its price."""
    offers = [{"price_usd": 0.02}, {"price_usd": 0.0, "wrong": True}, {"price_usd": 0.001}]
    choices = [{"kind": VENDOR, "cores": cores} | offer for offer in offers]
    miners = [
        {"name": "router", "kind": "router", "choices": choices, "curiosity": 0.05},
        {"name": "rival", "kind": "tests.lab.records:Sayer", "right": 0.9},
    ]
    return make_config(
        miners=miners,
        validators=[{"name": "quick", "alpha": 0.9}],
        chain={"epochs": epochs, "rounds_per_epoch": 2},
        prices={"cpu_hour_usd": 0.0, "gpu_hour_usd": 0.0, "token_usd": 0.001},
        pool={"kind": kind, "hosts": 1},
        bare={"every": 0},
    )


def bought(record: RunRecord) -> list[float]:
    """Return what the router paid for an answer, epoch by epoch."""
    rounds = [GradedRound.of(entry) for entry in record.entries("round")]
    paid: dict[int, set[float]] = {}
    for graded in rounds:
        paid.setdefault(graded.number // 2, set()).add(graded.answers[0].cost.paid_usd)
    assert all(len(prices) == 1 for prices in paid.values()), "it keeps to one engine for an epoch"
    return [prices.pop() for _, prices in sorted(paid.items())]


@pytest.mark.parametrize("cores", [0.0, 0.5], ids=["in process", "child process"])
def test_a_router_shifts_to_the_cheaper_engine_that_still_wins(cores: float, tmp_path: Path) -> None:
    with run(routed("local", cores), tmp_path) as record:
        purchases = bought(record)
        assert audit(record).complete
    assert purchases[:3] == [0.02, 0.0, 0.001]
    assert purchases[4:].count(0.001) >= 3, purchases


def test_a_router_on_ray_does_as_one_in_this_process(ray_session: RaySession, tmp_path: Path) -> None:
    with run(routed("ray", 0.5), tmp_path / "ray") as there, run(routed("local", 0.0), tmp_path / "local") as here:
        assert bought(there) == bought(here)


def test_a_router_chooses_the_same_in_a_resumed_run(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if event.rounds in (9, 14):  # in the middle of the fifth epoch, and at the end of the seventh
            raise KeyboardInterrupt

    config = routed("local", 0.0)
    for mode in ("new", "resume"):
        with pytest.raises(KeyboardInterrupt):
            run(config, tmp_path / "stopped", mode=mode, watch=stop)  # type: ignore[arg-type]
    with (
        run(config, tmp_path / "stopped", mode="resume") as stopped,
        run(config, tmp_path / "undisturbed") as undisturbed,
    ):
        assert bought(stopped) == bought(undisturbed)
        pays = [[Epoch.of(entry).pay for entry in record.entries("epoch")] for record in (stopped, undisturbed)]
    assert pays[0] == pays[1]
