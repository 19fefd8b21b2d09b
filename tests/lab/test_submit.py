"""What is sent to a cluster with a run, and what the run leaves there."""

import errno
import hashlib
import importlib
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import click
import pytest
import typer

from cluster import PoolError
from cluster.ray.code_upload import ROOMS
from cluster.ray.jobs import Jobs, TooLarge
from lab.cli.cluster.submit import submit
from lab.cli.run.status import at_folder
from lab.errors import RecordError
from lab.record.archive import Packed, unpack
from lab.run.job import Ended
from lab.run.status_text import headline
from lab.run.submission import staged
from subnets import SubnetlabError

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def unused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages of the checkout that no config has used, but other tests."""
    for name in ("benchmarks", "tests"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_this_projects_code_and_the_config_are_sent_and_nothing_else_of_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("seed = 1")
    with staged(tmp_path / "mine.toml") as folder:
        sent = {path.name for path in folder.iterdir()}
        assert (folder / "submitted" / "mine.toml").read_text() == "seed = 1"
        assert (folder / "lab" / "run" / "job.py").is_file()
        assert (folder / "lab" / "report" / "templates" / "page.html").is_file()
        assert not list(folder.rglob("__pycache__"))
    assert sent == {
        "lab",
        "cluster",
        "validators",
        "miners",
        "subnets",
        "inference",
        "consensus",
        "configs",
        "submitted",
    }
    assert not folder.exists()


def own_python(folder: Path) -> list[str]:
    """The Python files of a folder that are of no room."""
    paths = (path.relative_to(folder) for path in folder.rglob("*.py"))
    return sorted(str(path) for path in paths if path.parts[0] not in ROOMS)


@pytest.mark.parametrize("place", ["here", "the checkout"])
def test_modules_are_sent_if_the_config_used_one_of_them(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine.toml", "submitted_miner.py", "its_helper.py", "keys.env"):
        (tmp_path / name).write_text("")
    if place == "here":
        monkeypatch.chdir(tmp_path)
    else:
        monkeypatch.setattr("cluster.ray.code_upload.CHECKOUT", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with staged(tmp_path / "mine.toml") as folder:
        assert own_python(folder) == []
    importlib.import_module("submitted_miner")
    with staged(tmp_path / "mine.toml") as folder:
        assert own_python(folder) == ["its_helper.py", "submitted_miner.py"]
        assert not list(folder.rglob("keys.env"))
    del sys.modules["submitted_miner"]


def test_the_python_files_of_a_used_package_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mine.toml", "submitted_pack/inner/miner.py", "submitted_pack/keys.env", "beside.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("submitted_pack.inner.miner")
    with staged(Path("mine.toml")) as folder:
        assert own_python(folder) == ["submitted_pack/inner/miner.py"]
        assert not list(folder.rglob("keys.env"))
    for name in ("submitted_pack.inner.miner", "submitted_pack.inner", "submitted_pack"):
        del sys.modules[name]


ECHO = 'miners = [{kind = "echo"}]'
SERVER = 'servers = [{name = "s", command = ["{python}", "serve.py", "{port}"]}]'
TWICE = '{kind = "echo", count = 2}'
READER = '{kind = "language_model", engine = {kind = "transformers", model = "pages/model"}}'


@pytest.mark.parametrize(
    "key, said, subnet, others",
    [
        ("subnet.organic", "prompts.txt", ', organic = "prompts.txt", organic_share = 0.5', ECHO),
        ("subnet.texts", "pages", ', texts = "pages", mix = {text_summary = 1}, writer = "transformers"', ECHO),
        ("subnet.texts", "../pages", ', texts = "../pages", mix = {text_summary = 1}, writer = "transformers"', ECHO),
        ("miners[0].dendrite.ca_file", "ca.pem", "", 'miners = [{kind = "remote", dendrite = {ca_file = "ca.pem"}}]'),
        ("miners[1].engine.model", "pages/model", "", f"miners = [{TWICE}, {READER}]"),
        ("servers[0].command[1]", "serve.py", "", f"{ECHO}\n{SERVER}"),
    ],
)
def test_a_config_that_names_a_file_which_is_not_sent_costs_no_job(
    key: str, said: str, subnet: str, others: str, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    for name in ("here/prompts.txt", "here/ca.pem", "here/serve.py", "here/pages/model/config.json", "pages/one.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Who is it?")
    (here / "pages" / "one.txt").write_text("It is me.")
    (here / "mine.toml").write_text(
        f'{others}\nsubnet = {{kind = "text_prompting"{subnet}}}\nvalidators = [{{name = "v"}}]\n'
    )
    command = [sys.executable, "-m", "lab", "submit", "mine.toml", "--address", "http://127.0.0.1:1"]
    result = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stderr) == (
        2,
        f"subnetlab: mine.toml: {key}: {said} is not sent to the cluster; copy it to the machines and give its "
        "absolute path\n",
    )


def test_a_file_named_like_a_word_of_the_config_does_not_count_as_one_of_its_files(tmp_path: Path) -> None:
    for name in ("ocr", "noisy", "reader", "auto", "validators"):
        (tmp_path / name).touch()
    (tmp_path / "mine.toml").write_text(
        'subnet = "ocr"\n[[miners]]\nkind = "noisy"\nname = "reader"\n[[validators]]\nname = "v"\n'
    )
    command = [sys.executable, "-m", "lab", "submit", "mine.toml", "--address", "http://127.0.0.1:1"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and "no Ray dashboard answers" in result.stderr


def test_a_failed_run_leaves_its_packed_record_next_to_the_log_of_its_job(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'subnet = "tests.lab.records:Digits"\n[[miners]]\nkind = "echo"\n[[validators]]\nname = "v"\n'
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    with (tmp_path / "job-driver-mine-1.log").open("w") as log:
        result = subprocess.run(
            [sys.executable, "-m", "lab.run.job", str(tmp_path / "mine.toml")],
            cwd=ROOT,
            env=environment | {"RAY_ADDRESS": "127.0.0.1:1"},
            stdout=log,
            stderr=log,
            timeout=120,
        )
    said = (tmp_path / "job-driver-mine-1.log").read_text()
    assert result.returncode == 1 and "Ray can't be reached" in said and "Traceback" not in said
    left = tmp_path / "subnetlab" / "mine-1"
    ended = Ended.model_validate_json((left / "ended.json").read_text())
    assert ended.exit_code == 1 and ended.packed is not None
    assert sorted(path.name for path in left.iterdir()) == ["ended.json", "run.zip"]
    assert left.stat().st_mode & 0o077 == 0
    unpack(left / "run.zip", ended.packed, tmp_path / "fetched")
    assert "failed (Ray can't be reached" in headline(at_folder(tmp_path / "fetched")[0])


class EndedJob:
    """A head with one job that has ended, and what it left; an error in place of a file is raised."""

    address = "http://head:8265"

    def __init__(self, left: Mapping[str, bytes | Exception], taken: Path | None = None) -> None:
        """`taken`: a folder that another takes while the record comes."""
        self._left = left
        self._taken = taken

    def details(self, job: str) -> Any:
        return SimpleNamespace(status=SimpleNamespace(value="SUCCEEDED"), metadata={}, driver_exit_code=0, message="")

    async def follow(self, job: str, shown: int = 0) -> AsyncIterator[str]:
        yield "said\n"

    def fetch(self, job: str, name: str, into: BinaryIO, most: int) -> bool:
        content = self._left[name]
        if isinstance(content, Exception):
            raise content
        into.write(content)
        if self._taken is not None and name == "run.zip":
            self._taken.mkdir()
            (self._taken / "another").touch()
        return True


def attached(head: EndedJob, out: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Go back to the job; return the exit code."""
    monkeypatch.setattr("cluster.ray.jobs.Jobs", lambda address: head)
    with pytest.raises(typer.Exit) as ended:
        submit(typer.Context(click.Command("submit")), attach="mine-1", out=out)
    return ended.value.exit_code


