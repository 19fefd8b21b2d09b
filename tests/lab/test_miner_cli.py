"""Two parties: a miner that is served by one process, and a run elsewhere that pays it by its answers."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from consensus.chain.keys import WalletFolder
from consensus.chain.metagraph import Metagraph
from lab.config.run_config import RunConfig
from lab.errors import ConfigError
from lab.record.entries import GradedRound
from lab.record.record import RunRecord
from lab.record.run_folder import open_run
from lab.run.audit import audit
from lab.run.session import run
from lab.serve.miner import ChainFile, Serving, Snapshot, callers_of, read_spec
from miners.ocr import TesseractReader
from subnets import Caller
from tests.lab.commands import ROOT, subnetlab

TESSERACT = {"kind": "tesseract", "scale": 0.75}
PAGES = {"kind": "ocr", "difficulty": [0.2, 0.5]}


@pytest.fixture
def wallets(tmp_path: Path) -> Path:
    """One wallet for each party, and a metagraph in which the validator has a permit."""
    folder = tmp_path / "wallets"
    keys = {}
    for name in ("validator", "miner"):
        WalletFolder(folder).new_coldkey(name)
        keys[name] = WalletFolder(folder).new_hotkey(name, "default")
    lines = ["hotkey,coldkey,stake,validator_permit", f"{keys['validator']},{keys['miner']},1000,1"]
    (tmp_path / "sn1.csv").write_text("\n".join(lines) + "\n")
    return folder


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "lab", *map(str, arguments)]


@contextmanager
def served(spec: str, wallets: Path, *options: str | Path) -> Iterator[dict[str, Any]]:
    """Serve a miner from another process; yield its announcement, which gets its last line as "end"."""
    arguments = ("miner", "serve", spec, "--wallet", "miner", "--wallets", wallets, "--port", "0", "--json")
    with subprocess.Popen(
        command(*arguments, *options), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        announcement = json.loads(line) if line else {}
        try:
            assert announcement, process.stderr.read()
            yield announcement
        finally:
            process.send_signal(signal.SIGTERM)
            last = process.stdout.read()
        announcement["end"] = json.loads(last)
    assert process.returncode == 0


def config(
    told: dict[str, Any], wallets: Path, here: dict[str, Any] = TESSERACT, subnet: dict[str, Any] = PAGES, **wire: str
) -> RunConfig:
    """A local miner, and one that is reached over HTTP."""
    dendrite = {
        "url": told["url"],
        "hotkey": told["hotkey"],
        "wallets": str(wallets),
        "private_hosts": ["127.0.0.1"],
        **wire,
    }
    return RunConfig.parse(
        {
            "seed": 5,
            "subnet": subnet,
            "miners": [
                {"name": "here", **here},
                {"name": "there", "kind": "remote", "dendrite": dendrite},
            ],
            "validators": [{"name": "asker"}],
            "chain": {"epochs": 1, "rounds_per_epoch": 2},
            "pool": {"kind": "local"},
            "bare": {"every": 0},
        }
    )


def scores(record: RunRecord) -> tuple[Sequence[float | None], Sequence[float | None]]:
    """Scores of the local and of the remote miner, round by round."""
    rounds = [GradedRound.of(entry) for entry in record.entries("round")]
    return tuple(
        [answer.score for graded in rounds for answer in graded.answers if answer.uid == uid] for uid in (1, 2)
    )  # type: ignore[return-value]


@pytest.mark.slow
def test_a_served_tesseract_earns_what_the_same_one_earns_here_and_the_audit_passes(
    wallets: Path, tmp_path: Path
) -> None:
    with served("{kind = 'tesseract', scale = 0.75}", wallets, "--metagraph", tmp_path / "sn1.csv") as announcement:
        with run(config(announcement, wallets), tmp_path / "run") as record:
            here, there = scores(record)
            rounds = [GradedRound.of(entry) for entry in record.entries("round")]
            result = audit(record)
    assert announcement["end"] == {"answered": 2, "refused": {}} and announcement["places"] >= 1
    assert here == there and len(there) == 2 and min(score or 0.0 for score in there) > 0.3
    assert result.complete
    [remote] = {answer.cost.sent_bytes > 10_000 for graded in rounds for answer in graded.answers if answer.uid == 2}
    assert remote
    secret = (wallets / "validator" / "hotkeys" / "default").read_text()
    words = [word.encode() for word in secret.split('"') if len(word) > 50]
    content = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert words and not any(word in content for word in words)
    # The audit asks nobody: it passes when the miner is long gone.
    with open_run(tmp_path / "run") as record:
        assert audit(record).complete


@pytest.mark.slow
def test_a_template_miner_served_to_dendrites_earns_what_the_same_one_earns_here(wallets: Path, tmp_path: Path) -> None:
    options = ("--metagraph", tmp_path / "sn1.csv", "--protocol", "synapse")
    wire = {"protocol": "synapse", "synapse": "subnets.template.example:Doubling"}
    with served("template", wallets, *options) as announcement:
        with run(
            config(announcement, wallets, {"kind": "template"}, {"kind": "template"}, **wire), tmp_path / "run"
        ) as record:
            assert scores(record) == ([1.0, 1.0], [1.0, 1.0])
    assert announcement["end"] == {"answered": 2, "refused": {}}


def test_a_miner_that_refuses_the_run_is_at_fault_with_its_reason(wallets: Path, tmp_path: Path) -> None:
    options = ("--metagraph", tmp_path / "sn1.csv")
    with served("{kind = 'echo', min_stake = 5000}", wallets, *options) as announcement:
        asked = config(announcement, wallets, {"kind": "echo"}, {"kind": "tests.lab.records:Digits", "drawn": False})
        with run(asked, tmp_path / "run") as record:
            rounds = [GradedRound.of(entry) for entry in record.entries("round")]
    refused = [answer for graded in rounds for answer in graded.answers if answer.uid == 2]
    assert {answer.fault for answer in refused} == {"refused"}
    assert "refused: a stake of 1000 is too little; at least 5000 is required" in refused[0].reason
    assert announcement["end"]["refused"] == {"refused": 2} and announcement["end"]["answered"] == 0


def test_nothing_is_left_open_where_callers_can_no_longer_be_looked_up(wallets: Path, tmp_path: Path) -> None:
    class Breaking(Snapshot):
        reads: ClassVar[int] = 0

        def read(self) -> Metagraph:
            Breaking.reads += 1
            if Breaking.reads > 1:
                raise RuntimeError("the registry broke")
            return super().read()

    async def serve() -> None:
        key, registry = WalletFolder(wallets).hotkey("miner", "default"), Breaking(tmp_path / "sn1.csv")
        serving, before = Serving(read_spec("echo"), key, registry, refresh_s=0.0), asyncio.all_tasks()
        with pytest.raises(RuntimeError, match="the registry broke"):
            async with serving:
                await serving.listen("127.0.0.1", 0)
                port = serving.axon.port
                await asyncio.wait(asyncio.all_tasks() - before, timeout=30, return_when=asyncio.FIRST_EXCEPTION)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(serve())


async def test_a_registry_that_cannot_be_read_is_logged_once_and_read_again(
    wallets: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "sn1.csv"
    good, deep = file.read_text(), tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    key = WalletFolder(wallets).hotkey("miner", "default")
    serving = Serving(read_spec("echo"), key, Snapshot(file), refresh_s=0.01)
    refreshing = asyncio.create_task(serving._refresh())
    for damage in (deep.read_text(), good[: len(good) // 2]):
        file.write_text(damage)
        await asyncio.sleep(0.3)
        assert not refreshing.done()
        assert len(caplog.records) == 1 and "keeping those known so far" in caplog.text
    file.write_text(good)
    known_at = serving.axon._known_at
    await asyncio.sleep(0.3)
    assert serving.axon._known_at > known_at
    refreshing.cancel()


def test_a_chain_says_who_is_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBNETLAB_CHAIN", str(tmp_path / "chain.db"))
    monkeypatch.setenv("SUBNETLAB_WALLETS", str(tmp_path))
    subnetlab("wallet", "new", "validator")
    subnetlab("faucet", "validator", "--times", "5")
    subnetlab("subnet", "create", "validator")
    subnetlab("stake", "add", "validator", "200")
    hotkey = WalletFolder(tmp_path).entry("validator").hotkeys["default"]
    callers = callers_of(ChainFile(str(tmp_path / "chain.db"), 1).read())
    assert callers[hotkey] == Caller(hotkey, 200.0, callers[hotkey].validator_permit)


def test_a_snapshot_says_who_is_registered(wallets: Path, tmp_path: Path) -> None:
    [caller] = callers_of(Snapshot(tmp_path / "sn1.csv").read()).values()
    assert (caller.stake, caller.validator_permit) == (1000.0, True)


@pytest.mark.parametrize(
    "text",
    ["tesseract", "{kind = 'tesseract'}", 'kind = "tesseract"\nname = "mine"', '[[miners]]\nkind = "tesseract"'],
    ids=["kind", "inline table", "table", "config"],
)
def test_a_miner_may_be_named_in_several_ways(text: str, tmp_path: Path) -> None:
    if "\n" in text:
        (tmp_path / "spec.toml").write_text(text)
        text = str(tmp_path / "spec.toml")
    assert isinstance(read_spec(text), TesseractReader)


def test_one_of_several_miners_is_chosen_by_name() -> None:
    assert read_spec("configs/ocr.toml", "half").scale == 0.5  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="choose one with --miner; known: full, three-quarters, half"):
        read_spec("configs/ocr.toml")
    with pytest.raises(ConfigError, match="no miner is called 'nobody'; known: full"):
        read_spec("configs/ocr.toml", "nobody")


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("tesserac", "unknown miner 'tesserac'; known: "),
        ("{kind = 'tesseract', scal = 1}", "unknown key; known: "),
        ("{kind = ", "not TOML"),
        ("nowhere.toml", "nowhere.toml: no such file"),
        ("{a = " + "[" * 100_000, "nested too deep"),
        ("{kind = 'remote', dendrite = {url = '{server:sayer}'}}", "only a run starts server 'sayer'"),
    ],
)
def test_a_spec_that_can_not_be_served_is_refused(spec: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        read_spec(spec)


@pytest.mark.parametrize(
    ("code", "options", "reason"),
    [
        (1, ("--wallet", "nobody"), "no wallet 'nobody'"),
        (1, ("--wallet", "miner", "--metagraph", "no.csv"), "no.csv can't be read"),
        (2, ("--wallet", "miner", "--tls-cert", "cert.pem"), "--tls-cert and --tls-key go together"),
        (1, ("--wallet", "miner", "--host", "192.0.2.1", "--port", "8091"), "can't serve at 192.0.2.1:8091"),
        (
            1,
            ("--wallet", "miner", "--tls-cert", "no.pem", "--tls-key", "my.key"),
            "certificate no.pem with key my.key can't be used: No such file or directory",
        ),
    ],
)
def test_the_reason_why_it_cannot_serve_is_one_line(
    code: int, options: tuple[str, ...], reason: str, wallets: Path, tmp_path: Path
) -> None:
    if "--metagraph" not in options:
        options += ("--metagraph", str(tmp_path / "sn1.csv"))
    (line,) = subnetlab("miner", "serve", "echo", "--wallets", wallets, *options, expect=code).stderr.splitlines()
    assert reason in line
