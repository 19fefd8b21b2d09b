"""The command line as a user types it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from lab.cli import COMMANDS
from lab.cli.main import app
from tests.lab.commands import ROOT, subnetlab

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
isolate = false
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def folder(config: Path) -> Path:
    subnetlab("run", config, "--out", config.parent / "run")
    return config.parent / "run"


def test_help_shows_every_command_and_imports_little() -> None:
    shown = subnetlab("--help").stdout
    for command in set(COMMANDS) - {"recycle_register"}:
        assert f"\n  {command} " in shown
    script = "import sys; from lab.cli.main import main; sys.argv[1:] = ['--help']\ntry: main()\nexcept SystemExit: "
    script += "print(*{'numpy', 'sqlalchemy', 'rich', 'lab.config.run_config', 'cluster'} & set(sys.modules), sep='!')"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_or_is_a_group_with_commands(name: str) -> None:
    command = get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    assert command.help and (getattr(command, "commands", {}) or command.epilog or command.hidden), name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_can_complete_commands_options_and_keys(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Typer looks for the shell among the parents of its process; under a test runner there may be none.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "true")
    assert "subnetlab" in subnetlab("--show-completion", shell).stdout
    assert {"run", "report"} <= completions(shell, "subnetlab r")
    assert {"--chain.epochs", "--clean"} <= completions(shell, "subnetlab run x.toml --c")
    assert "--miners.0.count" in completions(shell, "subnetlab run x.toml --miners.0")


def completions(shell: str, line: str) -> set[str]:
    """What a shell offers for a line, asked as the script that `--show-completion` prints asks."""
    words = line.split()
    variables = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (variables | {"_SUBNETLAB_COMPLETE": f"complete_{shell}"}).items():
            patch.setenv(name, value)
        done = subnetlab()
    return set(re.findall(r"(?:^|[\s\"])([\w.-]+)", done.stdout))


def test_a_closed_pipe_is_not_an_error() -> None:
    command = f"{sys.executable} -m lab list --json | head -c 1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["run", "--help"]])
def test_a_full_disk_under_the_output_is_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lab", *arguments], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "subnetlab: can't write the output: No space left on device\n"


def test_a_run_prints_its_tables_and_names_its_report(config: Path, tmp_path: Path) -> None:
    shown = subnetlab("run", config, "--out", tmp_path / "r").stdout
    for word in ("incentive", "emission", "good", "echo", "once"):
        assert word in shown.lower()
    assert shown.rstrip().endswith(f"report: {tmp_path / 'r' / 'report.html'}")
    assert "<html" in (tmp_path / "r" / "report.html").read_text()
    assert max(map(len, shown.splitlines()[:-1])) <= 80


def test_every_key_is_a_flag_anywhere_and_json_is_one_document(config: Path, tmp_path: Path) -> None:
    done = subnetlab(
        "run", "--chain.epochs", "2", config, "--out", tmp_path / "r", "--json", "--set", "seed=5", "--seed=6"
    )
    assert isinstance(json.loads(done.stdout), dict) and done.stderr == ""
    written = json.loads((tmp_path / "r" / "config.json").read_text())
    assert (written["chain"]["epochs"], written["seed"]) == (2, 6)


@pytest.mark.slow
def test_a_finished_folder_can_be_reported_and_audited_again(folder: Path) -> None:
    assert "incentive" in subnetlab("report", folder, "--trust").stdout.lower()
    assert json.loads(subnetlab("report", folder, "--trust", "--json").stdout)["report"].endswith("report.html")
    assert "all as recorded" in subnetlab("audit", folder, "--trust").stdout
    assert json.loads(subnetlab("audit", folder, "--trust", "--json").stdout)["complete"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "nowhere.toml"], 2, "subnetlab: nowhere.toml: no such file"),
        (["run", "{config}", "--chain.epoch", "3"], 2, "; did you mean epochs?"),
        (["run", "{config}", "--chian.epochs", "3"], 2, "no such option: --chian.epochs; did you mean --chain.epochs?"),
        (["run", "--rseume", "{config}"], 2, "no such option: --rseume; did you mean --resume?"),
        (["report", "{folder}", "--jsn"], 2, "--json"),
        (["report", "{folder}", "--trust", "--out", "/proc/nowhere/report.html"], 1, "subnetlab: /proc/nowhere"),
        (["run"], 2, "subnetlab: Missing argument 'CONFIG'. (see subnetlab run --help)"),
        (["run", "{config}", "--chain.epochs"], 2, "--chain.epochs: give it a value, as in --chain.epochs 3"),
        (["run", "{config}", "--set", "seed"], 2, "write KEY=VALUE"),
        (["run", "{config}", "--resume", "--clean"], 2, "exclude each other"),
        (["run", "{config}", "--out", "{folder}"], 1, "holds a run already; --resume continues it"),
        (["run", "{config}", "--out", "/proc/nowhere"], 1, "subnetlab: /proc/nowhere: "),
        (["run", "{config}", "--record", '"nosuchdb://x/y"', "--out", "{folder}2"], 1, "SQLAlchemy URL"),
        (["report", "nowhere"], 1, "nowhere holds no run"),
        (["audit", "nowhere"], 1, "nowhere holds no run"),
        (["audit", "{config}"], 1, "tiny.toml is a file, not a run's folder"),
        (["study", "grading", "{config}"], 2, "missing; add it; see configs/studies/grading_ocr.toml"),
        (["rnu"], 2, "No such command 'rnu'"),
    ],
)
def test_a_mistake_is_one_line_on_stderr(
    config: Path, folder: Path, arguments: list[str], code: int, said: str
) -> None:
    filled = [argument.format(config=config, folder=folder) for argument in arguments]
    (line,) = subnetlab(*filled, expect=code).stderr.splitlines()
    assert line.startswith("subnetlab: ") and said in line


@pytest.mark.slow
def test_an_audit_finds_one_changed_byte(config: Path, tmp_path: Path) -> None:
    subnetlab("run", config, "--out", tmp_path)
    path = tmp_path / "record.sqlite"
    content = path.read_bytes()
    place = content.index(b'"task_seed":') + len(b'"task_seed":')
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    assert "was changed after it was written" in subnetlab("audit", tmp_path, "--trust", expect=1).stderr


@pytest.mark.slow
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
    assert "all as recorded" in subnetlab("audit", tmp_path / "r", "--trust").stdout


def test_the_list_and_the_doctor_print_json_too() -> None:
    assert "ocr" in [subnet["kind"] for subnet in json.loads(subnetlab("list", "--json").stdout)["subnets"]]
    found = {finding["name"]: finding["state"] for finding in json.loads(subnetlab("doctor", "--json").stdout)}
    assert found["tesseract"] == found["ray"] == "ok"


def test_the_doctor_names_the_command_for_what_is_missing(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lab", "doctor"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "apt-get install tesseract-ocr tesseract-ocr-eng" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_output_that_is_not_unicode_replaces_what_it_can_not_show(folder: Path, setting: dict[str, str]) -> None:
    for arguments in (["compare", str(folder), str(folder), "--trust"], ["cluster", "plan", "nowhere ─ τ"]):
        done = subprocess.run(
            [sys.executable, "-m", "lab", *arguments], cwd=ROOT, env=os.environ | setting, capture_output=True
        )
        assert b"Traceback" not in done.stderr, done.stderr
        assert done.returncode == (2 if "plan" in arguments else 0), done.stderr


@pytest.mark.slow
def test_json_is_whole_where_the_output_is_not_unicode() -> None:
    command = [sys.executable, "-m", "lab", "list", "miners", "--json"]
    plain, unicode = (
        json.loads(
            subprocess.run(
                command, cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": encoding}, capture_output=True
            ).stdout
        )
        for encoding in ("ascii", "utf-8")
    )
    assert plain == unicode


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["list"], ["run", "--help"], ["report", "{folder}", "--trust"]])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(folder: Path, arguments: list[str]) -> None:
    filled = " ".join(argument.format(folder=folder) for argument in arguments)
    command = f"{sys.executable} -m lab {filled} | head -n 1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == "" and done.stdout.count("\n") <= 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["miner", "serve", "echo", "--wallet", "x", "--port", "70000"],
            "--port: give an integer from 0 to 65535 (got '70000')",
        ),
        (["chain", "step", "none"], "BLOCKS: give an integer of at least 1 (got 'none')"),
        (["study", "grading", "nowhere.toml", "--budget", "soon"], "--budget soon: write a time or dollars"),
        (
            ["run", "{config}", "--chain.epochs", "three"],
            "subnetlab: --chain.epochs: give an integer of at least 1 (got 'three')",
        ),
    ],
)
def test_a_wrong_value_blames_the_option_that_was_typed(config: Path, arguments: list[str], said: str) -> None:
    (line,) = subnetlab(*(argument.format(config=config) for argument in arguments), expect=2).stderr.splitlines()
    assert said in line