def record(tmp_path: Path, name: str = "config.json", size: int | None = None) -> dict[str, bytes | Exception]:
    """What a job leaves that has recorded one file."""
    with zipfile.ZipFile(tmp_path / "run.zip", "w") as into:
        into.writestr(name, "{}")
    archive = (tmp_path / "run.zip").read_bytes()
    packed = Packed(sha256=hashlib.sha256(archive).hexdigest(), size=size or len(archive))
    return {"run.zip": archive, "ended.json": Ended(exit_code=3, packed=packed).model_dump_json().encode()}


BACK = "fetch it with: subnetlab submit --attach mine-1 --address http://head:8265 --out FOLDER"


def test_a_record_is_fetched_and_the_exit_code_of_its_job_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attached(EndedJob(record(tmp_path)), tmp_path / "there", monkeypatch) == 3
    assert (tmp_path / "there" / "config.json").read_text() == "{}"


@pytest.mark.parametrize(
    "said, kind, changes",
    [
        ("Ray at http://head:8265: broken", PoolError, {"run.zip": PoolError("Ray at http://head:8265: broken")}),
        ("Ray at http://head:8265: broken", PoolError, {"ended.json": PoolError("Ray at http://head:8265: broken")}),
        ("is not the one that was packed", RecordError, {"run.zip": b"cut off"}),
        ("No space left on device", RecordError, {"run.zip": OSError(errno.ENOSPC, "No space left on device")}),
        ("is not empty", RecordError, {}),
    ],
)
def test_an_error_that_may_pass_says_how_to_fetch_the_record_again(
    said: str,
    kind: type[SubnetlabError],
    changes: dict[str, bytes | Exception],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "there"
    with pytest.raises(kind) as refused:
        attached(EndedJob(record(tmp_path) | changes, None if changes else out), out, monkeypatch)
    assert said in str(refused.value) and str(refused.value).endswith(BACK)


@pytest.mark.parametrize(
    "said, left",
    [
        ("can't be read: look at it on the head", {"ended.json": b"{}"}),
        ("has more than 9 bytes", {"run.zip": TooLarge("run.zip has more than 9 bytes; look at it on the head")}),
        ("copy it by hand from the log folder of the cluster", {"size": 21_000_000_000}),
        ("would be written outside its folder", {"name": "../outside"}),
    ],
)
def test_a_record_that_would_be_refused_again_is_not_offered_again(
    said: str, left: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {key: value for key, value in left.items() if "." in key}
    archive = record(tmp_path, left.get("name", "config.json"), left.get("size"))
    (tmp_path / "there").mkdir()
    with pytest.raises(SubnetlabError) as refused:
        attached(EndedJob(archive | changes), tmp_path / "there", monkeypatch)
    assert said in str(refused.value) and "--attach" not in str(refused.value)


@pytest.mark.parametrize("reply", [None, [], {}, "ray_version", 7])
def test_json_of_something_else_is_not_taken_for_a_dashboard(monkeypatch: pytest.MonkeyPatch, reply: object) -> None:
    answer = SimpleNamespace(status_code=200, json=lambda: reply)
    monkeypatch.setattr("requests.get", lambda *_, **__: answer)
    with pytest.raises(
        PoolError, match="http://127.0.0.1:1 is not a Ray dashboard: it answers 200 and names no version"
    ):
        Jobs("http://127.0.0.1:1")
