"""What is sent to a cluster with a run, and what the run leaves there."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.job import Ended
from lab.packed import unpack
from lab.status_cli import at_folder
from lab.status_text import headline
from lab.submit_cli import staged

ROOT = Path(__file__).parents[2]


def test_the_checkout_and_the_config_are_sent_and_no_wallets_records_or_git(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("seed = 1")
    with staged(tmp_path / "mine.toml") as folder:
        sent = {path.name for path in folder.iterdir()}
        assert (folder / "submitted" / "mine.toml").read_text() == "seed = 1"
        assert (folder / "lab" / "job.py").is_file()
    assert {"lab", "cluster", "configs", "submitted", ".gitignore"} <= sent
    assert not sent & {".git", ".venv", ".subnetlab", "runs", "subnetlab.egg-info"}
    assert not folder.exists()


def test_modules_go_along_where_the_config_has_used_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine.toml", "submitted_miner.py", "its_helper.py"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with staged(Path("mine.toml")) as folder:
        assert not list(folder.glob("*.py"))
    importlib.import_module("submitted_miner")
    with staged(Path("mine.toml")) as folder:
        assert sorted(path.name for path in folder.glob("*.py")) == ["its_helper.py", "submitted_miner.py"]
    del sys.modules["submitted_miner"]


def test_a_run_that_fails_leaves_what_it_has_packed_beside_the_log_of_its_job(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'subnet = "tests.lab.records:Digits"\n[[miners]]\nkind = "echo"\n[[validators]]\nname = "v"\n'
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    with (tmp_path / "job-driver-mine-1.log").open("w") as log:
        done = subprocess.run(
            [sys.executable, "-m", "lab.job", str(tmp_path / "mine.toml")],
            cwd=ROOT, env=environment | {"RAY_ADDRESS": "127.0.0.1:1"}, stdout=log, stderr=log, timeout=120,
        )  # fmt: skip
    said = (tmp_path / "job-driver-mine-1.log").read_text()
    assert done.returncode == 1 and "Ray can't be reached" in said and "Traceback" not in said
    left = tmp_path / "subnetlab" / "mine-1"
    ended = Ended.model_validate_json((left / "ended.json").read_text())
    assert ended.exit_code == 1 and ended.packed is not None
    assert sorted(path.name for path in left.iterdir()) == ["ended.json", "run.zip"]
    assert left.stat().st_mode & 0o077 == 0
    unpack(left / "run.zip", ended.packed, tmp_path / "fetched")
    assert "failed (Ray can't be reached" in headline(at_folder(tmp_path / "fetched")[0])
