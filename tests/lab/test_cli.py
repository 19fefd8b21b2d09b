"""The command line as a user types it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = """
subnet = "tests.lab.records:Digits"
[[miners]]
name = "good"
kind = "tests.lab.records:Sayer"
right = 0.9
[[miners]]
kind = "echo"
[[validators]]
name = "v"
[chain]
epochs = 1
[pool]
kind = "local"
"""


def subnetlab(*arguments: str | Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "lab", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == expect, done.stderr or done.stdout
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def folder(config: Path) -> Path:
    subnetlab("run", config, "--out", config.parent / "run")
    return config.parent / "run"


def test_help_shows_every_command_quickly() -> None:
    started = time.process_time()
    shown = subnetlab("--help").stdout
    for command in ("run", "report", "audit", "doctor", "list", "wallet", "metagraph"):
        assert f"\n  {command} " in shown
    assert time.process_time() - started < 1.0
    assert "Examples:" in subnetlab("run", "--help").stdout


def test_a_run_prints_its_tables_and_names_its_report(config: Path, tmp_path: Path) -> None:
    shown = subnetlab("run", config, "--out", tmp_path / "r").stdout
    for word in ("incentive", "emission", "good", "echo", "once"):
        assert word in shown.lower()
    assert shown.rstrip().endswith(f"report: {tmp_path / 'r' / 'report.html'}")
    assert "<html" in (tmp_path / "r" / "report.html").read_text()
    assert max(map(len, shown.splitlines()[:-1])) <= 80


def test_every_key_is_a_flag_and_json_is_one_document(config: Path, tmp_path: Path) -> None:
    done = subnetlab(
        "run", config, "--out", tmp_path / "r", "--json", "--chain.epochs", "2", "--set", "seed=5", "--seed=6"
    )
    assert isinstance(json.loads(done.stdout), dict) and done.stderr == ""
    written = json.loads((tmp_path / "r" / "config.json").read_text())
    assert (written["chain"]["epochs"], written["seed"]) == (2, 6)


def test_a_report_and_an_audit_can_be_had_again_from_the_folder(folder: Path) -> None:
    assert "incentive" in subnetlab("report", folder).stdout.lower()
    assert json.loads(subnetlab("report", folder, "--json").stdout)["report"].endswith("report.html")
    assert "all as recorded" in subnetlab("audit", folder).stdout
    assert json.loads(subnetlab("audit", folder, "--json").stdout)["complete"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "nowhere.toml"], 2, "subnetlab: nowhere.toml: no such file"),
        (["run", "{config}", "--chain.epoch", "3"], 2, "chain.epoch: unknown key; known: epochs"),
        (["run", "{config}", "--chain.epochs"], 2, "--chain.epochs: give it a value, as in --chain.epochs 3"),
        (["run", "{config}", "--set", "seed"], 2, "write KEY=VALUE"),
        (["run", "{config}", "--resume", "--clean"], 2, "exclude each other"),
        (["run", "{config}", "--out", "{folder}"], 1, "holds a run already; --resume continues it"),
        (["run", "{config}", "--out", "/proc/nowhere"], 1, "subnetlab: /proc/nowhere: "),
        (["run", "{config}", "--record", '"nosuchdb://x/y"', "--out", "{folder}2"], 1, "SQLAlchemy URL"),
        (["report", "nowhere"], 1, "nowhere holds no run"),
        (["audit", "nowhere"], 1, "nowhere holds no run"),
        (["rnu"], 2, "No such command 'rnu'"),
    ],
)
def test_a_mistake_is_told_in_one_message(
    config: Path, folder: Path, arguments: list[str], code: int, said: str
) -> None:
    filled = [argument.format(config=config, folder=folder) for argument in arguments]
    assert said in " ".join(subnetlab(*filled, expect=code).stderr.replace("│", "").split())


def test_one_changed_byte_is_found_and_named(config: Path, tmp_path: Path) -> None:
    subnetlab("run", config, "--out", tmp_path)
    path = tmp_path / "record.sqlite"
    content = path.read_bytes()
    place = content.index(b'"task_seed":') + len(b'"task_seed":')
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    assert "was changed after it was written" in subnetlab("audit", tmp_path, expect=1).stderr


def test_a_full_disk_stops_the_run_with_the_record_intact(config: Path, tmp_path: Path) -> None:
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "sys.argv[1:] = sys.argv[1:]; from lab.cli.main import main; main()"
    )
    arguments = [
        "run",
        str(config),
        "--out",
        str(tmp_path / "r"),
        "--chain.epochs",
        "400",
        "--chain.rounds_per_epoch",
        "5",
    ]
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "can't be written" in done.stderr and "Traceback" not in done.stderr
    assert "all as recorded" in subnetlab("audit", tmp_path / "r").stdout


def test_the_list_and_the_doctor_speak_json_too() -> None:
    assert "ocr" in [subnet["kind"] for subnet in json.loads(subnetlab("list", "--json").stdout)["subnets"]]
    found = {finding["name"]: finding["state"] for finding in json.loads(subnetlab("doctor", "--json").stdout)}
    assert found["tesseract"] == found["ray"] == "ok"


def test_the_doctor_names_the_command_for_what_is_missing(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lab", "doctor"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "apt-get install tesseract-ocr tesseract-ocr-eng" in done.stdout
