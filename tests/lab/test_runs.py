"""Runs as a whole: listing and deleting them, repeating one over seeds, and showing what one would take."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.cli.console.output import FAILED, STOPPED, USAGE
from lab.cli.main import app
from lab.errors import RecordError
from lab.files import claim
from lab.record.run_list import list_runs, remove
from lab.results.over_seeds import OverSeeds
from lab.results.run_figures import RunFigures
from tests.lab.records import make_config, make_record
from tests.lab.test_cli import CONFIG

ROOT = Path(__file__).parents[2]


def subnetlab(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    make_record(folder / "whole", make_config(chain={"epochs": 1, "rounds_per_epoch": 1})).close()
    make_record(folder / "half", epochs=1).close()
    make_record(folder / "study" / "arms" / "one", epochs=1).close()
    (folder / "study" / "study.json").write_text("{}")
    (folder / "notes").mkdir()
    return folder


def test_runs_and_studies_are_listed_with_state_epochs_and_size(runs: Path) -> None:
    half, study, whole = list_runs(runs)
    assert (half.state, half.epochs, half.sort) == ("unfinished", 1, "run")
    assert (study.state, study.epochs, study.sort) == ("unfinished", 1, "study")
    assert (whole.state, whole.epochs, whole.started) == ("finished", 1, "2026-11-02T09:30:00+00:00")
    assert all(each.size_bytes > 10_000 for each in (half, study, whole))


def test_a_run_that_is_held_is_running_and_a_torn_one_says_why(runs: Path) -> None:
    (runs / "whole" / "record.sqlite").write_bytes(b"torn")
    with claim(runs / "half"):
        half, _, whole = list_runs(runs)
    assert half.state == "running"
    assert whole.state == "unreadable" and whole.note


def test_the_list_is_a_table_or_json_and_creates_nothing(runs: Path) -> None:
    before = sorted(runs.rglob("*"))
    shown = subnetlab("runs", "list", runs)
    assert shown.exit_code == 0 and "whole" in shown.stdout and "3 in" in shown.stdout
    printed = json.loads(subnetlab("runs", "list", runs, "--json").stdout)
    assert [each["state"] for each in printed] == ["unfinished", "unfinished", "finished"]
    assert sorted(runs.rglob("*")) == before


def test_a_deleted_run_is_gone_and_a_file_of_the_user_stays(runs: Path) -> None:
    (runs / "half" / "mine.txt").write_text("mine")
    result = subnetlab("runs", "delete", runs / "whole", runs / "half", runs / "study", "--yes")
    assert result.exit_code == 0, result.output
    assert "it still holds mine.txt" in result.stdout
    assert sorted(path.relative_to(runs).as_posix() for path in runs.rglob("*")) == ["half", "half/mine.txt", "notes"]


def test_a_run_in_use_and_a_folder_without_a_run_are_not_deleted(runs: Path) -> None:
    with claim(runs / "half"):
        result = subnetlab("runs", "delete", runs / "half", runs / "notes", "--yes")
    assert result.exit_code == 1
    assert "is in use by another process" in result.stderr and "holds no run and no study" in result.stderr
    assert (runs / "half" / "record.sqlite").is_file()


def test_nothing_is_deleted_without_a_yes(runs: Path) -> None:
    assert CliRunner().invoke(app, ["runs", "delete", str(runs / "half")], input="n\n").exit_code == 1
    assert (runs / "half" / "record.sqlite").is_file()


def test_a_record_elsewhere_is_deleted_only_where_the_folder_is_trusted(tmp_path: Path) -> None:
    make_record(tmp_path / "run", epochs=1).close()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    (tmp_path / "run" / "config.json").write_text(json.dumps(config | {"record": url}))
    (tmp_path / "run" / "record.sqlite").rename(tmp_path / "elsewhere.sqlite")
    with pytest.raises(RecordError, match="give --trust"):
        remove(tmp_path / "run")
    assert remove(tmp_path / "run", trust=True) == []
    assert not (tmp_path / "run").exists()


def test_figures_over_seeds_have_one_observation_for_each_run(tmp_path: Path) -> None:
    seeds = range(7, 12)
    chain = {"epochs": 1, "rounds_per_epoch": 4}
    records = [make_record(tmp_path / str(seed), make_config(seed=seed, chain=chain)) for seed in seeds]
    joined = OverSeeds.of(seeds, [RunFigures.of(record) for record in records])
    perfect = joined.miners[0]
    assert perfect.name == "perfect" and perfect.pay_share.n == 5
    assert perfect.pay_share.low is not None and perfect.pay_share.value is not None
    assert perfect.pay_share.low < perfect.pay_share.value
    assert joined.miners[5].pay_share.value == 0.0


@pytest.mark.slow
def test_a_run_is_repeated_over_seeds_and_estimated_before(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(CONFIG)
    arguments = ["run", tmp_path / "tiny.toml", "--out", tmp_path / "runs"]
    plan = json.loads(subnetlab(*arguments, "--dry-run", "--json").stdout)
    assert plan["wall_s"] is None and not (tmp_path / "runs").exists()
    joined = json.loads(subnetlab(*arguments, "--seeds", "2", "--chain.rounds_per_epoch", "2", "--json").stdout)
    assert joined["seeds"] == [0, 1] and joined["miners"][0]["pay_share"]["n"] == 2
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"0", "1"}
    again = subnetlab(*arguments, "--seeds", "2", "--chain.rounds_per_epoch", "2", "--resume")
    assert again.exit_code == 0 and "Over 2 runs" in again.stdout
    known = [*arguments[:2], "--out", tmp_path / "runs" / "1", "--dry-run"]
    assert json.loads(subnetlab(*known, "--json").stdout)["cpu_s"] > 0
    assert "CPU seconds" in subnetlab(*known).stdout


def test_caches_are_named_with_their_size_and_deleted_after_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUBNETLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("consensus.__path__", [str(tmp_path)])
    assert subnetlab("clean").stdout == "There is nothing to delete.\n"
    (tmp_path / "cache" / "models").mkdir(parents=True)
    (tmp_path / "cache" / "models" / "weights").write_bytes(bytes(2_000_000))
    (tmp_path / "kernel.nbi").write_bytes(b"compiled")
    assert CliRunner().invoke(app, ["clean"], input="n\n").exit_code == 1
    assert (tmp_path / "cache" / "models" / "weights").is_file()
    result = subnetlab("clean", "--yes")
    assert f"{tmp_path / 'cache' / 'models'}: 2.0 MB" in result.stdout and "deleted 2.0 MB" in result.stdout
    assert not (tmp_path / "cache" / "models").exists() and not (tmp_path / "kernel.nbi").exists()


@pytest.mark.parametrize("coloured", [False, True])
def test_no_color_keeps_colours_out_of_what_a_terminal_shows(coloured: bool) -> None:
    script = "from lab.cli.console.progress import Bar\nwith Bar('x') as bar: bar.advance(1, 2)"
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    environment |= {"TERM": "xterm", "FORCE_COLOR": "1"} | ({} if coloured else {"NO_COLOR": "1"})
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (re.search(r"\x1b\[[39]\d", done.stderr) is not None) == coloured


@pytest.mark.slow
def test_the_exit_codes_are_documented_as_they_are() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    for code in (0, FAILED, USAGE, STOPPED):
        assert f"| {code} |" in page
    done = [
        subprocess.run([sys.executable, "-m", "lab", *arguments], cwd=ROOT, capture_output=True).returncode
        for arguments in (["runs", "list", "no-such-folder"], ["run", "no-such-config.toml"], ["--version"])
    ]
    assert done == [FAILED, USAGE, 0]
